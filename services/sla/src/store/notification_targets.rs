//! Where notices are sent. One row a target; what was replaced is gone.

use lotse_clock::Timestamp;
use lotse_notify::Secret;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use serde::{Deserialize, Serialize};

use super::columns::{broken, document, instant, number, stored_number, to_document};
use crate::notification::{Content, StoredSecret};

/// A stored target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// From 1, one more per change.
    pub version: u32,
    /// What it is.
    pub content: Content,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The stored form of a secret.
#[derive(Serialize, Deserialize)]
struct Kept {
    value: String,
    set_at: i64,
}

const COLUMNS: [&str; 8] = [
    "id",
    "name",
    "version",
    "disabled",
    "channel",
    "secrets",
    "created_at",
    "updated_at",
];

fn select() -> SelectStatement {
    Query::select()
        .columns(COLUMNS)
        .from("sla_notification_targets")
        .take()
}

fn read(row: &QueryResult) -> Result<Row, DbErr> {
    let kept: Vec<Kept> = document(row, "secrets")?;
    let secret = |Kept { value, set_at }| StoredSecret {
        value: Secret::new(value),
        set_at: Timestamp::from_millis(set_at),
    };
    Ok(Row {
        id: row.try_get("", "id")?,
        version: number(row, "version")?,
        content: Content {
            name: row.try_get("", "name")?,
            disabled: row.try_get("", "disabled")?,
            channel: document(row, "channel")?,
            secrets: kept.into_iter().map(secret).collect(),
        },
        created_at: instant(row, "created_at")?,
        updated_at: instant(row, "updated_at")?,
    })
}

/// One target by id or name.
pub async fn find(conn: &impl ConnectionTrait, id_or_name: &str) -> Result<Option<Row>, DbErr> {
    let by_id = Expr::col("id").eq(id_or_name);
    // A name never looks like an id, so there is one at most.
    let query = select()
        .and_where(by_id.or(Expr::col("name").eq(id_or_name)))
        .take();
    conn.query_one(&query).await?.as_ref().map(read).transpose()
}

/// Those of these targets that exist.
pub async fn load(conn: &impl ConnectionTrait, ids: &[&str]) -> Result<Vec<Row>, DbErr> {
    let query = select()
        .and_where(Expr::col("id").is_in(ids.iter().copied()))
        .take();
    conn.query_all(&query).await?.iter().map(read).collect()
}

/// Whether there is any target.
pub async fn any(conn: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let query = Query::select()
        .column("id")
        .from("sla_notification_targets")
        .limit(1)
        .take();
    Ok(conn.query_one(&query).await?.is_some())
}

/// Up to `limit` targets by name, from the first beyond `after`.
pub async fn list(
    conn: &impl ConnectionTrait,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let mut query = select();
    if let Some(after) = after {
        query.and_where(Expr::col("name").gt(after));
    }
    query.order_by("name", Order::Asc).limit(limit);
    conn.query_all(&query).await?.iter().map(read).collect()
}

/// Stores a target, new or not.
pub async fn save(conn: &impl ConnectionTrait, row: &Row) -> Result<(), DbErr> {
    let Row {
        id,
        version,
        content,
        created_at,
        updated_at,
    } = row;
    let Content {
        name,
        disabled,
        channel,
        secrets,
    } = content;
    let kept: Vec<Kept> = secrets
        .iter()
        .map(|StoredSecret { value, set_at }| Kept {
            value: value.expose().to_owned(),
            set_at: set_at.as_millis(),
        })
        .collect();
    let values = [
        id.as_str().into(),
        name.as_str().into(),
        stored_number(*version).into(),
        (*disabled).into(),
        to_document(channel)?.into(),
        to_document(&kept)?.into(),
        created_at.as_millis().into(),
        updated_at.as_millis().into(),
    ];
    let insert = Query::insert()
        .into_table("sla_notification_targets")
        .columns(COLUMNS)
        .values(values)
        .map_err(|error| broken("sla_notification_targets", error))?
        .on_conflict(
            OnConflict::column("id")
                .update_columns(COLUMNS.into_iter().skip(1))
                .to_owned(),
        )
        .take();
    conn.execute(&insert).await.map(drop)
}
