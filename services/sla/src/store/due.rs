//! What the timers' workers ask of a table whose rows have `id`, `generation`, `next_at`, `lane`.

use lotse_clock::Timestamp;
use lotse_timers::Entry;
use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::columns::{broken, instant, number, stored_number};

/// Rows that need a look before `before`, the earliest first.
pub(super) async fn before(
    conn: &impl ConnectionTrait,
    table: &'static str,
    before: Timestamp,
    limit: u64,
) -> Result<Vec<Entry>, DbErr> {
    let query = timers(table)
        .and_where(Expr::col("next_at").lt(before.as_millis()))
        .order_by("next_at", Order::Asc)
        .limit(limit)
        .take();
    entries(conn, &query).await
}

/// Rows of a lane by id, from the first beyond `after`.
pub(super) async fn armed(
    conn: &impl ConnectionTrait,
    table: &'static str,
    lane: u8,
    after: &str,
    limit: u64,
) -> Result<Vec<Entry>, DbErr> {
    let query = timers(table)
        .and_where(Expr::col("next_at").is_not_null())
        .and_where(Expr::col("lane").eq(stored_number(lane.into())))
        .and_where(Expr::col("id").gt(after))
        .order_by("id", Order::Asc)
        .limit(limit)
        .take();
    entries(conn, &query).await
}

fn timers(table: &'static str) -> SelectStatement {
    Query::select()
        .columns(["id", "generation", "next_at", "lane"])
        .from(table)
        .take()
}

async fn entries(
    conn: &impl ConnectionTrait,
    query: &SelectStatement,
) -> Result<Vec<Entry>, DbErr> {
    let rows = conn.query_all(query).await?;
    let entry = |row: &QueryResult| {
        let lane = number(row, "lane")?;
        Ok(Entry {
            row: row.try_get("", "id")?,
            generation: row.try_get("", "generation")?,
            due: instant(row, "next_at")?,
            lane: u8::try_from(lane).map_err(|_| broken("lane", lane))?,
        })
    };
    rows.iter().map(entry).collect()
}
