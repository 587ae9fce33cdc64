//! What routing knew of agents at a decision: `routing_seat_history` and `routing_profiles`.
//!
//! The database itself writes both, by triggers, in the statement that changes an agent: see the
//! migration. Versions of all seats stand in one order, and a decision notes where in that order it
//! came. With several replicas the order of two changes in the same instant may not be the one that
//! a decision saw; then the record, which holds what it saw of the best, has the last word.

use lotse_ids::{AgentId, TicketId};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{QueryOrder as _, QuerySelect as _};
use serde_json::Value;

use super::{agents, decisions, delete};
use crate::store::agents::Full;

/// One version of a seat.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_seat_history")]
pub struct Model {
    /// The order of all changes.
    #[sea_orm(primary_key)]
    pub seq: i64,
    pub agent_id: String,
    /// Columns of `routing_agents`, as JSON.
    pub seat: String,
}

/// No relations: what belongs together is asked for by id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Where in the order of changes a decision came; none for one older than the order.
pub(crate) async fn at_decision(
    conn: &impl ConnectionTrait,
    ticket: &TicketId,
    version: i64,
) -> Result<Option<i64>, DbErr> {
    let place: Option<Option<i64>> = decisions::Entity::find()
        .select_only()
        .column(decisions::Column::SeatsAt)
        .filter(decisions::Column::TicketId.eq(ticket.as_str()))
        .filter(decisions::Column::Version.eq(version))
        .into_tuple()
        .one(conn)
        .await?;
    Ok(place.flatten())
}

/// The agent as routing knew it then; none when that is not kept any more.
pub(crate) async fn find(
    conn: &impl ConnectionTrait,
    agent: &AgentId,
    at: i64,
) -> Result<Option<Full>, DbErr> {
    let seat = Entity::find()
        .filter(Column::AgentId.eq(agent.as_str()))
        .filter(Column::Seq.lte(at))
        .order_by_desc(Column::Seq)
        .limit(1)
        .one(conn)
        .await?;
    let Some(seat) = seat else {
        return Ok(None);
    };
    let mut row: Value = super::from_json(&seat.seat)?;
    let version = row.get("version").and_then(Value::as_i64);
    let profile = Query::select()
        .expr(Expr::cust("profile"))
        .from("routing_profiles")
        .and_where(Expr::col("agent_id").eq(agent.as_str()))
        .and_where(Expr::col("version").eq(version.unwrap_or_default()))
        .to_owned();
    let Some(profile) = conn.query_one(&profile).await? else {
        return Ok(None);
    };
    row["profile"] = Value::String(profile.try_get_by(0)?);
    row["id"] = Value::String(agent.to_string());
    agents::from_history(row).map(Some)
}

/// Forgets versions that nothing asks about any more: those before `floor`, except the last one of
/// each agent before it. Returns whether there may be more.
pub(crate) async fn purge(
    conn: &impl ConnectionTrait,
    floor: i64,
    limit: u64,
) -> Result<bool, DbErr> {
    let sql = "DELETE FROM routing_seat_history WHERE seq IN (\
         SELECT old.seq FROM routing_seat_history AS old WHERE old.seq < $1 AND EXISTS (\
         SELECT 1 FROM routing_seat_history AS newer WHERE newer.agent_id = old.agent_id \
         AND newer.seq > old.seq AND newer.seq <= $1) ORDER BY old.seq LIMIT $2)";
    delete(conn, sql, floor, limit).await
}
