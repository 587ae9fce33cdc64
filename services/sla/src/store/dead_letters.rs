//! Deliveries that are no longer tried.

use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_notify::{Failure, Notice};
use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use serde::{Deserialize, Serialize};

use super::columns::{document, instant, number, to_document};
use crate::notification::State;

/// A delivery that is no longer tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its id, `dlv_…`.
    pub id: String,
    /// Where it should go.
    pub target_id: String,
    /// What it should tell.
    pub notice: Notice,
    /// When it was given up.
    pub died_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last attempt ended with.
    pub failure: Failure,
}

/// The stored form of a failure.
#[derive(Serialize, Deserialize)]
struct Kept {
    reason: String,
    detail: String,
    permanent: bool,
    retry_after_ms: Option<u64>,
}

pub(super) fn stored_failure(failure: &Failure) -> Result<String, DbErr> {
    let Failure {
        reason,
        detail,
        permanent,
        retry_after,
    } = failure;
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    to_document(&Kept {
        reason: reason.clone(),
        detail: detail.clone(),
        permanent: *permanent,
        retry_after_ms: retry_after.map(millis),
    })
}

fn read(row: &QueryResult) -> Result<DeadLetter, DbErr> {
    let Kept {
        reason,
        detail,
        permanent,
        retry_after_ms,
    } = document(row, "failure")?;
    Ok(DeadLetter {
        id: row.try_get("", "id")?,
        target_id: row.try_get("", "target_id")?,
        notice: document(row, "notice")?,
        died_at: instant(row, "settled_at")?,
        attempts: number(row, "attempts")?,
        failure: Failure {
            reason,
            detail,
            permanent,
            retry_after: retry_after_ms.map(Duration::from_millis),
        },
    })
}

/// Up to `limit` dead letters by id, of one target or of all, from the first beyond `after`.
pub async fn list(
    conn: &impl ConnectionTrait,
    target_id: Option<&str>,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<DeadLetter>, DbErr> {
    let mut query = Query::select()
        .columns([
            "id",
            "target_id",
            "notice",
            "settled_at",
            "attempts",
            "failure",
        ])
        .from("sla_deliveries")
        .and_where(Expr::col("state").eq(State::Dead.code()))
        .order_by("id", Order::Asc)
        .limit(limit)
        .take();
    if let Some(target) = target_id {
        query.and_where(Expr::col("target_id").eq(target));
    }
    if let Some(after) = after {
        query.and_where(Expr::col("id").gt(after));
    }
    conn.query_all(&query).await?.iter().map(read).collect()
}

/// Which dead letters to try again.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// Those of these that are dead.
    Ids(&'a [String]),
    /// All of a target.
    Target(&'a str),
}

/// Puts dead letters on their way again, with all attempts anew. Answers how many.
pub async fn redrive(
    conn: &impl ConnectionTrait,
    which: Which<'_>,
    now: Timestamp,
) -> Result<u64, DbErr> {
    let none: Option<i64> = None;
    let these = match which {
        Which::Ids(ids) => Expr::col("id").is_in(ids.iter().map(String::as_str)),
        Which::Target(target) => Expr::col("target_id").eq(target),
    };
    let update = Query::update()
        .table("sla_deliveries")
        .value("state", State::Waiting.code())
        .value("due_at", now.as_millis())
        .value("claimed", false)
        .value("generation", Expr::col("generation").add(1))
        .value("attempts", 0)
        .value("tried_since", now.as_millis())
        .value("settled_at", none)
        .and_where(Expr::col("state").eq(State::Dead.code()))
        .and_where(these)
        .take();
    Ok(conn.execute(&update).await?.rows_affected())
}
