//! Transfers, each with the decision that it undid: `routing_transfers`. What the report of
//! misroutes counts, so that it need not read the documents of decisions.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::stored;
use crate::domain::codes::TransferReason;
use crate::domain::decision::{ByHand, Decision};
use crate::domain::hops::Put;

/// One transfer.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_transfers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub ticket_id: String,
    /// Of the decision that transferred it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i64,
    pub transferred_at: i64,
    /// The decision that had put the ticket where it was.
    pub undone_id: Option<String>,
    pub undone_at: Option<i64>,
    pub from_group_id: Option<String>,
    pub from_agent_id: Option<String>,
    pub to_group_id: Option<String>,
    pub to_agent_id: Option<String>,
    pub reason: String,
    pub misroute: bool,
    pub missing_skill: Option<String>,
    pub missing_language: Option<String>,
    pub guard: Option<String>,
    pub hop: i32,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Keeps the transfer that `decision` is, against the decision it undid.
pub(crate) async fn insert(
    conn: &impl ConnectionTrait,
    decision: &Decision,
    undone: Option<&Put>,
    hop: u32,
) -> Result<(), DbErr> {
    let record = &decision.record;
    let ByHand {
        transfer_reason,
        missing,
        guard,
        ..
    } = record.by_hand.clone().unwrap_or_default();
    let reason = transfer_reason.unwrap_or(TransferReason::Unexplained);
    let row = ActiveModel {
        ticket_id: Set(decision.ticket.to_string()),
        version: Set(decision.version),
        transferred_at: Set(decision.at.as_millis()),
        undone_id: Set(undone.map(|put| put.decision.to_string())),
        undone_at: Set(undone.map(|put| put.at().as_millis())),
        from_group_id: Set(record.from_group.as_ref().map(ToString::to_string)),
        from_agent_id: Set(record.from_agent.as_ref().map(ToString::to_string)),
        to_group_id: Set(record.group.as_ref().map(ToString::to_string)),
        to_agent_id: Set(record.agent.as_ref().map(ToString::to_string)),
        reason: Set(reason.to_string()),
        misroute: Set(reason.is_misroute()),
        missing_skill: Set(missing.skill),
        missing_language: Set(missing.language.map(|tag| tag.to_string())),
        guard: Set(guard.map(|guard| guard.to_string())),
        hop: Set(stored(hop)),
    };
    Entity::insert(row).exec_without_returning(conn).await?;
    Ok(())
}
