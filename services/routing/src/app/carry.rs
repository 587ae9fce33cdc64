//! A plan carried out: few transactions, each item as if it were alone.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use lotse_ids::DecisionId;
use lotse_journal::{Origin, bucket_of, lane_of};
use sea_orm::DbBackend;
use tracing::Instrument as _;

use super::App;
use crate::domain::codes::State;
use crate::domain::directory::Directory;
use crate::domain::item::Item;
use crate::domain::queue::Planned;
use crate::error::Error;
use crate::store::items;

/// Most items of one transaction: it holds their rows until it ends.
const TOGETHER: usize = 16;

impl App {
    /// Does what was planned, and returns each item as committed: none where the item or the agent
    /// has changed since, so that nothing was done.
    ///
    /// Items of one lane of the journal go together, because their events take the same locks, and
    /// different lanes go side by side; the embedded database has one writer and no lanes.
    pub(super) async fn carry_out(
        &self,
        planned: &[Planned],
        directory: &Directory,
    ) -> Result<Vec<Option<Item>>, Error> {
        let mut lanes: BTreeMap<u8, Vec<usize>> = BTreeMap::new();
        for (at, one) in planned.iter().enumerate() {
            let lane = match self.db.backend() {
                DbBackend::Sqlite => 0,
                _ => lane_of(bucket_of(one.ticket.as_str())),
            };
            lanes.entry(lane).or_default().push(at);
        }
        let batches = lanes.values().flat_map(|lane| lane.chunks(TOGETHER));
        let committed = batches.map(|batch| self.carry_out_together(planned, batch, directory));
        let committed = try_join_all(committed).await;
        // Offers run out by timers, also those of a batch beside one that failed.
        self.tracker.arm_committed().await;
        let mut all = vec![None; planned.len()];
        for (at, item) in committed?.into_iter().flatten() {
            let outcome = match item.as_ref().map(Item::state) {
                None => "lost_race",
                Some(State::Offered) => "offered",
                Some(State::Waiting) => "queued",
                Some(State::Assigned | State::Done) => "assigned",
            };
            metrics::counter!("lotse_routing_decisions_total", "outcome" => outcome).increment(1);
            all[at] = item;
        }
        Ok(all)
    }

    async fn carry_out_together(
        &self,
        planned: &[Planned],
        batch: &[usize],
        directory: &Directory,
    ) -> Result<Vec<(usize, Option<Item>)>, Error> {
        let ids: Vec<DecisionId> = batch
            .iter()
            .map(|_| DecisionId::generate(self.now()))
            .collect();
        // Rows are locked in one order everywhere: tickets by their ids, then agents by theirs.
        let mut order: Vec<(usize, &DecisionId)> = batch.iter().copied().zip(&ids).collect();
        order.sort_by_key(|(at, _)| planned[*at].agent.as_ref().map(|(agent, _)| agent));
        let principal = || "routing".to_owned();
        let origin = Origin {
            principal: principal(),
            cause: String::new(),
        };
        let order = &order;
        self.journal
            .in_tx(&origin, |tx| async move {
                if order.len() > 1 {
                    items::lock(&tx, order.iter().map(|(at, _)| &planned[*at].ticket)).await?;
                }
                let mut done = Vec::with_capacity(order.len());
                for (at, id) in order {
                    let one = &planned[*at];
                    let tx = tx.on_behalf_of(Origin {
                        principal: principal(),
                        cause: one.cause.reference.clone(),
                    });
                    let span = tracing::info_span!("routing.assign", ticket = %one.ticket);
                    let span = lotse_telemetry::span_with_parent(span, &one.cause.traceparent);
                    let item = self.decide(&tx, one, directory, (*id).clone());
                    done.push((*at, item.instrument(span).await?));
                }
                Ok::<_, Error>(done)
            })
            .await
    }
}
