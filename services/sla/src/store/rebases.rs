//! Edits that open tickets have still to be told of.

use lotse_clock::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait as _, LockType, OnConflict, Order, Query};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::columns::{broken, instant, number, stored_number};

/// An edit, and how far the tickets have been gone through: lane by lane, by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebase {
    /// The policy or calendar.
    pub id: String,
    /// Its version since.
    pub version: u32,
    /// When it was put.
    pub edited_at: Timestamp,
    /// The lane that is next.
    pub lane: u8,
    /// The last ticket of it that was looked at.
    pub after: String,
}

const COLUMNS: [&str; 5] = ["id", "version", "edited_at", "lane", "after_ticket"];

fn read(row: &QueryResult) -> Result<Rebase, DbErr> {
    let lane = number(row, "lane")?;
    Ok(Rebase {
        id: row.try_get("", "id")?,
        version: number(row, "version")?,
        edited_at: instant(row, "edited_at")?,
        lane: u8::try_from(lane).map_err(|_| broken("lane", lane))?,
        after: row.try_get("", "after_ticket")?,
    })
}

/// The edit that has waited longest.
pub async fn first(conn: &impl ConnectionTrait) -> Result<Option<Rebase>, DbErr> {
    let query = Query::select()
        .columns(COLUMNS)
        .from("sla_rebases")
        .order_by("edited_at", Order::Asc)
        .order_by("id", Order::Asc)
        .limit(1)
        .take();
    conn.query_one(&query).await?.as_ref().map(read).transpose()
}

/// An edit as it stands now, locked until the transaction ends.
pub async fn lock(conn: &impl ConnectionTrait, id: &str) -> Result<Option<Rebase>, DbErr> {
    let query = Query::select()
        .columns(COLUMNS)
        .from("sla_rebases")
        .and_where(Expr::col("id").eq(id))
        .lock(LockType::Update)
        .take();
    conn.query_one(&query).await?.as_ref().map(read).transpose()
}

/// Stores an edit, or how far it has come.
pub async fn save(conn: &impl ConnectionTrait, rebase: &Rebase) -> Result<(), DbErr> {
    let Rebase {
        id,
        version,
        edited_at,
        lane,
        after,
    } = rebase;
    let insert = Query::insert()
        .into_table("sla_rebases")
        .columns(COLUMNS)
        .values_panic([
            id.as_str().into(),
            stored_number(*version).into(),
            edited_at.as_millis().into(),
            i32::from(*lane).into(),
            after.as_str().into(),
        ])
        .on_conflict(
            OnConflict::column("id")
                .update_columns(COLUMNS.into_iter().skip(1))
                .to_owned(),
        )
        .take();
    conn.execute(&insert).await.map(drop)
}

/// Forgets an edit that all tickets have been told of.
pub async fn remove(conn: &impl ConnectionTrait, id: &str) -> Result<(), DbErr> {
    let delete = Query::delete()
        .from_table("sla_rebases")
        .and_where(Expr::col("id").eq(id))
        .take();
    conn.execute(&delete).await.map(drop)
}
