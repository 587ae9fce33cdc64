//! One row a ticket: what its clocks need to know of it, and when they next need a look.

use std::collections::{BTreeMap, HashSet};

use lotse_clock::Timestamp;
use lotse_timers::Entry;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::columns::{
    ROWS_AT_ONCE, broken, code, document, instant, maybe_instant, millis, number, stored_number,
    to_document,
};
use crate::domain::{Bot, Facts, Metric, PlanRef, Status, Tally};

/// A stored ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its id.
    pub ticket_id: String,
    /// The lane of its bucket.
    pub lane: u8,
    /// When it was taken in.
    pub created_at: Timestamp,
    /// Whose turn it is.
    pub status: Status,
    /// Since when.
    pub status_at: Timestamp,
    /// The time of its latest fact.
    pub watermark: Timestamp,
    /// Whether the wait for a first reply is over.
    pub first_over: bool,
    /// The newest message of the requester since the last reply or solution.
    pub wrote_at: Option<Timestamp>,
    /// The group that has it, or had it last, in order of time.
    pub group: Option<String>,
    /// Where it stands towards its bot phase.
    pub bot: Bot,
    /// When it last came under another plan.
    pub plan_at: Option<Timestamp>,
    /// What decides which policy fits.
    pub facts: Facts,
    /// What it goes by.
    pub plan: Option<PlanRef>,
    /// What outlives a metric's cycles.
    pub tallies: BTreeMap<Metric, Tally>,
    /// When its clocks next need a look: what its timer is armed for.
    pub next_at: Option<Timestamp>,
    /// Raised by every change of `next_at`.
    pub generation: i64,
}

const COLUMNS: [&str; 16] = [
    "ticket_id",
    "lane",
    "created_at",
    "status",
    "status_at",
    "watermark_at",
    "first_over",
    "wrote_at",
    "group_id",
    "bot",
    "plan_at",
    "facts",
    "plan",
    "tallies",
    "next_at",
    "generation",
];

fn read_lane(row: &QueryResult) -> Result<u8, DbErr> {
    let lane = number(row, "lane")?;
    u8::try_from(lane).map_err(|_| broken("lane", lane))
}

fn read(row: &QueryResult) -> Result<Row, DbErr> {
    Ok(Row {
        ticket_id: row.try_get("", "ticket_id")?,
        lane: read_lane(row)?,
        created_at: instant(row, "created_at")?,
        status: code(row, "status", Status::from_code)?,
        status_at: instant(row, "status_at")?,
        watermark: instant(row, "watermark_at")?,
        first_over: row.try_get("", "first_over")?,
        wrote_at: maybe_instant(row, "wrote_at")?,
        group: row.try_get("", "group_id")?,
        bot: code(row, "bot", Bot::from_code)?,
        plan_at: maybe_instant(row, "plan_at")?,
        facts: document(row, "facts")?,
        plan: document(row, "plan")?,
        tallies: document(row, "tallies")?,
        next_at: maybe_instant(row, "next_at")?,
        generation: row.try_get("", "generation")?,
    })
}

/// Those of these tickets that are known.
pub async fn load(conn: &impl ConnectionTrait, tickets: &[&str]) -> Result<Vec<Row>, DbErr> {
    let query = Query::select()
        .columns(COLUMNS)
        .from("sla_tickets")
        .and_where(Expr::col("ticket_id").is_in(tickets.iter().copied()))
        .take();
    conn.query_all(&query).await?.iter().map(read).collect()
}

/// Tickets by id, from the first beyond `after`.
pub async fn page(conn: &impl ConnectionTrait, after: &str, limit: u64) -> Result<Vec<Row>, DbErr> {
    let query = Query::select()
        .columns(COLUMNS)
        .from("sla_tickets")
        .and_where(Expr::col("ticket_id").gt(after))
        .order_by("ticket_id", Order::Asc)
        .limit(limit)
        .take();
    conn.query_all(&query).await?.iter().map(read).collect()
}

