//! Fires what is due, and keeps the index true to SQL.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::{StreamExt, stream};
use lotse_clock::{BusinessClock, SystemClock, Timestamp};
use lotse_supervise::{BoxError, Job, Step};

use crate::entry::by_lane;
use crate::{Claim, DueRows, Entry, StoreError, TimerStore};

/// Entries of a lane fired in one transaction.
const BATCH: usize = 100;

/// Up to so many entries are fired in one transaction whatever their lanes: a transaction costs
/// more than a row, and so short a one holds up nobody.
const FEW: usize = 32;

/// Longer than a batch takes; what a killed worker had claimed comes back after it. With what it
/// takes to notice, work of a killed worker is less than five seconds late.
const LEASE: Duration = Duration::from_secs(4);

/// How often SQL is asked what is due.
const RECONCILE_EVERY: Duration = Duration::from_millis(1500);

/// How far ahead the reconciler arms: what it finds is then on time, not late by its period.
const HORIZON: Duration = Duration::from_secs(4);

/// What a clock may go back by being corrected, without having been stepped.
const TOLERATED_SLEW: Duration = Duration::from_secs(1);

/// Rows looked at in one query.
const PAGE: u64 = 1000;

/// How long a row that fails alone stands aside, so that others pass.
const STAND_ASIDE: Duration = Duration::from_secs(5);

/// Lanes fired side by side on the system clock.
const SIDE_BY_SIDE: usize = 4;

/// Failures in a row in one lane after which the trouble is not taken to be the row's own.
const GIVE_UP: usize = 2;

/// The job of one queue: claims what is due, fires it, acknowledges it. Any number of replicas may
/// run it.
///
/// Inside it the reconciler asks SQL every second or two for what is overdue or soon due and arms
/// what the store lacks; where the store lost a lane it arms all of it. While the store fails it
/// fires what SQL says.
///
/// On a manual clock it arms everything anew when it starts, so that time cannot pass a timer whose
/// arming a crash prevented, and fires lane after lane.
pub struct Worker {
    name: String,
    queue: String,
    store: Arc<dyn TimerStore>,
    clock: BusinessClock,
    rows: Arc<dyn DueRows>,
    /// A batch failed: fire one by one, to find the row at fault.
    careful: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    begun: bool,
    reconciled: Option<Instant>,
    /// The latest time that the clock has shown.
    latest: Option<Timestamp>,
    /// What was done and is still to be acknowledged.
    done: Vec<Entry>,
    /// What was fired last without the store.
    fired_from_sql: Vec<Entry>,
}

/// Whose failure it was.
enum Trouble {
    Store(StoreError),
    Rows(BoxError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Trouble {
        Trouble::Store(error)
    }
}

impl From<BoxError> for Trouble {
    fn from(error: BoxError) -> Trouble {
        Trouble::Rows(error)
    }
}

impl Worker {
    /// The worker of `queue` (such as `sla.clocks`), whose rows are those of `rows`. What is due is
    /// decided by `clock`.
    pub fn new(
        store: Arc<dyn TimerStore>,
        clock: BusinessClock,
        queue: impl Into<String>,
        rows: Arc<dyn DueRows>,
    ) -> Worker {
        let queue = queue.into();
        let (name, careful) = (format!("timers {queue}"), AtomicBool::new(false));
        Worker {
            name,
            queue,
            store,
            clock,
            rows,
            careful,
            state: Mutex::default(),
        }
    }

    fn with_state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn turn(&self) -> Result<Step, Trouble> {
        if self.clock.is_manual() && !self.with_state(|state| state.begun) {
            self.store.clear(&self.queue).await?;
            self.with_state(|state| state.begun = true);
        }
        self.reconcile().await?;
        let now = self.clock.now();
        let claim = self.claim(now).await?;
        let worked = !claim.entries.is_empty() || !claim.lost.is_empty();
        // Lost lanes first: something in them may be due even earlier, and firing may fail.
        for lane in claim.lost {
            self.rearm(lane).await?;
        }
        self.fire(claim.entries, true).await?;
        Ok(if worked {
            Step::Busy
        } else {
            Step::Idle {
                until: claim.next_due,
            }
        })
    }

