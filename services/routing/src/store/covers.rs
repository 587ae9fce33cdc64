//! Cover of groups by others: `routing_covers`.

use lotse_clock::Timestamp;
use lotse_ids::{CoverId, GroupId};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{QuerySelect as _, Set};

use super::lasting::{Range, of_range};
use super::{from_json, parsed, to_json};
use crate::domain::cover::Cover;

/// One cover.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_covers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub group_id: String,
    pub covered_by: String,
    pub starts_at: i64,
    pub ends_at: i64,
    pub words: String,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

fn to_cover(row: &Model) -> Result<Cover, DbErr> {
    Ok(Cover {
        id: parsed(&row.id)?,
        group: parsed(&row.group_id)?,
        by: parsed(&row.covered_by)?,
        starts_at: Timestamp::from_millis(row.starts_at),
        ends_at: Timestamp::from_millis(row.ends_at),
        words: from_json(&row.words)?,
        version: row.version,
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
    })
}

/// Those covers, in no order, that are not over at an instant.
pub(crate) async fn ending_after(
    conn: &impl ConnectionTrait,
    instant: Timestamp,
) -> Result<Vec<Cover>, DbErr> {
    let lasting = Entity::find().filter(Column::EndsAt.gt(instant.as_millis()));
    let rows = lasting.all(conn).await?;
    rows.iter().map(to_cover).collect()
}

/// One cover.
pub(crate) async fn find(
    conn: &impl ConnectionTrait,
    id: &CoverId,
) -> Result<Option<Cover>, DbErr> {
    let row = Entity::find_by_id(id.to_string()).one(conn).await?;
    row.as_ref().map(to_cover).transpose()
}

/// Covers, those of one group or all, by beginning and id.
pub(crate) async fn list(
    conn: &impl ConnectionTrait,
    group: Option<&GroupId>,
    range: &Range<CoverId>,
    limit: Option<u64>,
) -> Result<Vec<Cover>, DbErr> {
    let mut select = Entity::find();
    if let Some(group) = group {
        select = select.filter(Column::GroupId.eq(group.as_str()));
    }
    let columns = [Column::StartsAt, Column::EndsAt, Column::Id];
    let select = of_range(select, range, columns).limit(limit);
    let rows = select.all(conn).await?;
    rows.iter().map(to_cover).collect()
}

/// Adds a cover or writes it anew.
pub(crate) async fn save(conn: &impl ConnectionTrait, cover: &Cover) -> Result<(), DbErr> {
    let Cover {
        id,
        group,
        by,
        starts_at,
        ends_at,
        words,
        version,
        created_at,
        updated_at,
    } = cover;
    let row = ActiveModel {
        id: Set(id.to_string()),
        group_id: Set(group.to_string()),
        covered_by: Set(by.to_string()),
        starts_at: Set(starts_at.as_millis()),
        ends_at: Set(ends_at.as_millis()),
        words: Set(to_json(words)?),
        version: Set(*version),
        created_at: Set(created_at.as_millis()),
        updated_at: Set(updated_at.as_millis()),
    };
    let changes = [
        Column::CoveredBy,
        Column::StartsAt,
        Column::EndsAt,
        Column::Words,
        Column::Version,
        Column::UpdatedAt,
    ];
    let anew = OnConflict::column(Column::Id)
        .update_columns(changes)
        .to_owned();
    Entity::insert(row)
        .on_conflict(anew)
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Takes a cover away.
pub(crate) async fn delete(conn: &impl ConnectionTrait, id: &CoverId) -> Result<(), DbErr> {
    Entity::delete_by_id(id.to_string()).exec(conn).await?;
    Ok(())
}
