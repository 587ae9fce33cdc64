//! One row a clock.

use lotse_clock::Timestamp;
use lotse_ids::ClockId;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Query, SelectStatement, SimpleExpr};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::columns::{
    ROWS_AT_ONCE, broken, code, instant, maybe_instant, millis, number, stored_number,
};
use crate::Error;
use crate::domain::{CalendarRef, Catalog, Clock, ClockTimes, Metric, PolicyRef, Reason, State};

/// A clock with the ticket it is of.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The ticket.
    pub ticket_id: String,
    /// The clock.
    pub clock: Clock,
}

const COLUMNS: [&str; 21] = [
    "id",
    "ticket_id",
    "metric",
    "cycle",
    "latest",
    "state",
    "reason",
    "policy_id",
    "policy_version",
    "calendar_id",
    "calendar_version",
    "target_ms",
    "consumed_ms",
    "warned_percent",
    "started_at",
    "resumed_at",
    "due_at",
    "breached_at",
    "detected_at",
    "fulfilled_at",
    "cancelled_at",
];

/// Everything there is of clocks.
pub(super) fn select() -> SelectStatement {
    Query::select().columns(COLUMNS).from("sla_clocks").take()
}

/// The clocks that a query made of [`select`] finds.
pub(super) async fn query(
    conn: &impl ConnectionTrait,
    query: &SelectStatement,
    catalog: &Catalog,
) -> Result<Vec<Stored>, Error> {
    let rows = conn.query_all(query).await?;
    rows.iter().map(|row| read(row, catalog)).collect()
}

fn read(row: &QueryResult, catalog: &Catalog) -> Result<Stored, Error> {
    let id: String = row.try_get("", "id")?;
    let calendar: Option<String> = row.try_get("", "calendar_id")?;
    let calendar_version = number(row, "calendar_version")?;
    let policy = PolicyRef {
        id: row.try_get("", "policy_id")?,
        version: number(row, "policy_version")?,
    };
    let calendar = calendar.map(|id| CalendarRef {
        id,
        version: calendar_version,
    });
    let terms = catalog.terms(&policy, row.try_get("", "target_ms")?, calendar)?;
    let warned = number(row, "warned_percent")?;
    let clock = Clock {
        id: Some(id.parse().map_err(|error| broken("id", error))?),
        metric: code(row, "metric", Metric::from_code)?,
        cycle: number(row, "cycle")?,
        terms,
        state: code(row, "state", State::from_code)?,
        reason: code(row, "reason", Reason::from_code)?,
        started_at: instant(row, "started_at")?,
        consumed: row.try_get("", "consumed_ms")?,
        resumed_at: maybe_instant(row, "resumed_at")?,
        warned: u8::try_from(warned).map_err(|error| broken("warned_percent", error))?,
        times: ClockTimes {
            due: maybe_instant(row, "due_at")?,
            breached: maybe_instant(row, "breached_at")?,
            detected: maybe_instant(row, "detected_at")?,
            fulfilled: maybe_instant(row, "fulfilled_at")?,
            cancelled: maybe_instant(row, "cancelled_at")?,
        },
        latest: row.try_get("", "latest")?,
    };
    let ticket_id = row.try_get("", "ticket_id")?;
    Ok(Stored { ticket_id, clock })
}

/// The newest cycle of each metric of these tickets.
pub async fn load_latest(
    conn: &impl ConnectionTrait,
    tickets: &[&str],
    catalog: &Catalog,
) -> Result<Vec<Stored>, Error> {
    let select = select()
        .and_where(Expr::col("ticket_id").is_in(tickets.iter().copied()))
        .and_where(Expr::col("latest"))
        .take();
    query(conn, &select, catalog).await
}

/// All clocks of a ticket.
pub async fn load_all(
    conn: &impl ConnectionTrait,
    ticket: &str,
    catalog: &Catalog,
) -> Result<Vec<Clock>, Error> {
    let select = select().and_where(Expr::col("ticket_id").eq(ticket)).take();
    let stored = query(conn, &select, catalog).await?;
    Ok(stored.into_iter().map(|stored| stored.clock).collect())
}

