//! A row per requester, there to be locked: caps are checked and kept under it.

use sea_orm::IntoActiveModel as _;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

/// A row of `survey_requesters`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "survey_requesters")]
pub struct Model {
    /// `req_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Holds the requester's row until the transaction ends, so that two surveys cannot ask at once.
pub async fn lock(conn: &impl ConnectionTrait, id: &str) -> Result<(), DbErr> {
    let row = Model { id: id.to_owned() };
    // An update that changes nothing still takes the row's lock.
    let touch = OnConflict::column(Column::Id)
        .update_column(Column::Id)
        .to_owned();
    Entity::insert(row.into_active_model())
        .on_conflict(touch)
        .exec_without_returning(conn)
        .await?;
    Ok(())
}
