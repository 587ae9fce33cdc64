//! Alerts: opened by what happens to clocks ([`follow`]), told when they are due ([`dispatch`] with
//! [`ask`]), acknowledged and resolved by callers ([`calls`]). All of them write what happened
//! through [`record`].

pub mod ask;
mod calls;
pub mod dispatch;
mod escalations;
pub(super) mod follow;
mod notices;
mod policies;
mod record;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use lotse_clock::{BusinessClock, Timestamp};
use lotse_timers::{Entry, TimerStore};

use super::catalogs::Catalogs;
use crate::jobs::deliveries::Wake;
use crate::store::actions::Action;
use crate::store::alerts::rows::Row;
pub use escalations::Escalations;

/// The queue of the alerts' timers.
pub const QUEUE: &str = "sla-alerts";

/// Timers by queue and row: to be armed, or else cancelled.
type Pending = BTreeMap<(&'static str, String), (Entry, bool)>;

/// Keeps the alerts. Cheap to clone; clones are the same.
#[derive(Clone)]
pub struct Alerts {
    clock: BusinessClock,
    timers: Arc<dyn TimerStore>,
    catalogs: Catalogs,
    escalations: Escalations,
    outbox: Wake,
    /// Whether notices were put into the outbox since it was last woken.
    notices: Arc<AtomicBool>,
    /// Timers to be set after the commit, by queue and row. One of a transaction that was rolled
    /// back is a hint that leads nowhere.
    pending: Arc<Mutex<Pending>>,
}

impl Alerts {
    /// Alerts whose time is `clock`'s and whose timers are armed in `timers`.
    pub fn new(clock: BusinessClock, timers: Arc<dyn TimerStore>, catalogs: Catalogs) -> Self {
        Self {
            clock,
            timers,
            catalogs,
            escalations: Escalations::default(),
            outbox: Wake::default(),
            notices: Arc::default(),
            pending: Arc::default(),
        }
    }

    /// Wakes whoever sends notices.
    pub fn outbox(&self) -> &Wake {
        &self.outbox
    }

    /// Notes that the timer of an alert must be set.
    fn reschedule(&self, row: &Row) {
        self.note(QUEUE, &row.id, row.generation, row.alert.next_at, row.lane);
    }

    /// Notes that the timer of an action must be set.
    pub(super) fn reschedule_action(&self, action: &Action) {
        let queue = super::actions::QUEUE;
        let Action {
            id,
            generation,
            next_at,
            lane,
            ..
        } = action;
        self.note(queue, id, *generation, *next_at, *lane);
    }

    fn note(
        &self,
        queue: &'static str,
        row: &str,
        generation: i64,
        at: Option<Timestamp>,
        lane: u8,
    ) {
        let entry = Entry {
            row: row.to_owned(),
            generation,
            due: at.unwrap_or(Timestamp::MAX),
            lane,
        };
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.insert((queue, row.to_owned()), (entry, at.is_some()));
    }

    /// Sets the timers of what was saved, and has its notices sent, after its commit.
    pub async fn set_timers(&self) {
        if self.notices.swap(false, Ordering::SeqCst) {
            self.outbox.wake();
        }
        let pending = {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *pending)
        };
        for queue in [QUEUE, super::actions::QUEUE] {
            let of = |armed: bool| -> Vec<Entry> {
                let of_queue = pending.iter().filter(|((of, _), _)| *of == queue);
                let wanted = of_queue.filter(|(_, (_, arm))| *arm == armed);
                wanted.map(|(_, (entry, _))| entry.clone()).collect()
            };
            let (arm, cancel) = (of(true), of(false));
            // A failure costs lateness only: the worker arms from SQL what the store lacks.
            if !cancel.is_empty()
                && let Err(error) = self.timers.cancel(queue, &cancel).await
            {
                tracing::debug!(%error, queue, "timers were not cancelled");
            }
            if !arm.is_empty()
                && let Err(error) = self.timers.arm(queue, &arm).await
            {
                tracing::debug!(%error, queue, "timers were not armed");
            }
        }
    }
}