/// All clocks of these tickets.
pub async fn load_of(
    conn: &impl ConnectionTrait,
    tickets: &[&str],
    catalog: &Catalog,
) -> Result<Vec<Stored>, Error> {
    let select = select()
        .and_where(Expr::col("ticket_id").is_in(tickets.iter().copied()))
        .take();
    query(conn, &select, catalog).await
}

/// The ticket, metric and cycle of a clock.
pub async fn place_of(
    conn: &impl ConnectionTrait,
    id: &ClockId,
) -> Result<Option<(String, Metric, u32)>, DbErr> {
    let query = Query::select()
        .columns(["ticket_id", "metric", "cycle"])
        .from("sla_clocks")
        .and_where(Expr::col("id").eq(id.as_str()))
        .take();
    let Some(row) = conn.query_one(&query).await? else {
        return Ok(None);
    };
    let metric = code(&row, "metric", Metric::from_code)?;
    let place = (
        row.try_get("", "ticket_id")?,
        metric,
        number(&row, "cycle")?,
    );
    Ok(Some(place))
}

/// Tickets of which there are clocks and no row; up to `limit`.
pub async fn without_ticket(conn: &impl ConnectionTrait, limit: u64) -> Result<Vec<String>, DbErr> {
    let known = Query::select()
        .column("ticket_id")
        .from("sla_tickets")
        .take();
    let query = Query::select()
        .column("ticket_id")
        .distinct()
        .from("sla_clocks")
        .and_where(Expr::col("ticket_id").not_in_subquery(known))
        .limit(limit)
        .take();
    let rows = conn.query_all(&query).await?;
    rows.iter()
        .map(|row| row.try_get("", "ticket_id"))
        .collect()
}

/// Stores clocks, new or not. All have an id by now.
pub async fn save(conn: &impl ConnectionTrait, clocks: &[(&str, &Clock)]) -> Result<(), DbErr> {
    for clocks in clocks.chunks(ROWS_AT_ONCE) {
        let mut insert = Query::insert()
            .into_table("sla_clocks")
            .columns(COLUMNS)
            .on_conflict(
                OnConflict::column("id")
                    .update_columns(COLUMNS.into_iter().skip(4))
                    .to_owned(),
            )
            .take();
        for (ticket_id, clock) in clocks {
            insert
                .values(values(ticket_id, clock)?)
                .map_err(|error| broken("sla_clocks", error))?;
        }
        conn.execute(&insert).await?;
    }
    Ok(())
}

fn values(ticket_id: &str, clock: &Clock) -> Result<[SimpleExpr; 21], DbErr> {
    let Clock {
        id,
        metric,
        cycle,
        terms,
        state,
        reason,
        started_at,
        consumed,
        resumed_at,
        warned,
        times,
        latest,
    } = clock;
    let id = id
        .as_ref()
        .map(ClockId::as_str)
        .ok_or_else(|| broken("id", "not given yet"))?;
    let calendar = terms.calendar.as_ref();
    let instant = |at: Option<Timestamp>| SimpleExpr::from(millis(at));
    Ok([
        id.into(),
        ticket_id.into(),
        metric.code().into(),
        stored_number(*cycle).into(),
        (*latest).into(),
        state.code().into(),
        reason.code().into(),
        terms.policy.id.as_str().into(),
        stored_number(terms.policy.version).into(),
        calendar.map(|calendar| calendar.id.clone()).into(),
        stored_number(calendar.map_or(0, |calendar| calendar.version)).into(),
        terms.target.into(),
        (*consumed).into(),
        i32::from(*warned).into(),
        started_at.as_millis().into(),
        instant(*resumed_at),
        instant(times.due),
        instant(times.breached),
        instant(times.detected),
        instant(times.fulfilled),
        instant(times.cancelled),
    ])
}
