//! One row an alert.

use lotse_clock::Timestamp;
use lotse_timers::Entry;
use sea_orm::sea_query::{
    Expr, ExprTrait as _, LockType, OnConflict, Order, Query, SelectStatement, SimpleExpr,
};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use crate::domain::{Alert, AlertState, Metric, Resolution};
use crate::store::columns::{
    ROWS_AT_ONCE, broken, code, instant, maybe_instant, millis, number, stored_number,
};
use crate::store::due;

/// A stored alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// The ticket.
    pub ticket_id: String,
    /// The lane of the ticket's bucket.
    pub lane: u8,
    /// The clock that gave rise to it.
    pub clock_id: String,
    /// What that clock measures.
    pub metric: Metric,
    /// The share that was warned about, in percent; 0 for a breach.
    pub at_percent: u8,
    /// The escalation policy.
    pub escalation_id: String,
    /// Its version.
    pub escalation_version: u32,
    /// The ticket's group, when somebody last looked.
    pub group_id: Option<String>,
    /// Where it stands.
    pub alert: Alert,
    /// Raised by every change of when it next needs a look.
    pub generation: i64,
    /// How many steps it has.
    pub steps: u32,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When somebody last took care.
    pub acknowledged_at: Option<Timestamp>,
    /// The agent who did; empty when it was none, or nobody.
    pub acknowledged_by: String,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
    /// Why it is over.
    pub resolution: Option<Resolution>,
}

const COLUMNS: [&str; 23] = [
    "id",
    "ticket_id",
    "lane",
    "clock_id",
    "metric",
    "at_percent",
    "escalation_id",
    "escalation_version",
    "group_id",
    "state",
    "level",
    "round",
    "repeats_left",
    "also_on_duty",
    "attempts",
    "next_at",
    "generation",
    "steps",
    "opened_at",
    "acknowledged_at",
    "acknowledged_by",
    "resolved_at",
    "resolution",
];

/// Columns that never change.
const FIXED: usize = 8;

/// Everything there is of alerts.
pub(super) fn select() -> SelectStatement {
    Query::select().columns(COLUMNS).from("sla_alerts").take()
}

/// The alerts that a query made of [`select`] finds.
pub(super) async fn query(
    conn: &impl ConnectionTrait,
    query: &SelectStatement,
) -> Result<Vec<Row>, DbErr> {
    conn.query_all(query).await?.iter().map(read).collect()
}

fn small(row: &QueryResult, column: &str) -> Result<u8, DbErr> {
    let stored = number(row, column)?;
    u8::try_from(stored).map_err(|_| broken(column, stored))
}

fn read(row: &QueryResult) -> Result<Row, DbErr> {
    let resolution: Option<String> = row.try_get("", "resolution")?;
    let resolution = resolution.map(|stored| {
        Resolution::from_code(&stored).ok_or_else(|| broken("resolution", "is no code"))
    });
    Ok(Row {
        id: row.try_get("", "id")?,
        ticket_id: row.try_get("", "ticket_id")?,
        lane: small(row, "lane")?,
        clock_id: row.try_get("", "clock_id")?,
        metric: code(row, "metric", Metric::from_code)?,
        at_percent: small(row, "at_percent")?,
        escalation_id: row.try_get("", "escalation_id")?,
        escalation_version: number(row, "escalation_version")?,
        group_id: row.try_get("", "group_id")?,
        alert: Alert {
            state: code(row, "state", AlertState::from_code)?,
            level: number(row, "level")?,
            round: number(row, "round")?,
            repeats_left: number(row, "repeats_left")?,
            also_on_duty: row.try_get("", "also_on_duty")?,
            attempts: number(row, "attempts")?,
            next_at: maybe_instant(row, "next_at")?,
        },
        generation: row.try_get("", "generation")?,
        steps: number(row, "steps")?,
        opened_at: instant(row, "opened_at")?,
        acknowledged_at: maybe_instant(row, "acknowledged_at")?,
        acknowledged_by: row.try_get("", "acknowledged_by")?,
        resolved_at: maybe_instant(row, "resolved_at")?,
        resolution: resolution.transpose()?,
    })
}

/// Those of these alerts that are there, by id.
pub async fn load(conn: &impl ConnectionTrait, ids: &[&str]) -> Result<Vec<Row>, DbErr> {
    query(conn, &by_id(ids)).await
}

