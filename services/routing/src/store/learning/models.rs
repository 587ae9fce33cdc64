//! Models that were fitted: `routing_models`.

use lotse_clock::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::{FromQueryResult, QueryOrder as _, QuerySelect as _, Set};

use super::super::{count, from_json, parsed, stored, to_json};
use crate::domain::codes::Verdict;
use crate::domain::quality::Figures;

/// One model.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_models")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i32,
    pub fitted_at: i64,
    pub verdict: String,
    pub why: String,
    /// The fingerprint of the secret its words were hashed with.
    pub lexicon: String,
    pub figures: String,
    /// Bytes of both.
    pub size: i64,
    /// Without the first group.
    pub intake: Vec<u8>,
    /// With the first group.
    pub rerouter: Vec<u8>,
}

/// No relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A model without its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// From 1.
    pub(crate) version: u32,
    /// When.
    pub(crate) fitted_at: Timestamp,
    /// Whether it may be in force.
    pub(crate) verdict: Verdict,
    /// Why not; empty when it may.
    pub(crate) why: String,
    /// Bytes.
    pub(crate) size: i64,
    /// How good it is.
    pub(crate) figures: Figures,
}

#[derive(FromQueryResult)]
struct Row {
    version: i32,
    fitted_at: i64,
    verdict: String,
    why: String,
    size: i64,
    figures: String,
}

impl TryFrom<Row> for Listed {
    type Error = DbErr;

    fn try_from(row: Row) -> Result<Self, DbErr> {
        Ok(Self {
            version: count(row.version)?,
            fitted_at: Timestamp::from_millis(row.fitted_at),
            verdict: parsed(&row.verdict)?,
            why: row.why,
            size: row.size,
            figures: from_json(&row.figures)?,
        })
    }
}

/// The two models of a version as bytes.
#[derive(Clone, Debug)]
pub(crate) struct Bytes {
    /// The fingerprint of the secret their words were hashed with.
    pub(crate) lexicon: String,
    /// Without the first group.
    pub(crate) intake: Vec<u8>,
    /// With the first group.
    pub(crate) rerouter: Vec<u8>,
}

/// Keeps a model.
pub(crate) async fn insert(
    conn: &impl ConnectionTrait,
    listed: &Listed,
    bytes: Bytes,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        version: Set(stored(listed.version)),
        fitted_at: Set(listed.fitted_at.as_millis()),
        verdict: Set(listed.verdict.to_string()),
        why: Set(listed.why.clone()),
        lexicon: Set(bytes.lexicon),
        figures: Set(to_json(&listed.figures)?),
        size: Set(listed.size),
        intake: Set(bytes.intake),
        rerouter: Set(bytes.rerouter),
    };
    Entity::insert(row).exec_without_returning(conn).await?;
    Ok(())
}

fn listed() -> sea_orm::Select<Entity> {
    Entity::find().select_only().columns([
        Column::Version,
        Column::FittedAt,
        Column::Verdict,
        Column::Why,
        Column::Size,
        Column::Figures,
    ])
}

/// One version.
pub(crate) async fn find(
    conn: &impl ConnectionTrait,
    version: u32,
) -> Result<Option<Listed>, DbErr> {
    let select = listed().filter(Column::Version.eq(stored(version)));
    let row: Option<Row> = select.into_model().one(conn).await?;
    row.map(TryInto::try_into).transpose()
}

/// Versions below `before`, the latest first.
pub(crate) async fn list(
    conn: &impl ConnectionTrait,
    before: Option<u32>,
    limit: u64,
) -> Result<Vec<Listed>, DbErr> {
    let mut select = listed();
    if let Some(before) = before {
        select = select.filter(Column::Version.lt(stored(before)));
    }
    let select = select.order_by_desc(Column::Version).limit(limit);
    let rows: Vec<Row> = select.into_model().all(conn).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The latest version that may be in force.
pub(crate) async fn latest_accepted(conn: &impl ConnectionTrait) -> Result<Option<u32>, DbErr> {
    let version: Option<i32> = Entity::find()
        .select_only()
        .column(Column::Version)
        .filter(Column::Verdict.eq(Verdict::Accepted.as_str()))
        .order_by_desc(Column::Version)
        .into_tuple()
        .one(conn)
        .await?;
    version.map(count).transpose()
}

/// A version's bytes.
pub(crate) async fn bytes(
    conn: &impl ConnectionTrait,
    version: u32,
) -> Result<Option<Bytes>, DbErr> {
    let row = Entity::find_by_id(stored(version)).one(conn).await?;
    Ok(row.map(|row| Bytes {
        lexicon: row.lexicon,
        intake: row.intake,
        rerouter: row.rerouter,
    }))
}

/// Takes the models of other secrets, or that one version, out for good, and says why.
pub(crate) async fn drop(
    conn: &impl ConnectionTrait,
    which: Which<'_>,
    why: &str,
) -> Result<(), DbErr> {
    let which = match which {
        Which::NotOf(lexicon) => Column::Lexicon.ne(lexicon),
        Which::Version(version) => Column::Version.eq(stored(version)),
    };
    Entity::update_many()
        .col_expr(Column::Verdict, Verdict::Dropped.as_str().into())
        .col_expr(Column::Why, why.into())
        .filter(which)
        .filter(Column::Verdict.eq(Verdict::Accepted.as_str()))
        .exec(conn)
        .await?;
    Ok(())
}

/// Which models to drop.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which<'a> {
    /// Those whose words were hashed with another secret.
    NotOf(&'a str),
    /// This one.
    Version(u32),
}

/// Deletes what is older than the latest `keep` versions and not in force.
pub(crate) async fn purge(
    conn: &impl ConnectionTrait,
    latest: u32,
    keep: u32,
    in_force: Option<u32>,
) -> Result<(), DbErr> {
    let mut delete =
        Entity::delete_many().filter(Column::Version.lte(stored(latest.saturating_sub(keep))));
    if let Some(in_force) = in_force {
        delete = delete.filter(Column::Version.ne(stored(in_force)));
    }
    delete.exec(conn).await?;
    Ok(())
}
