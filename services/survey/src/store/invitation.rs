//! Invitations.

use lotse_clock::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{IntoActiveModel as _, QueryOrder as _, QuerySelect as _, Select};

use crate::domain::caps::Asked;
use crate::domain::invitation::State;
use crate::domain::kind::Kind;
use crate::store::answer::Wanted;

/// A row of `survey_invitations`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "survey_invitations")]
pub struct Model {
    /// `inv_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The survey.
    pub survey_id: String,
    /// As [`Kind::as_str`].
    pub kind: String,
    /// The ticket; empty for a touchpoint without one.
    pub ticket_id: String,
    /// Who is asked.
    pub requester_id: String,
    /// What is unique per survey and episode: the ticket, or the invitation itself without one.
    pub subject: String,
    /// Which resolution of the ticket.
    pub episode: i32,
    /// As [`State::as_str`].
    pub state: String,
    /// Why it was skipped or cancelled.
    pub reason: String,
    /// When it was triggered.
    pub created_at: i64,
    /// When the requester is asked.
    pub invite_at: i64,
    /// When the page was first opened.
    pub opened_at: Option<i64>,
    /// When it was first answered.
    pub answered_at: Option<i64>,
    /// When it can no longer be answered.
    pub expires_at: i64,
    /// When its timer looks at it: to invite, or to expire.
    pub due_at: Option<i64>,
    /// Raised with every change of `due_at`.
    pub generation: i64,
    /// The journal lane of the ticket, or of the invitation without one.
    pub lane: i32,
    /// Snapshot: the agent.
    pub agent_id: String,
    /// Snapshot: the group.
    pub group_id: String,
    /// Snapshot: the channel.
    pub channel: i32,
    /// The language to ask in, BCP 47.
    pub language: String,
    /// Snapshot: the category.
    pub category: String,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What is asked.
    ///
    /// # Errors
    /// When the stored kind is none of ours.
    pub fn kind(&self) -> Result<Kind, DbErr> {
        self.kind
            .parse()
            .map_err(|error| DbErr::Type(format!("{error}")))
    }

    /// Where it stands.
    ///
    /// # Errors
    /// When the stored state is none of ours.
    pub fn state(&self) -> Result<State, DbErr> {
        self.state
            .parse()
            .map_err(|error| DbErr::Type(format!("{error}")))
    }

    /// Moves to `state` and looks again at `due`.
    pub fn enter(&mut self, state: State, due: Option<Timestamp>) {
        self.state = state.as_str().to_owned();
        self.due_at = due.map(Timestamp::as_millis);
        self.generation += 1;
    }
}

/// One invitation.
pub async fn find(conn: &impl ConnectionTrait, id: &str) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id.to_owned()).one(conn).await
}

/// The invitation of a survey to a ticket's episode.
pub async fn find_by_subject(
    conn: &impl ConnectionTrait,
    survey_id: &str,
    subject: &str,
    episode: i32,
) -> Result<Option<Model>, DbErr> {
    Entity::find()
        .filter(Column::SurveyId.eq(survey_id))
        .filter(Column::Subject.eq(subject))
        .filter(Column::Episode.eq(episode))
        .one(conn)
        .await
}

/// All invitations about these tickets.
pub async fn find_by_tickets(
    conn: &impl ConnectionTrait,
    tickets: Vec<String>,
) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::TicketId.is_in(tickets))
        .all(conn)
        .await
}

/// Whether a survey has ever invited anybody.
pub async fn any_of(conn: &impl ConnectionTrait, survey_id: &str) -> Result<bool, DbErr> {
    let found = Entity::find()
        .filter(Column::SurveyId.eq(survey_id))
        .one(conn)
        .await?;
    Ok(found.is_some())
}

/// A page of invitations, newest first, before the id `before`.
pub async fn page(
    conn: &impl ConnectionTrait,
    ticket_id: &str,
    survey_id: &str,
    before: Option<String>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut select = Entity::find().order_by_desc(Column::Id).limit(limit);
    if !ticket_id.is_empty() {
        select = select.filter(Column::TicketId.eq(ticket_id));
    }
    if !survey_id.is_empty() {
        select = select.filter(Column::SurveyId.eq(survey_id));
    }
    if let Some(before) = before {
        select = select.filter(Column::Id.lt(before));
    }
    select.all(conn).await
}