/// As [`load`]; nobody else changes them until this transaction ends.
pub async fn lock(conn: &impl ConnectionTrait, ids: &[&str]) -> Result<Vec<Row>, DbErr> {
    query(conn, by_id(ids).lock(LockType::Update)).await
}

fn by_id(ids: &[&str]) -> SelectStatement {
    select()
        .and_where(Expr::col("id").is_in(ids.iter().copied()))
        .order_by("id", Order::Asc)
        .take()
}

/// The alerts of these tickets that are not over, by id; nobody else changes them until this
/// transaction ends.
pub async fn lock_open(conn: &impl ConnectionTrait, tickets: &[&str]) -> Result<Vec<Row>, DbErr> {
    let select = select()
        .and_where(Expr::col("ticket_id").is_in(tickets.iter().copied()))
        .and_where(Expr::col("state").ne(AlertState::Resolved.code()))
        .order_by("id", Order::Asc)
        .lock(LockType::Update)
        .take();
    query(conn, &select).await
}

/// The alerts that these clocks gave rise to, as pairs of clock and escalation policy.
pub async fn causes(
    conn: &impl ConnectionTrait,
    clocks: &[&str],
) -> Result<Vec<(String, String)>, DbErr> {
    let select = Query::select()
        .columns(["clock_id", "escalation_id"])
        .from("sla_alerts")
        .and_where(Expr::col("clock_id").is_in(clocks.iter().copied()))
        .take();
    let rows = conn.query_all(&select).await?;
    let pair = |row: &QueryResult| {
        Ok((
            row.try_get("", "clock_id")?,
            row.try_get("", "escalation_id")?,
        ))
    };
    rows.iter().map(pair).collect()
}

/// Stores alerts, new or not.
pub async fn save(conn: &impl ConnectionTrait, rows: &[Row]) -> Result<(), DbErr> {
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let mut insert = Query::insert()
            .into_table("sla_alerts")
            .columns(COLUMNS)
            .on_conflict(
                OnConflict::column("id")
                    .update_columns(COLUMNS.into_iter().skip(FIXED))
                    .to_owned(),
            )
            .take();
        for row in rows {
            insert
                .values(values(row))
                .map_err(|error| broken("sla_alerts", error))?;
        }
        conn.execute(&insert).await?;
    }
    Ok(())
}

fn values(row: &Row) -> [SimpleExpr; 23] {
    let Row {
        id,
        ticket_id,
        lane,
        clock_id,
        metric,
        at_percent,
        escalation_id,
        escalation_version,
        group_id,
        alert,
        generation,
        steps,
        opened_at,
        acknowledged_at,
        acknowledged_by,
        resolved_at,
        resolution,
    } = row;
    let Alert {
        state,
        level,
        round,
        repeats_left,
        also_on_duty,
        attempts,
        next_at,
    } = alert;
    [
        id.as_str().into(),
        ticket_id.as_str().into(),
        i32::from(*lane).into(),
        clock_id.as_str().into(),
        metric.code().into(),
        i32::from(*at_percent).into(),
        escalation_id.as_str().into(),
        stored_number(*escalation_version).into(),
        group_id.clone().into(),
        state.code().into(),
        stored_number(*level).into(),
        stored_number(*round).into(),
        stored_number(*repeats_left).into(),
        (*also_on_duty).into(),
        stored_number(*attempts).into(),
        millis(*next_at).into(),
        (*generation).into(),
        stored_number(*steps).into(),
        opened_at.as_millis().into(),
        millis(*acknowledged_at).into(),
        acknowledged_by.as_str().into(),
        millis(*resolved_at).into(),
        resolution.map(Resolution::code).into(),
    ]
}

/// Timers of alerts that need a look before `before`, the earliest first.
pub async fn due_before(
    conn: &impl ConnectionTrait,
    before: Timestamp,
    limit: u64,
) -> Result<Vec<Entry>, DbErr> {
    due::before(conn, "sla_alerts", before, limit).await
}

/// Timers of a lane by alert, from the first beyond `after`.
pub async fn armed(
    conn: &impl ConnectionTrait,
    lane: u8,
    after: &str,
    limit: u64,
) -> Result<Vec<Entry>, DbErr> {
    due::armed(conn, "sla_alerts", lane, after, limit).await
}
