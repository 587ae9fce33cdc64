//! Tickets as routing sees them: `routing_items`.

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId, TicketId};
use lotse_journal::{bucket_of, lane_of};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{CaseStatement, ExprTrait as _, LockType, OnConflict, Query, SimpleExpr};
use sea_orm::{Condition, FromQueryResult, Iterable as _, QueryOrder as _, QuerySelect as _, Set};

use super::{count, from_json, parsed, stored, to_json};
use crate::domain::codes::{Priority, State, Status};
use crate::domain::item::{Item, Timer, Trail};
use crate::domain::offer::Offer;
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
    /// In thousandths of a ticket, where the agent's own weights say nothing else.
    pub weight: i64,
    /// The open offer; it runs out at `timer_at`.
    pub offer_id: Option<String>,
    pub offered_to: Option<String>,
    pub offer_decision_id: Option<String>,
    /// When something is to be done about it though nothing happens.
    pub timer_at: Option<i64>,
    /// The timer's fence.
    pub timer_generation: i64,
    /// The timer's lane.
    pub lane: i32,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Rows of one INSERT: 26 parameters each, of which SQLite takes 32,766 and PostgreSQL 65,535.
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
    let offer = item.offer.as_ref();
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
        weight: Set(item.weight.thousandths()),
        offer_id: Set(offer.map(|offer| offer.id.to_string())),
        offered_to: Set(offer.map(|offer| offer.agent.to_string())),
        offer_decision_id: Set(offer.map(|offer| offer.decision.to_string())),
        timer_at: Set(item.timer.map(|timer| timer.at.as_millis())),
        timer_generation: Set(item.timer.map_or(0, |timer| timer.generation)),
        lane: Set(lane_of(bucket_of(item.ticket.as_str())).into()),
    })
}

fn from_row(row: Model) -> Result<Item, DbErr> {
    let trail: Trail = from_json(&row.trail)?;
    let timer = row.timer_at.map(|at| Timer {
        at: Timestamp::from_millis(at),
        generation: row.timer_generation,
    });
    let wraps_up = parsed::<State>(&row.state)? == State::Done;
    let offer = match (
        &row.offer_id,
        &row.offered_to,
        &row.offer_decision_id,
        timer,
    ) {
        (Some(id), Some(agent), Some(decision), Some(timer)) => Some(Offer {
            id: parsed(id)?,
            agent: parsed(agent)?,
            expires_at: timer.at,
            attempt: trail.offers,
            decision: parsed(decision)?,
        }),
        _ => None,
    };
    Ok(Item {
        ticket: parsed(&row.ticket_id)?,
        version: row.version,
        status: parsed(&row.status)?,
        group: row.group_id.as_deref().map(parsed).transpose()?,
        agent: row.agent_id.as_deref().map(parsed).transpose()?,
        offer,
        weight: Weight::from_thousandths(row.weight),
        load: Weight::from_thousandths(row.load),
        wrapping_until: timer.filter(|_| wraps_up).map(|timer| timer.at),
        timer,
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
        trail,
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

/// These tickets, in no order.
pub(crate) async fn find_all(
    conn: &impl ConnectionTrait,
    tickets: impl IntoIterator<Item = &TicketId>,
) -> Result<Vec<Item>, DbErr> {
    let tickets = tickets.into_iter().map(TicketId::as_str);
    let rows = Entity::find()
        .filter(Column::TicketId.is_in(tickets))
        .all(conn)
        .await?;
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

/// Those whose timer of that generation is due, locked: the timer's fence.
pub(crate) async fn lock_due(
    conn: &impl ConnectionTrait,
    due: &[(String, i64)],
    now: Timestamp,
) -> Result<Vec<Item>, DbErr> {
    let same = due.iter().fold(Condition::any(), |any, (id, generation)| {
        let same = Condition::all().add(Column::TicketId.eq(id.as_str()));
        any.add(same.add(Column::TimerGeneration.eq(*generation)))
    });
    if same.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Entity::find()
        .filter(same)
        .filter(Column::TimerAt.lte(now.as_millis()))
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

/// A timer of an item.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Due {
    /// The item.
    pub(crate) ticket_id: String,
    /// The timer's fence.
    pub(crate) timer_generation: i64,
    /// When, in milliseconds since the epoch.
    pub(crate) timer_at: i64,
    /// The timer's lane.
    pub(crate) lane: i32,
}

fn timers() -> sea_orm::Select<Entity> {
    Entity::find()
        .select_only()
        .columns([
            Column::TicketId,
            Column::TimerGeneration,
            Column::TimerAt,
            Column::Lane,
        ])
        .filter(Column::TimerAt.is_not_null())
}

/// Timers before an instant, the earliest first.
pub(crate) async fn due_before(
    conn: &impl ConnectionTrait,
    before: Timestamp,
    limit: u64,
) -> Result<Vec<Due>, DbErr> {
    let select = timers().filter(Column::TimerAt.lt(before.as_millis()));
    let select = select.order_by_asc(Column::TimerAt).limit(limit);
    select.into_model().all(conn).await
}

/// Timers of a lane, by id, from the first beyond `after`.
pub(crate) async fn armed(
    conn: &impl ConnectionTrait,
    lane: u8,
    after: &str,
    limit: u64,
) -> Result<Vec<Due>, DbErr> {
    let select = timers().filter(Column::Lane.eq(i32::from(lane)));
    let select = select.filter(Column::TicketId.gt(after));
    let select = select.order_by_asc(Column::TicketId).limit(limit);
    select.into_model().all(conn).await
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
