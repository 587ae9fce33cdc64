//! Why tickets are where they are: `routing_decisions`.

use lotse_clock::Timestamp;
use lotse_ids::TicketId;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder as _, Set};

use super::{from_json, parsed, stored, to_json};
use crate::domain::decision::Decision;
use crate::domain::hops::Put;

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_decisions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub ticket_id: String,
    /// The version that the item had by it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i64,
    pub decided_at: i64,
    pub record: String,
    /// The rest is what is counted, of the record and of what led to its group; none of what was
    /// decided before there was anything to count.
    pub id: Option<String>,
    pub kind: Option<String>,
    pub group_id: Option<String>,
    pub agent_id: Option<String>,
    pub rule: Option<String>,
    pub workflow_version: Option<i32>,
    pub model_version: Option<i32>,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Keeps a decision, and by what it put the ticket where it is.
pub(crate) async fn insert(
    conn: &impl ConnectionTrait,
    decision: &Decision,
    put: Option<&Put>,
) -> Result<(), DbErr> {
    let Decision {
        ticket,
        version,
        at,
        record,
    } = decision;
    let step = put.and_then(|put| put.step.as_ref());
    let row = ActiveModel {
        ticket_id: Set(ticket.to_string()),
        version: Set(*version),
        decided_at: Set(at.as_millis()),
        record: Set(to_json(record)?),
        id: Set(Some(record.id.to_string())),
        kind: Set(Some(record.kind.to_string())),
        group_id: Set(record.group.as_ref().map(ToString::to_string)),
        agent_id: Set(record.agent.as_ref().map(ToString::to_string)),
        rule: Set(step.map(|step| step.rule.clone())),
        workflow_version: Set(step.map(|step| stored(step.version))),
        model_version: Set(None),
    };
    Entity::insert(row).exec_without_returning(conn).await?;
    Ok(())
}

/// All decisions about a ticket, oldest first.
pub(crate) async fn of_ticket(
    conn: &impl ConnectionTrait,
    ticket: &TicketId,
) -> Result<Vec<Decision>, DbErr> {
    let rows = Entity::find()
        .filter(Column::TicketId.eq(ticket.as_str()))
        .order_by_asc(Column::Version)
        .all(conn)
        .await?;
    let decisions = rows.iter().map(|row| {
        Ok(Decision {
            ticket: parsed(&row.ticket_id)?,
            version: row.version,
            at: Timestamp::from_millis(row.decided_at),
            record: from_json(&row.record)?,
        })
    });
    decisions.collect()
}
