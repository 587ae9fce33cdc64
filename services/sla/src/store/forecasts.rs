//! What forecasts read: the latest clocks and their tickets' statuses to learn from, and the clocks
//! that run now by when they are due.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_ids::ClockId;
use sea_orm::sea_query::{Cond, Expr, ExprTrait as _, Order, Query};
use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::prelude::{MigrationName, MigrationTrait, SchemaManager};
use serde::Deserialize;

use super::clocks::{self, Stored};
use super::columns::{document, instant};
use crate::Error;
use crate::domain::{Catalog, Event, Metric, State, Status};

/// What a page of running clocks goes by.
pub type Due = (Timestamp, ClockId);

/// Up to `limit` clocks that began last, before `before` where that is given: ids go by the time a
/// clock began to be kept.
pub async fn latest(
    conn: &impl ConnectionTrait,
    before: Option<&ClockId>,
    limit: u64,
    catalog: &Catalog,
) -> Result<Vec<Stored>, Error> {
    let mut query = clocks::select();
    if let Some(before) = before {
        query.and_where(Expr::col("id").lt(before.as_str()));
    }
    query.order_by("id", Order::Desc).limit(limit);
    clocks::query(conn, &query, catalog).await
}

/// Up to `limit` running clocks that are due by `until`, the earliest first, from the first beyond
/// `after`.
pub async fn due(
    conn: &impl ConnectionTrait,
    until: Timestamp,
    metrics: &[Metric],
    after: Option<&Due>,
    limit: u64,
    catalog: &Catalog,
) -> Result<Vec<Stored>, Error> {
    let mut query = clocks::select();
    query
        .and_where(Expr::col("state").eq(State::Running.code()))
        .and_where(Expr::col("due_at").lte(until.as_millis()));
    of_metrics(&mut query, metrics);
    if let Some((due, id)) = after {
        let later = Cond::any()
            .add(Expr::col("due_at").gt(due.as_millis()))
            .add(
                Expr::col("due_at")
                    .eq(due.as_millis())
                    .and(Expr::col("id").gt(id.as_str())),
            );
        // Also without the alternative, so that the index is entered where the page begins.
        query
            .and_where(Expr::col("due_at").gte(due.as_millis()))
            .cond_where(later);
    }
    query
        .order_by("due_at", Order::Asc)
        .order_by("id", Order::Asc)
        .limit(limit);
    clocks::query(conn, &query, catalog).await
}

/// How many clocks stand still with at most `left` milliseconds of their target to go.
pub async fn paused(
    conn: &impl ConnectionTrait,
    left: i64,
    metrics: &[Metric],
) -> Result<u32, DbErr> {
    let mut query = Query::select()
        .expr(Expr::col("id").count())
        .from("sla_clocks")
        .and_where(Expr::col("state").eq(State::Paused.code()))
        .and_where(
            Expr::col("target_ms")
                .sub(Expr::col("consumed_ms"))
                .lte(left),
        )
        .take();
    of_metrics(&mut query, metrics);
    let row = conn.query_one(&query).await?;
    let count: i64 = row.map_or(Ok(0), |row| row.try_get_by(0))?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

fn of_metrics(query: &mut sea_orm::sea_query::SelectStatement, metrics: &[Metric]) {
    if !metrics.is_empty() {
        let codes = metrics.iter().map(|metric| metric.code());
        query.and_where(Expr::col("metric").is_in(codes));
    }
}

/// A stored fact, as far as it says whose turn it is.
#[derive(Deserialize)]
struct Document {
    event: Event,
}

/// The statuses that each ticket was in, each with the instant it began.
pub async fn statuses(
    conn: &impl ConnectionTrait,
    tickets: &[&str],
) -> Result<BTreeMap<String, Vec<(Timestamp, Status)>>, DbErr> {
    let query = Query::select()
        .columns(["ticket_id", "at", "fact"])
        .from("sla_facts")
        .and_where(Expr::col("ticket_id").is_in(tickets.iter().copied()))
        .order_by("ticket_id", Order::Asc)
        .order_by("at", Order::Asc)
        .order_by("position", Order::Asc)
        .take();
    let mut all: BTreeMap<String, Vec<(Timestamp, Status)>> = BTreeMap::new();
    for row in conn.query_all(&query).await? {
        let ticket: String = row.try_get("", "ticket_id")?;
        let Document { event } = document(&row, "fact")?;
        let statuses = all.entry(ticket).or_default();
        let last = statuses.last().map(|(_, status)| *status);
        let to = match event {
            Event::Created { .. } => Some(Status::New),
            Event::Status { to, .. } => Some(to),
            // As the state machine has it: the pause ends when the message arrived.
            Event::Wrote if last == Some(Status::Pending) => Some(Status::Open),
            _ => None,
        };
        if let Some(to) = to.filter(|to| last != Some(*to)) {
            statuses.push((instant(&row, "at")?, to));
        }
    }
    Ok(all)
}

/// What forecasts look up clocks by.
pub(super) struct Indexes;

impl MigrationName for Indexes {
    fn name(&self) -> &str {
        "m0003_sla_forecasts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Indexes {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = "CREATE INDEX sla_clocks_due ON sla_clocks (due_at, id) \
                     WHERE state = 'running'";
        manager.get_connection().execute_unprepared(index).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = "DROP INDEX sla_clocks_due";
        manager.get_connection().execute_unprepared(index).await?;
        Ok(())
    }
}
