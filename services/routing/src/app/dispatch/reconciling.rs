//! Looks, a page at a time, whether the index is what SQL has.
//!
//! It always should be. A difference is mended and counted: it would have been an item that waits
//! beside a free agent.

use std::time::{Duration, Instant};

use lotse_clock::SystemClock;

use super::following::{Desk, PAGE, Stale};
use crate::app::App;
use crate::domain::queue::{Turn, turn};
use crate::error::Error;
use crate::store::{agents, items};

/// Between two pages.
const EVERY: Duration = Duration::from_secs(1);

/// How far a round has come.
#[derive(Debug)]
pub(super) struct Reconciler {
    next: Instant,
    after: Option<Turn>,
    /// What differed at the last page. A change that has not been heard of yet is no difference, so
    /// it counts only if it still differs a page later.
    suspects: Stale,
}

impl Reconciler {
    pub(super) fn new() -> Self {
        Self {
            next: SystemClock.monotonic() + EVERY,
            after: None,
            suspects: Stale::default(),
        }
    }
}

impl Desk {
    /// Compares the next page, if it is time, after everything that was heard of has been read.
    pub(super) async fn reconcile(&mut self, app: &App) -> Result<(), Error> {
        let now = SystemClock.monotonic();
        if now < self.reconciler.next || self.follower.is_behind() {
            return Ok(());
        }
        self.reconciler.next = now + EVERY;
        self.count(app).await?;
        metrics::gauge!("lotse_routing_index_waiting").set(self.index.waiting() as f64);
        let conn = app.db.reader();
        let after = self.reconciler.after.take();
        if after.is_none() {
            for (agent, seat) in agents::seats(conn).await? {
                if self.index.seat(&agent) != Some(&seat) {
                    self.reconciler.suspects.agents.insert(agent);
                }
            }
        }
        let page = items::waiting(conn, &items::Wanted::default(), after.as_ref(), PAGE).await?;
        for item in &page {
            if self.index.differs(item, app.now()) {
                self.reconciler.suspects.tickets.insert(item.ticket.clone());
            }
        }
        if page.len() as u64 == PAGE {
            self.reconciler.after = page.last().map(turn);
        }
        Ok(())
    }

    /// Counts and mends the suspects that still differ.
    async fn count(&mut self, app: &App) -> Result<(), Error> {
        let suspects = std::mem::take(&mut self.reconciler.suspects);
        if suspects.tickets.is_empty() && suspects.agents.is_empty() {
            return Ok(());
        }
        let conn = app.db.reader();
        let mut differences = 0_u64;
        for item in items::find_all(conn, &suspects.tickets).await? {
            if self.index.differs(&item, app.now()) {
                tracing::warn!(ticket = %item.ticket, "the index has another state of a ticket");
                differences += 1;
            }
        }
        for full in agents::find_all(conn, &suspects.agents).await? {
            if self.index.seat(&full.agent.id) != Some(&full.seat) {
                tracing::warn!(agent = %full.agent.id, "the index has another state of an agent");
                differences += 1;
            }
        }
        metrics::counter!("lotse_routing_index_differences_total").increment(differences);
        self.read_again(app, suspects).await
    }
}
