//! Tickets as routing sees them: `routing_items`.

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId, TicketId};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{CaseStatement, ExprTrait as _, LockType, OnConflict, Query, SimpleExpr};
use sea_orm::{Condition, FromQueryResult, Iterable as _, QueryOrder as _, QuerySelect as _, Set};

use super::{count, from_json, parsed, stored, to_json};
use crate::domain::codes::{Priority, State, Status};
use crate::domain::item::Item;
use crate::domain::queue::{Turn, turn};
use crate::domain::weight::Weight;

/// One ticket.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_items")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub ticket_id: String,
    pub version: i64,
    /// Derived from status and agent, for searching.
    pub state: String,
    pub status: String,
    pub group_id: Option<String>,
    pub agent_id: Option<String>,
    pub load: i64,
    pub channel: String,
    /// 1 (urgent) to 4 (low), so that it sorts.
    pub priority: i32,
    /// The earliest deadline, for sorting; far in the future when there is none.
    pub due_at: i64,
    pub queued_at: i64,
    pub assigned_at: Option<i64>,
    pub begun: bool,
    pub transfers: i32,
    pub escalations: i32,
    pub decision_id: Option<String>,
    pub reason: Option<String>,
    pub facts: String,
    pub trail: String,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Rows of one INSERT: 19 parameters each, of which SQLite takes 32,766 and PostgreSQL 65,535.
const ROWS: usize = 1_000;

const fn rank(priority: Priority) -> i32 {
    match priority {
        Priority::Urgent => 1,
        Priority::High => 2,
        Priority::Normal => 3,
        Priority::Low => 4,
    }
}

fn priority(rank: i32) -> Result<Priority, DbErr> {
    match rank {
        1 => Ok(Priority::Urgent),
        2 => Ok(Priority::High),
        3 => Ok(Priority::Normal),
        4 => Ok(Priority::Low),
        _ => Err(DbErr::Type(format!("there is no priority {rank}"))),
    }
}

fn to_row(item: &Item) -> Result<ActiveModel, DbErr> {
    let (_, due_at, _, _) = turn(item);
    Ok(ActiveModel {
        ticket_id: Set(item.ticket.to_string()),
        version: Set(item.version),
        state: Set(item.state().to_string()),
        status: Set(item.status.to_string()),
        group_id: Set(item.group.as_ref().map(ToString::to_string)),
        agent_id: Set(item.agent.as_ref().map(ToString::to_string)),
        load: Set(item.load.thousandths()),
        channel: Set(item.channel.to_string()),
        priority: Set(rank(item.priority)),
        due_at: Set(due_at),
        queued_at: Set(item.queued_at.as_millis()),
        assigned_at: Set(item.assigned_at.map(Timestamp::as_millis)),
        begun: Set(item.begun),
        transfers: Set(stored(item.transfers)),
        escalations: Set(stored(item.escalations)),
        decision_id: Set(item.decision.as_ref().map(ToString::to_string)),
        reason: Set(item.reason.map(|reason| reason.to_string())),
        facts: Set(to_json(&item.facts)?),
        trail: Set(to_json(&item.trail)?),
    })
}

fn from_row(row: Model) -> Result<Item, DbErr> {
    Ok(Item {
        ticket: parsed(&row.ticket_id)?,
        version: row.version,
        status: parsed(&row.status)?,
        group: row.group_id.as_deref().map(parsed).transpose()?,
        agent: row.agent_id.as_deref().map(parsed).transpose()?,
        load: Weight::from_thousandths(row.load),
        channel: parsed(&row.channel)?,
        priority: priority(row.priority)?,
        queued_at: Timestamp::from_millis(row.queued_at),
        assigned_at: row.assigned_at.map(Timestamp::from_millis),
        begun: row.begun,
        transfers: count(row.transfers)?,
        escalations: count(row.escalations)?,
        decision: row.decision_id.as_deref().map(parsed).transpose()?,
        reason: row.reason.as_deref().map(parsed).transpose()?,
        facts: from_json(&row.facts)?,
        trail: from_json(&row.trail)?,
    })
}

/// One ticket as it stands.
pub(crate) async fn find(
    conn: &impl ConnectionTrait,
    ticket: &TicketId,
) -> Result<Option<Item>, DbErr> {
    let row = Entity::find_by_id(ticket.to_string()).one(conn).await?;
    row.map(from_row).transpose()
}

/// Tickets, locked until the transaction ends. Taken in the order of their ids, so that two who
/// lock several do not wait for each other in a circle.
pub(crate) async fn lock(
    conn: &impl ConnectionTrait,
    tickets: impl IntoIterator<Item = &TicketId>,
) -> Result<Vec<Item>, DbErr> {
    let tickets: Vec<&str> = tickets.into_iter().map(TicketId::as_str).collect();
    let rows = Entity::find()
        .filter(Column::TicketId.is_in(tickets))
        .order_by_asc(Column::TicketId)
        .lock(LockType::Update)
        .all(conn)
        .await?;
    rows.into_iter().map(from_row).collect()
}

/// Writes items, new or changed. The caller has locked those that are there.
pub(crate) async fn save(
    conn: &impl ConnectionTrait,
    items: impl IntoIterator<Item = &Item>,
) -> Result<(), DbErr> {
    let rows: Vec<ActiveModel> = items.into_iter().map(to_row).collect::<Result<_, _>>()?;
    let changing = Column::iter().filter(|column| !matches!(column, Column::TicketId));
    let replace = OnConflict::column(Column::TicketId)
        .update_columns(changing)
        .to_owned();
    for rows in rows.chunks(ROWS) {
        Entity::insert_many(rows.to_vec())
            .on_conflict(replace.clone())
            .exec_without_returning(conn)
            .await?;
    }
    Ok(())
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

/// Which waiting items are meant.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// Only those nobody has looked at since they were queued, and those without a group.
    pub(crate) unplaced: bool,
    /// Only those of these groups; empty for all.
    pub(crate) groups: &'a [GroupId],
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

/// How many tickets of one state a group and an agent have.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// Waiting or assigned.
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

/// Counts what waits and what is assigned.
pub(crate) async fn tally(conn: &impl ConnectionTrait) -> Result<Vec<Tally>, DbErr> {
    let states = [State::Waiting, State::Assigned].map(State::as_str);
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
