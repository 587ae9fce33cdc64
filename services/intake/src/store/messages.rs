//! Messages and notes.

use lotse_clock::Timestamp;
use lotse_ids::{RequesterId, TicketId};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Cond, ExprTrait as _, Order, Query};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Iterable as _, QueryResult};

use super::columns::{at, broken, id, millis, word};
use super::tickets;
use crate::domain::ticket::Message;
use crate::domain::words::{AuthorKind, Visibility};

/// One message or note. Rows are never changed, but for the ticket they stand on when that is merged,
/// and for words that are erased.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "intake_messages")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub ticket_id: String,
    pub author_kind: String,
    pub author_id: String,
    pub visibility: String,
    pub body: String,
    pub composed_at: Option<i64>,
    pub received_at: i64,
    pub recorded_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Stores new messages.
pub(crate) async fn insert(conn: &impl ConnectionTrait, messages: &[Message]) -> Result<(), DbErr> {
    if messages.is_empty() {
        return Ok(());
    }
    let mut insert = Query::insert()
        .into_table(Entity)
        .columns(Column::iter())
        .to_owned();
    for message in messages {
        let Message {
            id,
            ticket_id,
            author_kind,
            author_id,
            visibility,
            body,
            composed_at,
            received_at,
            recorded_at,
        } = message;
        let row = [
            id.as_str().into(),
            ticket_id.as_str().into(),
            author_kind.word().into(),
            author_id.as_str().into(),
            visibility.word().into(),
            body.as_str().into(),
            millis(*composed_at).into(),
            received_at.as_millis().into(),
            recorded_at.as_millis().into(),
        ];
        insert
            .values(row)
            .map_err(|error| broken("intake_messages", error))?;
    }
    conn.execute(&insert).await.map(drop)
}

/// Moves all messages of a ticket to another one.
pub(crate) async fn hand_on(
    conn: &impl ConnectionTrait,
    from: &TicketId,
    to: &TicketId,
) -> Result<(), DbErr> {
    let update = Query::update()
        .table(Entity)
        .value(Column::TicketId, to.as_str())
        .and_where(Column::TicketId.eq(from.as_str()))
        .to_owned();
    conn.execute(&update).await.map(drop)
}

/// Empties the messages on a requester's tickets, and what the requester wrote on others. Returns
/// the ticket of each.
pub(crate) async fn erase(
    conn: &impl ConnectionTrait,
    requester: &RequesterId,
) -> Result<Vec<TicketId>, DbErr> {
    let own = Query::select()
        .column(tickets::Column::Id)
        .from(tickets::Entity)
        .and_where(tickets::Column::RequesterId.eq(requester.as_str()))
        .to_owned();
    let whose = Cond::any()
        .add(Column::TicketId.in_subquery(own))
        .add(Column::AuthorId.eq(requester.as_str()));
    let update = Query::update()
        .table(Entity)
        .value(Column::Body, "")
        .cond_where(whose)
        .and_where(Column::Body.ne(""))
        .returning(Query::returning().column(Column::TicketId))
        .to_owned();
    let rows = conn.query_all(&update).await?;
    rows.iter()
        .map(|row| id("ticket_id", &row.try_get_by::<String, _>(0)?))
        .collect()
}

/// Up to `limit` messages of a ticket by `received_at`, from behind the message with this time and
/// id on.
pub(crate) async fn page(
    conn: &impl ConnectionTrait,
    ticket: &TicketId,
    after: Option<(i64, &str)>,
    limit: u64,
) -> Result<Vec<Message>, DbErr> {
    let mut query = Query::select()
        .columns(Column::iter())
        .from(Entity)
        .and_where(Column::TicketId.eq(ticket.as_str()))
        .order_by(Column::ReceivedAt, Order::Asc)
        .order_by(Column::Id, Order::Asc)
        .limit(limit)
        .to_owned();
    if let Some((received_at, id)) = after {
        let tied = Column::ReceivedAt.eq(received_at).and(Column::Id.gt(id));
        query.cond_where(
            Cond::any()
                .add(Column::ReceivedAt.gt(received_at))
                .add(tied),
        );
    }
    conn.query_all(&query).await?.iter().map(read).collect()
}

/// The messages with these ids.
pub(crate) async fn with_ids(
    conn: &impl ConnectionTrait,
    ids: &[&str],
) -> Result<Vec<Message>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = Query::select()
        .columns(Column::iter())
        .from(Entity)
        .and_where(Column::Id.is_in(ids.iter().copied()))
        .to_owned();
    conn.query_all(&query).await?.iter().map(read).collect()
}

fn read(row: &QueryResult) -> Result<Message, DbErr> {
    let row = Model::from_query_result(row, "")?;
    Ok(Message {
        id: id("id", &row.id)?,
        ticket_id: id("ticket_id", &row.ticket_id)?,
        author_kind: word("author_kind", AuthorKind::of_word, &row.author_kind)?,
        author_id: row.author_id,
        visibility: word("visibility", Visibility::of_word, &row.visibility)?,
        body: row.body,
        composed_at: at(row.composed_at),
        received_at: Timestamp::from_millis(row.received_at),
        recorded_at: Timestamp::from_millis(row.recorded_at),
    })
}