    /// Acknowledges what the step before did, and claims what is due. An acknowledgement that fails
    /// costs a second firing, which the fence stops.
    async fn claim(&self, now: Timestamp) -> Result<Claim, StoreError> {
        let done = self.with_state(|state| std::mem::take(&mut state.done));
        let (queue, store) = (&self.queue, &self.store);
        if self.clock.is_manual() {
            store.ack(queue, &done).await.ok();
            return store.claim(queue, now, BATCH, LEASE).await;
        }
        // In this order on one connection, and one way there and back for both.
        let claim = store.claim_likely(queue, now, BATCH, LEASE);
        let (_, claim) = futures::join!(store.ack(queue, &done), claim);
        claim
    }

    /// Arms what SQL says is due by now or soon and the store does not hold: an arming that never
    /// happened because its process died after the commit.
    async fn reconcile(&self) -> Result<(), Trouble> {
        let now = SystemClock.monotonic();
        let last = self.with_state(|state| state.reconciled);
        if last.is_some_and(|last| now.duration_since(last) < RECONCILE_EVERY) {
            return Ok(());
        }
        let time = self.clock.now();
        let mut soon = self.rows.due_before(time + HORIZON, PAGE).await?;
        if self.went_back(time) {
            // Claims from before the step end when the clock is there again: take what is due out
            // of them. Whoever is at it right now meets the fence.
            let later = soon.split_off(soon.partition_point(|entry| entry.due <= time));
            self.store.arm(&self.queue, &soon).await?;
            soon = later;
        }
        self.store.arm_missing(&self.queue, &soon).await?;
        self.with_state(|state| state.reconciled = Some(now));
        Ok(())
    }

    /// Whether the clock has shown a later time before: somebody stepped it back.
    fn went_back(&self, time: Timestamp) -> bool {
        self.with_state(|state| {
            let latest = state.latest.max(Some(time));
            state.latest = latest;
            latest.is_some_and(|latest| latest.since(time) > TOLERATED_SLEW)
        })
    }

    /// Arms all of `lane` from SQL.
    async fn rearm(&self, lane: u8) -> Result<(), Trouble> {
        let rearm = self.store.begin_rearm(&self.queue, lane).await?;
        let (mut after, mut armed) = (String::new(), 0);
        loop {
            let page = self.rows.armed(lane, &after, PAGE).await?;
            self.store.arm_missing(&self.queue, &page).await?;
            armed += page.len();
            match page.last() {
                Some(last) if page.len() as u64 >= PAGE => after.clone_from(&last.row),
                _ => break,
            }
        }
        let complete = self.store.finish_rearm(&self.queue, rearm).await?;
        metrics::counter!("lotse_timers_rearmed_total", "queue" => self.queue.clone())
            .increment(armed as u64);
        tracing::debug!(
            queue = self.queue,
            lane,
            armed,
            complete,
            "armed a lane again from SQL"
        );
        Ok(())
    }

    /// Fires `entries`, lane by lane unless they are few; `claimed` when they come from the store. Goes on with the
    /// other lanes after a failure, then returns the first.
    async fn fire(&self, entries: Vec<Entry>, claimed: bool) -> Result<(), BoxError> {
        if entries.is_empty() {
            return Ok(());
        }
        let careful = self.careful.load(Ordering::SeqCst);
        let at_once = if self.clock.is_manual() {
            1
        } else {
            SIDE_BY_SIDE
        };
        let batches = match &entries[..] {
            [first, ..] if entries.len() <= FEW && !careful && !self.clock.is_manual() => {
                BTreeMap::from([(first.lane, entries)])
            }
            _ => by_lane(entries),
        };
        let outcomes: Vec<Result<(), BoxError>> = stream::iter(batches)
            .map(|(lane, due)| self.fire_batches(lane, due, claimed, careful))
            .buffer_unordered(at_once)
            .collect()
            .await;
        let failure = outcomes.into_iter().find_map(Result::err);
        self.careful.store(failure.is_some(), Ordering::SeqCst);
        failure.map_or(Ok(()), Err)
    }

