//! Transfers, each with the decision that it undid: `routing_transfers`. What the report of
//! misroutes counts, so that it need not read the documents of decisions.

use lotse_clock::Timestamp;
use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::{delete, stored};
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
    /// When that was; without one, when it was transferred.
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
        undone_at: Set(Some(undone.map_or(decision.at, Put::at).as_millis())),
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

/// Forgets transfers of decisions before an instant. Returns whether there may be more.
pub(crate) async fn purge(
    conn: &impl ConnectionTrait,
    before: Timestamp,
    limit: u64,
) -> Result<bool, DbErr> {
    let sql = "DELETE FROM routing_transfers WHERE (ticket_id, version) IN (\
         SELECT t.ticket_id, t.version FROM routing_transfers AS t \
         JOIN routing_items AS i ON i.ticket_id = t.ticket_id \
         WHERE t.undone_at < $1 AND i.state = 'done' ORDER BY t.undone_at LIMIT $2)";
    delete(conn, sql, before.as_millis(), limit).await
}
