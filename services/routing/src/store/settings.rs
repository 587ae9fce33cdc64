//! Everything under a name that has versions: `routing_settings`.

use lotse_clock::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{QueryOrder as _, QuerySelect as _, Set};

use super::{from_json, parsed, to_json};
use crate::domain::setting::{Content, Setting};

/// One version of a setting. Only [`Model::in_force`] ever changes.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_settings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i64,
    pub name: String,
    pub document: String,
    pub in_force: bool,
    pub created_at: i64,
    pub updated_at: i64,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

fn to_setting<C: Content>(row: &Model) -> Result<Setting<C>, DbErr> {
    Ok(Setting {
        id: parsed(&row.id)?,
        profile: from_json(&row.document)?,
        version: row.version,
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
    })
}

fn of_kind<C: Content>() -> Select<Entity> {
    Entity::find().filter(Column::Kind.eq(C::KIND))
}

fn of_one<C: Content>(id: &C::Id) -> Select<Entity> {
    of_kind::<C>().filter(Column::Id.eq(id.to_string()))
}

/// All of a kind that are in force, in no order.
pub(crate) async fn all<C: Content>(conn: &impl ConnectionTrait) -> Result<Vec<Setting<C>>, DbErr> {
    let select = of_kind::<C>().filter(Column::InForce.eq(true));
    let rows = select.all(conn).await?;
    rows.iter().map(to_setting).collect()
}

/// The version in force.
pub(crate) async fn in_force<C: Content>(
    conn: &impl ConnectionTrait,
    id: &C::Id,
) -> Result<Option<Setting<C>>, DbErr> {
    let select = of_one::<C>(id).filter(Column::InForce.eq(true));
    let row = select.one(conn).await?;
    row.as_ref().map(to_setting).transpose()
}

/// Any version there ever was.
pub(crate) async fn at_version<C: Content>(
    conn: &impl ConnectionTrait,
    id: &C::Id,
    version: i64,
) -> Result<Option<Setting<C>>, DbErr> {
    let select = of_one::<C>(id).filter(Column::Version.eq(version));
    let row = select.one(conn).await?;
    row.as_ref().map(to_setting).transpose()
}

/// The version that was in force at an instant.
pub(crate) async fn at_instant<C: Content>(
    conn: &impl ConnectionTrait,
    id: &C::Id,
    at: Timestamp,
) -> Result<Option<Setting<C>>, DbErr> {
    let select = of_one::<C>(id).filter(Column::UpdatedAt.lte(at.as_millis()));
    let row = select.order_by_desc(Column::Version).one(conn).await?;
    row.as_ref().map(to_setting).transpose()
}

/// All versions of a kind that were put before an instant, by id, the earliest first.
pub(crate) async fn all_versions<C: Content>(
    conn: &impl ConnectionTrait,
    before: Timestamp,
) -> Result<Vec<Setting<C>>, DbErr> {
    let select = of_kind::<C>().filter(Column::UpdatedAt.lt(before.as_millis()));
    let select = select.order_by_asc(Column::Id);
    let rows = select.order_by_asc(Column::Version).all(conn).await?;
    rows.iter().map(to_setting).collect()
}

/// The versions of a setting below `before`, the latest first.
pub(crate) async fn versions<C: Content>(
    conn: &impl ConnectionTrait,
    id: &C::Id,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<Setting<C>>, DbErr> {
    let mut select = of_one::<C>(id);
    if let Some(before) = before {
        select = select.filter(Column::Version.lt(before));
    }
    let select = select.order_by_desc(Column::Version).limit(limit);
    let rows = select.all(conn).await?;
    rows.iter().map(to_setting).collect()
}

/// Keeps a new version and puts it in force.
pub(crate) async fn insert<C: Content>(
    conn: &impl ConnectionTrait,
    setting: &Setting<C>,
) -> Result<(), DbErr> {
    let Setting {
        id,
        profile,
        version,
        created_at,
        updated_at,
    } = setting;
    Entity::update_many()
        .col_expr(Column::InForce, Expr::value(false))
        .filter(Column::Kind.eq(C::KIND))
        .filter(Column::Id.eq(id.to_string()))
        .filter(Column::InForce.eq(true))
        .exec(conn)
        .await?;
    let row = ActiveModel {
        kind: Set(C::KIND.to_owned()),
        id: Set(id.to_string()),
        version: Set(*version),
        name: Set(profile.name().to_owned()),
        document: Set(to_json(profile)?),
        in_force: Set(true),
        created_at: Set(created_at.as_millis()),
        updated_at: Set(updated_at.as_millis()),
    };
    Entity::insert(row).exec_without_returning(conn).await?;
    Ok(())
}
