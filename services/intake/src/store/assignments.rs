//! Who has which ticket: a projection of routing's events, and so a table of its own, which can be
//! emptied and rebuilt from the journal and whose writer never meets the writers of tickets.

use lotse_ids::TicketId;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use std::collections::BTreeMap;

use super::columns::{broken, count, optional_id, stored_count};
use crate::domain::ticket::Assignment;

/// Who has a ticket.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "intake_assignments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub ticket_id: String,
    pub group_id: Option<String>,
    pub agent_id: Option<String>,
    pub tier: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What [`read`] reads.
pub(super) const COLUMNS: [Column; 3] = [Column::GroupId, Column::AgentId, Column::Tier];

/// Reads [`COLUMNS`]; missing ones are nobody.
pub(super) fn read(row: &QueryResult) -> Result<Assignment, DbErr> {
    let tier: Option<i32> = row.try_get("", "tier")?;
    Ok(Assignment {
        agent_id: optional_id("agent_id", row.try_get("", "agent_id")?)?,
        group_id: optional_id("group_id", row.try_get("", "group_id")?)?,
        tier: count("tier", tier.unwrap_or(0))?,
    })
}

/// Who has these tickets; those that nobody has are missing.
pub(crate) async fn load(
    conn: &impl ConnectionTrait,
    tickets: &[&str],
) -> Result<BTreeMap<String, Assignment>, DbErr> {
    let query = Query::select()
        .column(Column::TicketId)
        .columns(COLUMNS)
        .from(Entity)
        .and_where(Column::TicketId.is_in(tickets.iter().copied()))
        .to_owned();
    let rows = conn.query_all(&query).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("", "ticket_id")?, read(row)?)))
        .collect()
}

/// Stores who has these tickets.
pub(crate) async fn save(
    conn: &impl ConnectionTrait,
    assignments: &BTreeMap<TicketId, Assignment>,
) -> Result<(), DbErr> {
    if assignments.is_empty() {
        return Ok(());
    }
    let mut insert = Query::insert()
        .into_table(Entity)
        .columns([
            Column::TicketId,
            Column::GroupId,
            Column::AgentId,
            Column::Tier,
        ])
        .on_conflict(
            OnConflict::column(Column::TicketId)
                .update_columns(COLUMNS)
                .to_owned(),
        )
        .to_owned();
    for (
        ticket,
        Assignment {
            agent_id,
            group_id,
            tier,
        },
    ) in assignments
    {
        let row = [
            ticket.as_str().into(),
            group_id.as_ref().map(ToString::to_string).into(),
            agent_id.as_ref().map(ToString::to_string).into(),
            stored_count(*tier).into(),
        ];
        insert
            .values(row)
            .map_err(|error| broken("intake_assignments", error))?;
    }
    conn.execute(&insert).await.map(drop)
}
