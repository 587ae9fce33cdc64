//! Clocks by filter, in pages.

use lotse_ids::{ClockId, TicketId};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait as _, Order};

use super::clocks::{self, Stored};
use crate::Error;
use crate::domain::{Catalog, Metric, State};

/// Which clocks. Every condition that is not empty must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of any of these tickets.
    pub tickets: Vec<TicketId>,
    /// Of any of these metrics.
    pub metrics: Vec<Metric>,
    /// In any of these states.
    pub states: Vec<State>,
    /// Only the newest cycle of each metric.
    pub latest_only: bool,
}

/// Up to `limit` clocks by id, from the first beyond `after`.
pub async fn list(
    conn: &impl ConnectionTrait,
    filter: &Filter,
    after: Option<&ClockId>,
    limit: u64,
    catalog: &Catalog,
) -> Result<Vec<Stored>, Error> {
    let mut query = clocks::select();
    if !filter.tickets.is_empty() {
        let ids = filter.tickets.iter().map(TicketId::as_str);
        query.and_where(Expr::col("ticket_id").is_in(ids));
    }
    if !filter.metrics.is_empty() {
        let codes = filter.metrics.iter().map(|metric| metric.code());
        query.and_where(Expr::col("metric").is_in(codes));
    }
    if !filter.states.is_empty() {
        let codes = filter.states.iter().map(|state| state.code());
        query.and_where(Expr::col("state").is_in(codes));
    }
    if filter.latest_only {
        query.and_where(Expr::col("latest"));
    }
    if let Some(after) = after {
        query.and_where(Expr::col("id").gt(after.as_str()));
    }
    query.order_by("id", Order::Asc).limit(limit);
    clocks::query(conn, &query, catalog).await
}
