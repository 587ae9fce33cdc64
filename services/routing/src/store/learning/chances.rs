//! Who solved and who passed on how many tickets of what: `routing_chances`, as sums of
//! [`crate::domain::chance::weight`]s. And what was made of that, in versions:
//! `routing_published_chances`.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_ids::GroupId;
use sea_orm::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{QueryOrder as _, QuerySelect as _};

use super::super::{count, delete, from_json, parsed, stored, to_json};
use crate::domain::chance::{Counted, Shares, Tally};
use crate::domain::chances::Chances;

/// One agent, group and category.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_chances")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub agent_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub group_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub category: String,
    pub resolved: f64,
    pub passed_on: f64,
}

/// No relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Counts by agent, group and category. Ordered, so that two who add do not wait for each other in
/// a circle.
pub(crate) type Counts = BTreeMap<(String, String, String), Tally>;

/// Adds counts to those that are there.
pub(crate) async fn add(conn: &impl ConnectionTrait, counts: Counts) -> Result<(), DbErr> {
    if counts.is_empty() {
        return Ok(());
    }
    let rows = counts
        .into_iter()
        .map(|((agent, group, category), tally)| ActiveModel {
            agent_id: Set(agent),
            group_id: Set(group),
            category: Set(category),
            resolved: Set(tally.resolved),
            passed_on: Set(tally.passed_on),
        });
    let more = |column: Column| {
        let new = Expr::col((sea_orm::sea_query::Alias::new("excluded"), column));
        Expr::col((Entity, column)).add(new)
    };
    let add = OnConflict::columns([Column::AgentId, Column::GroupId, Column::Category])
        .value(Column::Resolved, more(Column::Resolved))
        .value(Column::PassedOn, more(Column::PassedOn))
        .to_owned();
    Entity::insert_many(rows)
        .on_conflict(add)
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Everything that was counted.
pub(crate) async fn all(conn: &impl ConnectionTrait) -> Result<Vec<Counted>, DbErr> {
    let rows = Entity::find().all(conn).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Counted {
                agent: parsed(&row.agent_id)?,
                group: parsed(&row.group_id)?,
                category: row.category,
                tally: Tally {
                    resolved: row.resolved,
                    passed_on: row.passed_on,
                },
            })
        })
        .collect()
}

/// What was published.
pub mod published {
    use sea_orm::entity::prelude::*;

    /// One version.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "routing_published_chances")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub version: i32,
        /// When it was last found that nothing has changed.
        pub checked_at: i64,
        pub shares: String,
    }

    /// No relations.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The chances of each group.
pub(crate) type ByGroup = BTreeMap<GroupId, Shares>;

/// The latest version, and when it was last checked; none before the first.
pub(crate) async fn latest(conn: &impl ConnectionTrait) -> Result<Option<(u32, Timestamp)>, DbErr> {
    use published::{Column, Entity};
    let row: Option<(i32, i64)> = Entity::find()
        .select_only()
        .columns([Column::Version, Column::CheckedAt])
        .order_by_desc(Column::Version)
        .limit(1)
        .into_tuple()
        .one(conn)
        .await?;
    row.map(|(version, at)| Ok((count(version)?, Timestamp::from_millis(at))))
        .transpose()
}

/// What a version says.
pub(crate) async fn shares(conn: &impl ConnectionTrait, version: u32) -> Result<ByGroup, DbErr> {
    let row = published::Entity::find_by_id(stored(version));
    let row = row.one(conn).await?;
    row.map_or_else(|| Ok(ByGroup::new()), |row| from_json(&row.shares))
}

/// A version as routing goes by it; none where it is not kept any more.
pub(crate) async fn find(
    conn: &impl ConnectionTrait,
    version: u32,
) -> Result<Option<Chances>, DbErr> {
    let shares = shares(conn, version).await?;
    Ok((!shares.is_empty()).then(|| Chances::new(version, shares)))
}

/// Publishes a version. Returns whether nobody else has.
pub(crate) async fn publish(
    conn: &impl ConnectionTrait,
    version: u32,
    at: Timestamp,
    shares: &ByGroup,
) -> Result<bool, DbErr> {
    use published::{ActiveModel, Column, Entity};
    let row = ActiveModel {
        version: Set(stored(version)),
        checked_at: Set(at.as_millis()),
        shares: Set(to_json(shares)?),
    };
    let there = OnConflict::column(Column::Version).do_nothing().to_owned();
    let inserted = Entity::insert(row)
        .on_conflict(there)
        .exec_without_returning(conn)
        .await?;
    Ok(inserted > 0)
}

/// Notes that a version still holds.
pub(crate) async fn still_holds(
    conn: &impl ConnectionTrait,
    version: u32,
    at: Timestamp,
) -> Result<(), DbErr> {
    use published::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::CheckedAt, Expr::value(at.as_millis()))
        .filter(Column::Version.eq(stored(version)))
        .exec(conn)
        .await?;
    Ok(())
}

/// Forgets versions that were replaced before an instant. Returns whether there may be more.
pub(crate) async fn purge(
    conn: &impl ConnectionTrait,
    before: Timestamp,
    limit: u64,
) -> Result<bool, DbErr> {
    let sql = "DELETE FROM routing_published_chances WHERE version IN (\
         SELECT old.version FROM routing_published_chances AS old WHERE EXISTS (\
         SELECT 1 FROM routing_published_chances AS newer WHERE newer.version = old.version + 1 \
         AND newer.checked_at < $1) ORDER BY old.version LIMIT $2)";
    delete(conn, sql, before.as_millis(), limit).await
}
