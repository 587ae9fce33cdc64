//! The exceptions to duty rotas: `routing_overrides`.

use lotse_clock::Timestamp;
use lotse_ids::{DutyOverrideId, RotaId};
use sea_orm::entity::prelude::*;
use sea_orm::{QuerySelect as _, Set};

use super::lasting::{Range, of_range};
use super::{from_json, parsed, to_json};
use crate::domain::rota::Override;

/// Exceptions.
pub mod exception {
    use sea_orm::entity::prelude::*;

    /// One exception.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "routing_overrides")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub rota_id: String,
        pub agent_id: String,
        pub instead_of: Option<String>,
        pub starts_at: i64,
        pub ends_at: i64,
        pub note: String,
        pub shadow: Option<String>,
        pub version: i64,
        pub created_at: i64,
        pub updated_at: i64,
    }

    /// No relations: what belongs together is asked for by id.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

fn to_override(row: &exception::Model) -> Result<Override, DbErr> {
    Ok(Override {
        id: parsed(&row.id)?,
        rota: parsed(&row.rota_id)?,
        agent: parsed(&row.agent_id)?,
        instead_of: row.instead_of.as_deref().map(parsed).transpose()?,
        starts_at: Timestamp::from_millis(row.starts_at),
        ends_at: Timestamp::from_millis(row.ends_at),
        note: row.note.clone(),
        shadow: row.shadow.as_deref().map(from_json).transpose()?,
        version: row.version,
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
    })
}

/// One exception.
pub(crate) async fn find_override(
    conn: &impl ConnectionTrait,
    id: &DutyOverrideId,
) -> Result<Option<Override>, DbErr> {
    let row = exception::Entity::find_by_id(id.to_string())
        .one(conn)
        .await?;
    row.as_ref().map(to_override).transpose()
}

/// The exceptions to a rota, by beginning and id.
pub(crate) async fn overrides(
    conn: &impl ConnectionTrait,
    rota: &RotaId,
    range: &Range<DutyOverrideId>,
    limit: Option<u64>,
) -> Result<Vec<Override>, DbErr> {
    use exception::Column;
    let select = exception::Entity::find().filter(Column::RotaId.eq(rota.as_str()));
    let columns = [Column::StartsAt, Column::EndsAt, Column::Id];
    let select = of_range(select, range, columns).limit(limit);
    let rows = select.all(conn).await?;
    rows.iter().map(to_override).collect()
}

/// Adds an exception or writes it anew.
pub(crate) async fn save_override(
    conn: &impl ConnectionTrait,
    one: &Override,
    is_new: bool,
) -> Result<(), DbErr> {
    let Override {
        id,
        rota,
        agent,
        instead_of,
        starts_at,
        ends_at,
        note,
        shadow,
        version,
        created_at,
        updated_at,
    } = one;
    let row = exception::ActiveModel {
        id: Set(id.to_string()),
        rota_id: Set(rota.to_string()),
        agent_id: Set(agent.to_string()),
        instead_of: Set(instead_of.as_ref().map(ToString::to_string)),
        starts_at: Set(starts_at.as_millis()),
        ends_at: Set(ends_at.as_millis()),
        note: Set(note.clone()),
        shadow: Set(shadow.as_ref().map(to_json).transpose()?),
        version: Set(*version),
        created_at: Set(created_at.as_millis()),
        updated_at: Set(updated_at.as_millis()),
    };
    if is_new {
        exception::Entity::insert(row)
            .exec_without_returning(conn)
            .await?;
    } else {
        exception::Entity::update(row).exec(conn).await?;
    }
    Ok(())
}

/// Takes an exception away.
pub(crate) async fn delete_override(
    conn: &impl ConnectionTrait,
    id: &DutyOverrideId,
) -> Result<(), DbErr> {
    exception::Entity::delete_by_id(id.to_string())
        .exec(conn)
        .await?;
    Ok(())
}
