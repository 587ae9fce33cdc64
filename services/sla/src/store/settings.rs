//! Policies and calendars, as versions that never change.

use lotse_clock::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait as _, JoinType, LockType, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::columns::{document, instant, number, stored_number, to_document};

/// A kind of setting: its content is a document with a name in it.
pub trait Content: Serialize + DeserializeOwned + PartialEq + Send + Sync {
    /// The code of its kind, also in the journal's `ConfigurationChanged`.
    const KIND: &'static str;

    /// Unique among settings of the kind.
    fn name(&self) -> &str;
}

/// One version of a setting.
#[derive(Clone, Debug)]
pub struct Setting<C> {
    /// Its id.
    pub id: String,
    /// From 1.
    pub version: u32,
    /// Whether it is the version in force.
    pub current: bool,
    /// What it says.
    pub content: C,
    /// When the setting was made.
    pub created_at: Timestamp,
    /// When this version was put.
    pub updated_at: Timestamp,
}

fn select<C: Content>() -> SelectStatement {
    Query::select()
        .expr_as(Expr::col(("v", "id")), "id")
        .expr_as(Expr::col(("v", "version")), "version")
        .expr_as(Expr::col(("v", "content")), "content")
        .expr_as(Expr::col(("v", "created_at")), "updated_at")
        .expr_as(Expr::col(("s", "version")), "in_force")
        .expr_as(Expr::col(("s", "created_at")), "created_at")
        .from_as("sla_settings", "s")
        .join_as(
            JoinType::InnerJoin,
            "sla_setting_versions",
            "v",
            Expr::col(("v", "id")).equals(("s", "id")),
        )
        .and_where(Expr::col(("s", "kind")).eq(C::KIND))
        .take()
}

fn read<C: Content>(row: &QueryResult) -> Result<Setting<C>, DbErr> {
    let version = number(row, "version")?;
    Ok(Setting {
        id: row.try_get("", "id")?,
        version,
        current: version == number(row, "in_force")?,
        content: document(row, "content")?,
        created_at: instant(row, "created_at")?,
        updated_at: instant(row, "updated_at")?,
    })
}

/// All versions of all settings of a kind.
pub async fn all<C: Content>(conn: &impl ConnectionTrait) -> Result<Vec<Setting<C>>, DbErr> {
    let rows = conn.query_all(&select::<C>()).await?;
    rows.iter().map(read).collect()
}

/// All versions of one setting, in order.
pub async fn versions<C: Content>(
    conn: &impl ConnectionTrait,
    id: &str,
) -> Result<Vec<Setting<C>>, DbErr> {
    let of = Expr::col(("s", "id")).eq(id);
    let rows = conn.query_all(select::<C>().and_where(of)).await?;
    let mut versions: Vec<Setting<C>> = rows.iter().map(read).collect::<Result<_, _>>()?;
    versions.sort_by_key(|setting| setting.version);
    Ok(versions)
}

/// The settings of a kind that are in force.
pub async fn in_force<C: Content>(conn: &impl ConnectionTrait) -> Result<Vec<Setting<C>>, DbErr> {
    let in_force = Expr::col(("v", "version")).equals(("s", "version"));
    let rows = conn.query_all(select::<C>().and_where(in_force)).await?;
    rows.iter().map(read).collect()
}

/// One setting by id or name; version 0 is the one in force.
pub async fn find<C: Content>(
    conn: &impl ConnectionTrait,
    id_or_name: &str,
    version: u32,
) -> Result<Option<Setting<C>>, DbErr> {
    let wanted = match version {
        0 => Expr::col(("v", "version")).equals(("s", "version")),
        version => Expr::col(("v", "version")).eq(stored_number(version)),
    };
    let by_id = Expr::col(("s", "id")).eq(id_or_name);
    let named = by_id.or(Expr::col(("s", "name")).eq(id_or_name));
    let query = select::<C>().and_where(named).and_where(wanted).take();
    // A name never looks like an id, so there is one at most.
    conn.query_one(&query).await?.as_ref().map(read).transpose()
}

/// Adds a version, the first of which makes the setting.
pub async fn put<C: Content>(
    conn: &impl ConnectionTrait,
    setting: &Setting<C>,
) -> Result<(), DbErr> {
    let Setting {
        id,
        version,
        content,
        created_at,
        updated_at,
        current: _,
    } = setting;
    let version = stored_number(*version);
    let head = if version == 1 {
        let insert = Query::insert()
            .into_table("sla_settings")
            .columns(["id", "kind", "name", "version", "created_at"])
            .values_panic([
                id.as_str().into(),
                C::KIND.into(),
                content.name().into(),
                version.into(),
                created_at.as_millis().into(),
            ])
            .take();
        conn.execute(&insert).await
    } else {
        let update = Query::update()
            .table("sla_settings")
            .value("name", content.name())
            .value("version", version)
            .and_where(Expr::col("id").eq(id.as_str()))
            .take();
        conn.execute(&update).await
    };
    head?;
    let insert = Query::insert()
        .into_table("sla_setting_versions")
        .columns(["id", "version", "content", "created_at"])
        .values_panic([
            id.as_str().into(),
            version.into(),
            to_document(content)?.into(),
            updated_at.as_millis().into(),
        ])
        .take();
    conn.execute(&insert).await?;
    let update = Query::update()
        .table("sla_revision")
        .value("revision", Expr::col("revision").add(1))
        .take();
    conn.execute(&update).await.map(drop)
}

/// How often settings have changed.
pub async fn revision(conn: &impl ConnectionTrait) -> Result<i64, DbErr> {
    read_revision(
        conn,
        &Query::select()
            .column("revision")
            .from("sla_revision")
            .take(),
    )
    .await
}

/// As [`revision`], and makes whoever else changes a setting wait until this transaction ends.
pub async fn lock(conn: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let query = Query::select()
        .column("revision")
        .from("sla_revision")
        .lock(LockType::Update)
        .take();
    read_revision(conn, &query).await
}

async fn read_revision(conn: &impl ConnectionTrait, query: &SelectStatement) -> Result<i64, DbErr> {
    let row = conn.query_one(query).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("sla_revision".to_owned()))?;
    row.try_get("", "revision")
}