/// Invitations really made, whatever became of them, in the period and with the attribution that
/// `wanted` names for answers.
pub async fn count_invited(conn: &impl ConnectionTrait, wanted: &Wanted) -> Result<u64, DbErr> {
    let mut select = asked();
    if let Some(kind) = wanted.kind {
        select = select.filter(Column::Kind.eq(kind.as_str()));
    }
    if let Some(from) = wanted.from {
        select = select.filter(Column::InviteAt.gte(from.as_millis()));
    }
    if let Some(to) = wanted.to {
        select = select.filter(Column::InviteAt.lt(to.as_millis()));
    }
    let texts = [
        (Column::AgentId, &wanted.agent_id),
        (Column::GroupId, &wanted.group_id),
        (Column::SurveyId, &wanted.survey_id),
    ];
    for (column, text) in texts {
        if !text.is_empty() {
            select = select.filter(column.eq(text.as_str()));
        }
    }
    select.count(conn).await
}

/// The invitations that reached somebody. A withdrawal before the delay was over asked nobody.
fn asked() -> Select<Entity> {
    let asked = [
        State::Invited,
        State::Answered,
        State::Expired,
        State::Cancelled,
    ];
    Entity::find()
        .filter(Column::State.is_in(asked.map(State::as_str)))
        .filter(Column::Reason.ne(NEVER_SENT))
}

/// Stores a new invitation; `false` when the survey has invited for that episode before.
pub async fn insert(conn: &impl ConnectionTrait, invitation: Model) -> Result<bool, DbErr> {
    let once = OnConflict::columns([Column::SurveyId, Column::Subject, Column::Episode])
        .do_nothing()
        .to_owned();
    let inserted = Entity::insert(invitation.into_active_model())
        .on_conflict(once)
        .exec_without_returning(conn)
        .await?;
    Ok(inserted == 1)
}

/// Stores what became of an invitation that stood at `generation`; `false` when it moved on since.
pub async fn update(
    conn: &impl ConnectionTrait,
    invitation: Model,
    generation: i64,
) -> Result<bool, DbErr> {
    let id = invitation.id.clone();
    let done = Entity::update_many()
        .set(invitation.into_active_model().reset_all())
        .filter(Column::Id.eq(id))
        .filter(Column::Generation.eq(generation))
        .exec(conn)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Notes the first opening of the page; `false` when it was open before.
pub async fn mark_opened(
    conn: &impl ConnectionTrait,
    id: &str,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::OpenedAt, Expr::value(now.as_millis()))
        .filter(Column::Id.eq(id))
        .filter(Column::OpenedAt.is_null())
        .exec(conn)
        .await?;
    Ok(done.rows_affected == 1)
}

/// When a requester was last really asked this survey, about whichever ticket.
pub async fn last_asked(
    conn: &impl ConnectionTrait,
    requester_id: &str,
    survey_id: &str,
) -> Result<Asked, DbErr> {
    let rows = asked()
        .filter(Column::RequesterId.eq(requester_id))
        .all(conn)
        .await?;
    let latest = |rows: &mut dyn Iterator<Item = &Model>| {
        rows.map(|row| Timestamp::from_millis(row.invite_at)).max()
    };
    Ok(Asked {
        anything: latest(&mut rows.iter()),
        this_survey: latest(&mut rows.iter().filter(|row| row.survey_id == survey_id)),
    })
}

/// The reason of an invitation withdrawn before anybody was asked.
pub const NEVER_SENT: &str = "reopened_before_asking";

/// Timers due before an instant, soonest first.
pub async fn due_before(
    conn: &impl ConnectionTrait,
    before: Timestamp,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::DueAt.lt(before.as_millis()))
        .order_by_asc(Column::DueAt)
        .limit(limit)
        .all(conn)
        .await
}

/// All armed timers of a lane, by id after `after`.
pub async fn armed(
    conn: &impl ConnectionTrait,
    lane: u8,
    after: &str,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::Lane.eq(i32::from(lane)))
        .filter(Column::Id.gt(after))
        .filter(Column::DueAt.is_not_null())
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(conn)
        .await
}