    async fn fire_batches(
        &self,
        lane: u8,
        due: Vec<Entry>,
        claimed: bool,
        careful: bool,
    ) -> Result<(), BoxError> {
        let at_once = if careful { 1 } else { due.len() };
        // On a manual clock whoever drives it learns of the first failure, and rows keep their order.
        let give_up = if self.clock.is_manual() { 1 } else { GIVE_UP };
        let (mut failures, mut first) = (0, None);
        for (index, batch) in due.chunks(at_once).enumerate() {
            let Err(error) = self.rows.fire(lane, batch).await else {
                self.note_lateness(batch);
                if claimed {
                    self.with_state(|state| state.done.extend_from_slice(batch));
                }
                continue;
            };
            first.get_or_insert(error);
            failures += 1;
            if claimed {
                self.hand_back(batch).await;
            }
            if failures == give_up {
                if claimed {
                    self.release(&due[(index + 1) * at_once..]).await;
                }
                break;
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// Gives back what could not be fired. A row that failed alone stands aside, so that those
    /// behind it come to their turn; on a manual clock it does not, as time must not pass it.
    async fn hand_back(&self, batch: &[Entry]) {
        match batch {
            [alone] if !self.clock.is_manual() => {
                tracing::debug!(queue = self.queue, row = alone.row, "a timer failed");
                let due = self.clock.now() + STAND_ASIDE;
                self.release(&[Entry {
                    due,
                    ..alone.clone()
                }])
                .await;
            }
            batch => self.release(batch).await,
        }
    }

    /// Ends a claim early. When that fails the lease ends it.
    async fn release(&self, entries: &[Entry]) {
        if !entries.is_empty() {
            self.store.arm(&self.queue, entries).await.ok();
        }
    }

    fn note_lateness(&self, fired: &[Entry]) {
        let now = self.clock.now();
        let lateness =
            metrics::histogram!("lotse_timer_lateness_seconds", "queue" => self.queue.clone());
        fired
            .iter()
            .for_each(|entry| lateness.record(now.since(entry.due).as_secs_f64()));
    }

    /// While the store fails: SQL alone. It says what is due, and what will be next.
    async fn turn_without_store(&self) -> Result<Step, BoxError> {
        metrics::counter!("lotse_timers_without_store_total", "queue" => self.queue.clone())
            .increment(1);
        let now = self.clock.now();
        // On a manual clock time jumps, so what comes next must be known however far it is.
        let ahead = if self.clock.is_manual() {
            Timestamp::MAX
        } else {
            now + HORIZON
        };
        let mut due = self.rows.due_before(ahead, PAGE).await?;
        let later = due.split_off(due.partition_point(|entry| entry.due <= now));
        // Rows that firing leaves due (another replica is at it) must not keep this one spinning.
        let again = self.with_state(|state| {
            let again = state.fired_from_sql == due;
            state.fired_from_sql.clone_from(&due);
            again
        });
        let worked = !due.is_empty() && !again;
        self.fire(due, false).await?;
        let until = later.first().map(|entry| entry.due);
        Ok(if worked {
            Step::Busy
        } else {
            Step::Idle { until }
        })
    }
}

#[async_trait]
impl Job for Worker {
    fn name(&self) -> &str {
        &self.name
    }

    async fn step(&self) -> Result<Step, BoxError> {
        match self.turn().await {
            Ok(step) => Ok(step),
            Err(Trouble::Rows(error)) => Err(error),
            // The store has told its own trouble to the log.
            Err(Trouble::Store(error)) => {
                tracing::debug!(queue = self.queue, %error, "firing from SQL");
                self.turn_without_store().await
            }
        }
    }

    async fn woken(&self) {
        self.store.moved(&self.queue).await;
    }

    async fn stop(&self) {
        let done = self.with_state(|state| std::mem::take(&mut state.done));
        self.store.ack(&self.queue, &done).await.ok();
    }
}
