//! Alerts by filter, in pages.

use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query};
use sea_orm::{ConnectionTrait, DbErr};

use super::rows::{self, Row};
use crate::domain::AlertState;

/// Which alerts. Every condition that is not empty must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of any of these tickets.
    pub tickets: Vec<String>,
    /// In any of these states.
    pub states: Vec<AlertState>,
    /// Told to this agent, or acknowledged by it.
    pub agent: String,
    /// Of tickets in any of these groups.
    pub groups: Vec<String>,
    /// By this escalation policy.
    pub escalation: String,
}

/// Up to `limit` alerts, the newest first, from the first that is older than `before`.
pub async fn list(
    conn: &impl ConnectionTrait,
    filter: &Filter,
    before: Option<&str>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let Filter {
        tickets,
        states,
        agent,
        groups,
        escalation,
    } = filter;
    let mut query = rows::select();
    if !tickets.is_empty() {
        query.and_where(Expr::col("ticket_id").is_in(tickets));
    }
    if !states.is_empty() {
        let codes = states.iter().map(|state| state.code());
        query.and_where(Expr::col("state").is_in(codes));
    }
    if !agent.is_empty() {
        let named = Query::select()
            .column("alert_id")
            .from("sla_alert_agents")
            .and_where(Expr::col("agent_id").eq(agent.as_str()))
            .take();
        query.and_where(Expr::col("id").in_subquery(named));
    }
    if !groups.is_empty() {
        query.and_where(Expr::col("group_id").is_in(groups));
    }
    if !escalation.is_empty() {
        query.and_where(Expr::col("escalation_id").eq(escalation.as_str()));
    }
    if let Some(before) = before {
        query.and_where(Expr::col("id").lt(before));
    }
    query.order_by("id", Order::Desc).limit(limit);
    rows::query(conn, &query).await
}
