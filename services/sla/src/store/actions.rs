//! What reactions do to tickets: commands to other services, carried out after their commit.

use std::collections::BTreeSet;

use lotse_clock::Timestamp;
use lotse_timers::Entry;
use sea_orm::sea_query::{
    Expr, ExprTrait as _, LockType, OnConflict, Order, Query, SelectStatement,
};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use serde::{Deserialize, Serialize};

use super::columns::{
    ROWS_AT_ONCE, broken, code, document, instant, maybe_instant, millis, number, stored_number,
    to_document,
};
use super::due;
use crate::domain::{ActionKind, ActionState, Metric, Priority};

/// A stored action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The request id under which it is carried out: follows from clock, share and kind, so that a
    /// cycle of a clock leads to each of its actions once.
    pub id: String,
    /// The ticket.
    pub ticket_id: String,
    /// The lane of the ticket's bucket.
    pub lane: u8,
    /// The clock it reacts to.
    pub clock_id: String,
    /// What that clock measures.
    pub metric: Metric,
    /// The share that was warned about, in percent; 0 for a breach.
    pub at_percent: u8,
    /// What it does.
    pub kind: ActionKind,
    /// The rest of the command.
    pub command: Command,
    /// Where it stands.
    pub state: ActionState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next; `None` when it is over.
    pub next_at: Option<Timestamp>,
    /// Raised by every change of `next_at`.
    pub generation: i64,
    /// What went wrong last; empty when nothing.
    pub error: String,
    /// When it was decided.
    pub created_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

/// What only some actions have. Also the stored form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// At least this priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raise_to: Option<Priority>,
    /// To this group; `None` for the one that follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

const COLUMNS: [&str; 15] = [
    "id",
    "ticket_id",
    "lane",
    "clock_id",
    "metric",
    "at_percent",
    "kind",
    "command",
    "state",
    "attempts",
    "next_at",
    "generation",
    "error",
    "created_at",
    "ended_at",
];

/// Columns that never change.
const FIXED: usize = 8;

fn select() -> SelectStatement {
    Query::select().columns(COLUMNS).from("sla_actions").take()
}

fn small(row: &QueryResult, column: &str) -> Result<u8, DbErr> {
    let stored = number(row, column)?;
    u8::try_from(stored).map_err(|_| broken(column, stored))
}

fn read(row: &QueryResult) -> Result<Action, DbErr> {
    Ok(Action {
        id: row.try_get("", "id")?,
        ticket_id: row.try_get("", "ticket_id")?,
        lane: small(row, "lane")?,
        clock_id: row.try_get("", "clock_id")?,
        metric: code(row, "metric", Metric::from_code)?,
        at_percent: small(row, "at_percent")?,
        kind: code(row, "kind", ActionKind::from_code)?,
        command: document(row, "command")?,
        state: code(row, "state", ActionState::from_code)?,
        attempts: number(row, "attempts")?,
        next_at: maybe_instant(row, "next_at")?,
        generation: row.try_get("", "generation")?,
        error: row.try_get("", "error")?,
        created_at: instant(row, "created_at")?,
        ended_at: maybe_instant(row, "ended_at")?,
    })
}

/// Those of these actions that are there.
pub async fn load(conn: &impl ConnectionTrait, ids: &[&str]) -> Result<Vec<Action>, DbErr> {
    let query = by_id(ids);
    conn.query_all(&query).await?.iter().map(read).collect()
}

/// As [`load`]; nobody else changes them until this transaction ends.
pub async fn lock(conn: &impl ConnectionTrait, ids: &[&str]) -> Result<Vec<Action>, DbErr> {
    let query = by_id(ids).lock(LockType::Update).take();
    conn.query_all(&query).await?.iter().map(read).collect()
}

fn by_id(ids: &[&str]) -> SelectStatement {
    select()
        .and_where(Expr::col("id").is_in(ids.iter().copied()))
        .order_by("id", Order::Asc)
        .take()
}

/// Which actions. Every condition that is not empty must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of any of these tickets.
    pub tickets: Vec<String>,
    /// In any of these states.
    pub states: Vec<ActionState>,
}