/// Unsolved tickets of a lane by id, from the first beyond `after`.
pub async fn open(
    conn: &impl ConnectionTrait,
    lane: u8,
    after: &str,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let query = Query::select()
        .columns(COLUMNS)
        .from("sla_tickets")
        // As the index `sla_tickets_open` has it.
        .and_where(Expr::cust("status NOT IN ('solved', 'closed')"))
        .and_where(Expr::col("lane").eq(stored_number(lane.into())))
        .and_where(Expr::col("ticket_id").gt(after))
        .order_by("ticket_id", Order::Asc)
        .limit(limit)
        .take();
    conn.query_all(&query).await?.iter().map(read).collect()
}

/// Which of these tickets are known.
pub async fn known(
    conn: &impl ConnectionTrait,
    tickets: &[&str],
) -> Result<HashSet<String>, DbErr> {
    let query = Query::select()
        .column("ticket_id")
        .from("sla_tickets")
        .and_where(Expr::col("ticket_id").is_in(tickets.iter().copied()))
        .take();
    let rows = conn.query_all(&query).await?;
    rows.iter()
        .map(|row| row.try_get("", "ticket_id"))
        .collect()
}

/// Stores these tickets, new or not.
pub async fn save(conn: &impl ConnectionTrait, rows: &[Row]) -> Result<(), DbErr> {
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let mut insert = Query::insert()
            .into_table("sla_tickets")
            .columns(COLUMNS)
            .on_conflict(
                OnConflict::column("ticket_id")
                    .update_columns(COLUMNS.into_iter().skip(1))
                    .to_owned(),
            )
            .take();
        for row in rows {
            let values = [
                row.ticket_id.as_str().into(),
                i32::from(row.lane).into(),
                row.created_at.as_millis().into(),
                row.status.code().into(),
                row.status_at.as_millis().into(),
                row.watermark.as_millis().into(),
                row.first_over.into(),
                millis(row.wrote_at).into(),
                row.group.clone().into(),
                row.bot.code().into(),
                millis(row.plan_at).into(),
                to_document(&row.facts)?.into(),
                to_document(&row.plan)?.into(),
                to_document(&row.tallies)?.into(),
                millis(row.next_at).into(),
                row.generation.into(),
            ];
            insert
                .values(values)
                .map_err(|error| broken("sla_tickets", error))?;
        }
        conn.execute(&insert).await?;
    }
    Ok(())
}

/// Timers of tickets whose clocks need a look before `before`, the earliest first.
pub async fn due_before(
    conn: &impl ConnectionTrait,
    before: Timestamp,
    limit: u64,
) -> Result<Vec<Entry>, DbErr> {
    let query = timers()
        .and_where(Expr::col("next_at").lt(before.as_millis()))
        .order_by("next_at", Order::Asc)
        .limit(limit)
        .take();
    entries(conn, &query).await
}

/// Timers of a lane by ticket, from the first beyond `after`.
pub async fn armed(
    conn: &impl ConnectionTrait,
    lane: u8,
    after: &str,
    limit: u64,
) -> Result<Vec<Entry>, DbErr> {
    let query = timers()
        .and_where(Expr::col("next_at").is_not_null())
        .and_where(Expr::col("lane").eq(stored_number(lane.into())))
        .and_where(Expr::col("ticket_id").gt(after))
        .order_by("ticket_id", Order::Asc)
        .limit(limit)
        .take();
    entries(conn, &query).await
}

fn timers() -> SelectStatement {
    Query::select()
        .columns(["ticket_id", "generation", "next_at", "lane"])
        .from("sla_tickets")
        .take()
}

async fn entries(
    conn: &impl ConnectionTrait,
    query: &SelectStatement,
) -> Result<Vec<Entry>, DbErr> {
    let rows = conn.query_all(query).await?;
    let entry = |row: &QueryResult| {
        Ok(Entry {
            row: row.try_get("", "ticket_id")?,
            generation: row.try_get("", "generation")?,
            due: instant(row, "next_at")?,
            lane: read_lane(row)?,
        })
    };
    rows.iter().map(entry).collect()
}
