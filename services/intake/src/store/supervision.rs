//! Whose public replies need a mentor's approval: a projection of routing's events.

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Cond, Order, Query};
use sea_orm::{ConnectionTrait, DbErr};

use super::columns::{broken, id, millis};
use crate::domain::ticket::Supervised;

/// Somebody who learns in a group, for a while.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "intake_supervision")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub group_id: String,
    /// Of several that last at an instant, the first counts.
    #[sea_orm(primary_key, auto_increment = false)]
    pub place: i32,
    pub agent_id: String,
    pub mentor_id: String,
    pub starts_at: Option<i64>,
    pub ends_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Who approves an agent's public replies on a group's tickets at an instant; none where nobody has
/// to.
pub(crate) async fn mentor(
    conn: &impl ConnectionTrait,
    group: &GroupId,
    agent: &AgentId,
    at: Timestamp,
) -> Result<Option<AgentId>, DbErr> {
    let at = at.as_millis();
    let begun = Cond::any()
        .add(Column::StartsAt.is_null())
        .add(Column::StartsAt.lte(at));
    let not_over = Cond::any()
        .add(Column::EndsAt.is_null())
        .add(Column::EndsAt.gt(at));
    let query = Query::select()
        .column(Column::MentorId)
        .from(Entity)
        .and_where(Column::GroupId.eq(group.as_str()))
        .and_where(Column::AgentId.eq(agent.as_str()))
        .cond_where(begun)
        .cond_where(not_over)
        .order_by(Column::Place, Order::Asc)
        .limit(1)
        .to_owned();
    let row = conn.query_one(&query).await?;
    row.map(|row| id("mentor_id", &row.try_get_by::<String, _>(0)?))
        .transpose()
}

/// Stores who learns in a group, in place of whoever did.
pub(crate) async fn replace(
    conn: &impl ConnectionTrait,
    group: &GroupId,
    all: &[Supervised],
) -> Result<(), DbErr> {
    let delete = Query::delete()
        .from_table(Entity)
        .and_where(Column::GroupId.eq(group.as_str()))
        .to_owned();
    conn.execute(&delete).await?;
    if all.is_empty() {
        return Ok(());
    }
    let mut insert = Query::insert()
        .into_table(Entity)
        .columns([
            Column::GroupId,
            Column::Place,
            Column::AgentId,
            Column::MentorId,
            Column::StartsAt,
            Column::EndsAt,
        ])
        .to_owned();
    for (place, one) in (0_i32..).zip(all) {
        let Supervised {
            agent,
            mentor,
            from,
            until,
        } = one;
        let row = [
            group.as_str().into(),
            place.into(),
            agent.as_str().into(),
            mentor.as_str().into(),
            millis(*from).into(),
            millis(*until).into(),
        ];
        insert
            .values(row)
            .map_err(|error| broken("intake_supervision", error))?;
    }
    conn.execute(&insert).await.map(drop)
}