/// Up to `limit` actions, the newest first, from the first that is older than `before`.
pub async fn list(
    conn: &impl ConnectionTrait,
    filter: &Filter,
    before: Option<&str>,
    limit: u64,
) -> Result<Vec<Action>, DbErr> {
    let Filter { tickets, states } = filter;
    let mut query = select();
    if !tickets.is_empty() {
        query.and_where(Expr::col("ticket_id").is_in(tickets));
    }
    if !states.is_empty() {
        let codes = states.iter().map(|state| state.code());
        query.and_where(Expr::col("state").is_in(codes));
    }
    if let Some(before) = before {
        query.and_where(Expr::col("id").lt(before));
    }
    query.order_by("id", Order::Desc).limit(limit);
    conn.query_all(&query).await?.iter().map(read).collect()
}

/// Stores actions, new or not.
pub async fn save(conn: &impl ConnectionTrait, actions: &[Action]) -> Result<(), DbErr> {
    for actions in actions.chunks(ROWS_AT_ONCE) {
        let mut insert = Query::insert()
            .into_table("sla_actions")
            .columns(COLUMNS)
            .on_conflict(
                OnConflict::column("id")
                    .update_columns(COLUMNS.into_iter().skip(FIXED))
                    .to_owned(),
            )
            .take();
        for action in actions {
            let Action {
                id,
                ticket_id,
                lane,
                clock_id,
                metric,
                at_percent,
                kind,
                command,
                state,
                attempts,
                next_at,
                generation,
                error,
                created_at,
                ended_at,
            } = action;
            let values = [
                id.as_str().into(),
                ticket_id.as_str().into(),
                i32::from(*lane).into(),
                clock_id.as_str().into(),
                metric.code().into(),
                i32::from(*at_percent).into(),
                kind.code().into(),
                to_document(command)?.into(),
                state.code().into(),
                stored_number(*attempts).into(),
                millis(*next_at).into(),
                (*generation).into(),
                error.as_str().into(),
                created_at.as_millis().into(),
                millis(*ended_at).into(),
            ];
            insert
                .values(values)
                .map_err(|error| broken("sla_actions", error))?;
        }
        conn.execute(&insert).await?;
    }
    Ok(())
}

/// Marks what actions brought about: clocks they started or retargeted, by id, and events, by
/// `bucket:position`.
pub async fn mark(conn: &impl ConnectionTrait, effects: &[String]) -> Result<(), DbErr> {
    for effects in effects.chunks(ROWS_AT_ONCE) {
        let mut insert = Query::insert()
            .into_table("sla_action_effects")
            .columns(["id"])
            .on_conflict(OnConflict::column("id").do_nothing().to_owned())
            .take();
        for effect in effects {
            insert
                .values([effect.as_str().into()])
                .map_err(|error| broken("sla_action_effects", error))?;
        }
        conn.execute(&insert).await?;
    }
    Ok(())
}

/// Those of these clocks and events that are marked.
pub async fn marked(
    conn: &impl ConnectionTrait,
    ids: &BTreeSet<&str>,
) -> Result<BTreeSet<String>, DbErr> {
    let select = Query::select()
        .column("id")
        .from("sla_action_effects")
        .and_where(Expr::col("id").is_in(ids.iter().copied()))
        .take();
    let rows = conn.query_all(&select).await?;
    rows.iter().map(|row| row.try_get("", "id")).collect()
}

/// Timers of actions to be tried before `before`, the earliest first.
pub async fn due_before(
    conn: &impl ConnectionTrait,
    before: Timestamp,
    limit: u64,
) -> Result<Vec<Entry>, DbErr> {
    due::before(conn, "sla_actions", before, limit).await
}

/// Timers of a lane by action, from the first beyond `after`.
pub async fn armed(
    conn: &impl ConnectionTrait,
    lane: u8,
    after: &str,
    limit: u64,
) -> Result<Vec<Entry>, DbErr> {
    due::armed(conn, "sla_actions", lane, after, limit).await
}
