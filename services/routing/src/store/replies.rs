//! Replies that mentors look at: `routing_reply_reviews`.

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, MessageId};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{QueryOrder as _, QuerySelect as _, Set};

use super::parsed;
use crate::domain::codes::ReviewState;
use crate::domain::review::Review;

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_reply_reviews")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub message_id: String,
    pub ticket_id: String,
    pub agent_id: String,
    pub mentor_id: String,
    pub state: String,
    pub note: String,
    pub requested_at: i64,
    pub decided_at: Option<i64>,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

fn to_review(row: &Model) -> Result<Review, DbErr> {
    Ok(Review {
        message: parsed(&row.message_id)?,
        ticket: parsed(&row.ticket_id)?,
        agent: parsed(&row.agent_id)?,
        mentor: parsed(&row.mentor_id)?,
        state: parsed(&row.state)?,
        note: row.note.clone(),
        requested_at: Timestamp::from_millis(row.requested_at),
        decided_at: row.decided_at.map(Timestamp::from_millis),
    })
}

/// One reply.
pub(crate) async fn find(
    conn: &impl ConnectionTrait,
    message: &MessageId,
) -> Result<Option<Review>, DbErr> {
    let row = Entity::find_by_id(message.to_string()).one(conn).await?;
    row.as_ref().map(to_review).transpose()
}

/// Replies that wait, by note.
pub(crate) async fn pending(
    conn: &impl ConnectionTrait,
    mentor: Option<&AgentId>,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Review>, DbErr> {
    let mut select = Entity::find().filter(Column::State.eq(ReviewState::Pending.as_str()));
    if let Some(mentor) = mentor {
        select = select.filter(Column::MentorId.eq(mentor.as_str()));
    }
    if let Some(after) = after {
        select = select.filter(Column::MessageId.gt(after));
    }
    let select = select.order_by_asc(Column::MessageId).limit(limit);
    let rows = select.all(conn).await?;
    rows.iter().map(to_review).collect()
}

/// Adds a reply that waits. Whether it was not there yet.
pub(crate) async fn insert(conn: &impl ConnectionTrait, review: &Review) -> Result<bool, DbErr> {
    let row = ActiveModel {
        message_id: Set(review.message.to_string()),
        ticket_id: Set(review.ticket.to_string()),
        agent_id: Set(review.agent.to_string()),
        mentor_id: Set(review.mentor.to_string()),
        state: Set(review.state.to_string()),
        note: Set(review.note.clone()),
        requested_at: Set(review.requested_at.as_millis()),
        decided_at: Set(review.decided_at.map(Timestamp::as_millis)),
    };
    let once = OnConflict::column(Column::MessageId)
        .do_nothing()
        .to_owned();
    let insert = Entity::insert(row).on_conflict(once);
    Ok(insert.exec_without_returning(conn).await? > 0)
}

/// Writes a decision down, unless another one was first. Whether it was.
pub(crate) async fn decide(conn: &impl ConnectionTrait, review: &Review) -> Result<bool, DbErr> {
    let decided_at = review.decided_at.map(Timestamp::as_millis);
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(review.state.to_string()))
        .col_expr(Column::MentorId, Expr::value(review.mentor.to_string()))
        .col_expr(Column::Note, Expr::value(review.note.clone()))
        .col_expr(Column::DecidedAt, Expr::value(decided_at))
        .filter(Column::MessageId.eq(review.message.as_str()))
        .filter(Column::State.eq(ReviewState::Pending.as_str()))
        .exec(conn)
        .await?;
    Ok(done.rows_affected > 0)
}
