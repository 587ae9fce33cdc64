//! What waits, what is offered, and who holds what.

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId, TicketId};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{CaseStatement, ExprTrait as _, Query, SimpleExpr};
use sea_orm::{Condition, FromQueryResult, QueryOrder as _, QuerySelect as _};

use super::super::parsed;
use super::{Column, Entity, from_row, rank};
use crate::domain::codes::{State, Status};
use crate::domain::item::Item;
use crate::domain::queue::Turn;

/// Which waiting items are meant.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// Only those nobody has looked at since they were queued, and those without a group.
    pub(crate) unplaced: bool,
    /// Only those of these groups; empty for all.
    pub(crate) groups: &'a [GroupId],
}

/// A page of what waits, in queue order, after `after`.
pub(crate) async fn waiting(
    conn: &impl ConnectionTrait,
    wanted: &Wanted<'_>,
    after: Option<&Turn>,
    limit: u64,
) -> Result<Vec<Item>, DbErr> {
    let mut select = Entity::find().filter(Column::State.eq(State::Waiting.as_str()));
    if wanted.unplaced {
        let unseen = Condition::any().add(Column::DecisionId.is_null());
        select = select.filter(unseen.add(Column::GroupId.is_null()));
    }
    if !wanted.groups.is_empty() {
        let groups = wanted.groups.iter().map(GroupId::as_str);
        select = select.filter(Column::GroupId.is_in(groups));
    }
    if let Some((priority, due_at, queued_at, ticket)) = after {
        // Spelled out, because SQLite and PostgreSQL both use the index for this form.
        let rank = rank(*priority);
        let queued_at = queued_at.as_millis();
        let same_priority = Condition::all().add(Column::Priority.eq(rank));
        let same_due = same_priority.clone().add(Column::DueAt.eq(*due_at));
        let same_age = same_due.clone().add(Column::QueuedAt.eq(queued_at));
        select = select.filter(
            Condition::any()
                .add(Column::Priority.gt(rank))
                .add(same_priority.add(Column::DueAt.gt(*due_at)))
                .add(same_due.add(Column::QueuedAt.gt(queued_at)))
                .add(same_age.add(Column::TicketId.gt(ticket.as_str()))),
        );
    }
    let rows = select
        .order_by_asc(Column::Priority)
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::QueuedAt)
        .order_by_asc(Column::TicketId)
        .limit(limit)
        .all(conn)
        .await?;
    rows.into_iter().map(from_row).collect()
}

/// Items that are offered, those of one agent or all, in the order in which they run out.
pub(crate) async fn offered(
    conn: &impl ConnectionTrait,
    to: Option<&AgentId>,
    limit: u64,
) -> Result<Vec<Item>, DbErr> {
    let mut select = Entity::find().filter(Column::OfferedTo.is_not_null());
    if let Some(agent) = to {
        select = select.filter(Column::OfferedTo.eq(agent.as_str()));
    }
    let select = select
        .order_by_asc(Column::TimerAt)
        .order_by_asc(Column::TicketId)
        .limit(limit);
    let rows = select.all(conn).await?;
    rows.into_iter().map(from_row).collect()
}

/// Tickets that agents have and nobody has begun to work on, of some groups or of all if none is
/// named.
pub(crate) async fn untouched(
    conn: &impl ConnectionTrait,
    groups: &[GroupId],
) -> Result<Vec<Item>, DbErr> {
    let mut select = Entity::find()
        .filter(Column::State.eq(State::Assigned.as_str()))
        .filter(Column::Status.eq(Status::Open.as_str()))
        .filter(Column::Begun.eq(false));
    if !groups.is_empty() {
        select = select.filter(Column::GroupId.is_in(groups.iter().map(GroupId::as_str)));
    }
    let rows = select.all(conn).await?;
    rows.into_iter().map(from_row).collect()
}

/// Who has what.
pub(crate) async fn holders(
    conn: &impl ConnectionTrait,
) -> Result<Vec<(TicketId, AgentId)>, DbErr> {
    let rows: Vec<(String, String)> = Entity::find()
        .select_only()
        .columns([Column::TicketId, Column::AgentId])
        .filter(Column::State.eq(State::Assigned.as_str()))
        .filter(Column::AgentId.is_not_null())
        .into_tuple()
        .all(conn)
        .await?;
    let rows = rows.iter();
    rows.map(|(ticket, agent)| Ok((parsed(ticket)?, parsed(agent)?)))
        .collect()
}

/// How many tickets of one state a group and an agent have.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// Waiting, offered or assigned.
    pub(crate) state: State,
    /// None for tickets without a group.
    pub(crate) group: Option<GroupId>,
    /// None for those that wait.
    pub(crate) agent: Option<AgentId>,
    /// How many.
    pub(crate) tickets: u32,
    /// How many of them nobody has begun to work on, of those assigned.
    pub(crate) untouched: u32,
    /// Since when the oldest of them is in routing.
    pub(crate) oldest: Timestamp,
}

#[derive(FromQueryResult)]
struct TallyRow {
    state: String,
    group_id: Option<String>,
    agent_id: Option<String>,
    tickets: i64,
    untouched: i64,
    oldest: i64,
}

/// Counts what waits, what is offered and what is assigned.
pub(crate) async fn tally(conn: &impl ConnectionTrait) -> Result<Vec<Tally>, DbErr> {
    let states = [State::Waiting, State::Offered, State::Assigned].map(State::as_str);
    // Counts where the case has a value.
    let is_untouched = Column::Status
        .eq(Status::Open.as_str())
        .and(Column::Begun.eq(false));
    let untouched: SimpleExpr = CaseStatement::new().case(is_untouched, 1).into();
    let query = Query::select()
        .columns([Column::State, Column::GroupId, Column::AgentId])
        .expr_as(Column::TicketId.count(), "tickets")
        .expr_as(untouched.count(), "untouched")
        .expr_as(Column::QueuedAt.min(), "oldest")
        .from(Entity)
        .and_where(Column::State.is_in(states))
        .group_by_columns([Column::State, Column::GroupId, Column::AgentId])
        .to_owned();
    let rows = conn.query_all(&query).await?;
    let tally = rows.iter().map(|row| {
        let row = TallyRow::from_query_result(row, "")?;
        Ok(Tally {
            state: parsed(&row.state)?,
            group: row.group_id.as_deref().map(parsed).transpose()?,
            agent: row.agent_id.as_deref().map(parsed).transpose()?,
            tickets: u32::try_from(row.tickets).unwrap_or(u32::MAX),
            untouched: u32::try_from(row.untouched).unwrap_or(u32::MAX),
            oldest: Timestamp::from_millis(row.oldest),
        })
    });
    tally.collect()
}
