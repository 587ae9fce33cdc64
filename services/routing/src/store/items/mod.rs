//! Tickets as routing sees them: `routing_items`.
//!
//! Here is the row, and tickets by id; [`queues`] is what waits, is offered and is held, [`timers`]
//! what is to be done though nothing happens.

mod queues;
mod timers;

use lotse_clock::Timestamp;
use lotse_ids::TicketId;
use lotse_journal::{bucket_of, lane_of};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{Iterable as _, QueryOrder as _, QuerySelect as _, Set};

use super::{count, from_json, parsed, stored, to_json};
use crate::domain::codes::{Priority, State};
use crate::domain::item::{Item, Timer, Trail};
use crate::domain::offer::Offer;
use crate::domain::queue::turn;
use crate::domain::weight::Weight;
pub(crate) use queues::{Wanted, holders, offered, tally, untouched, waiting};
pub(crate) use timers::{Due, armed, due_before, lock_due};

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
