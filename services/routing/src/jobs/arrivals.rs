//! When tickets began to wait, to measure how soon they are given away.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lotse_clock::SystemClock;
use lotse_ids::TicketId;

/// What has waited longer waits for people, not for routing.
const OLD: Duration = Duration::from_secs(10);

/// Tickets that this process has put into the queue, by the machine's clock.
#[derive(Debug, Default)]
pub(crate) struct Arrivals(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// In a transaction that may not have committed yet.
    coming: Vec<TicketId>,
    came: HashMap<TicketId, Instant>,
    forget_at: Option<Instant>,
}

impl Arrivals {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These will wait when the running transaction has committed.
    pub(crate) fn announce(&self, tickets: impl IntoIterator<Item = TicketId>) {
        self.lock().coming.extend(tickets);
    }

    /// It has committed.
    pub(crate) fn committed(&self) {
        let now = SystemClock.monotonic();
        let mut state = self.lock();
        let coming = std::mem::take(&mut state.coming);
        state
            .came
            .extend(coming.into_iter().map(|ticket| (ticket, now)));
    }

    /// When a ticket came, the first time it is asked for.
    pub(crate) fn take(&self, ticket: &TicketId) -> Option<Instant> {
        self.lock().came.remove(ticket)
    }

    /// Forgets those that nobody asks for, because another replica gives them away.
    pub(crate) fn forget_old(&self) {
        let now = SystemClock.monotonic();
        let mut state = self.lock();
        if state.forget_at.is_some_and(|at| now < at) {
            return;
        }
        state.forget_at = Some(now + OLD);
        state.came.retain(|_, came| now.duration_since(*came) < OLD);
    }
}
