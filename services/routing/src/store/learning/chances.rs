//! Who solved and who passed on how many tickets of what: `routing_chances`, as sums of
//! [`crate::domain::chance::weight`]s.

use std::collections::BTreeMap;

use sea_orm::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};

use crate::domain::chance::Tally;

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
