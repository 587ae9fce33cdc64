//! Sends what is in the outbox.
//!
//! A step claims what is due and sets it off; the attempts go on while the job waits, so that a
//! receiver that hangs holds up its own notices and nobody else's. What has landed is settled by the
//! next step: delivered, put off, or dead. A process that dies in between leaves a claim that runs
//! out, and another sends the same notice again under the same id.
//!
//! Attempts never touch the database: they rest while a step works, and what rests must not hold a
//! connection that the step waits for.
//!
//! Where time is not real (a demo, a replay) nothing is sent: every notice is delivered to a sink
//! within the step that finds it.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use lotse_clock::{BusinessClock, SystemClock, Timestamp};
use lotse_db::Db;
use lotse_supervise::{BoxError, Job, Step};
use tokio::sync::Notify;

use crate::config::Notifications;
use crate::courier::{Attempt, Courier};
use crate::notification::State;
use crate::store::deliveries;
use crate::store::notification_targets;

/// What a claim has beyond the time of an attempt: for settling it.
const SETTLING: Duration = Duration::from_secs(30);
/// How often old rows are removed and the outbox is measured.
const CHORES_EVERY: Duration = Duration::from_secs(15);
/// Rows removed at once.
const PRUNED: u64 = 1_000;

/// Tells the job that there may be something to send: after the commit of what put it in. A wake-up
/// that is lost costs a second, but on a manual clock.
#[derive(Clone, Default)]
pub struct Wake(Arc<Woken>);

#[derive(Default)]
struct Woken {
    notify: Notify,
    /// On a manual clock: whether nothing can be due, so that a step need not ask.
    asleep: AtomicBool,
}

impl Wake {
    /// Says so.
    pub fn wake(&self) {
        self.0.asleep.store(false, Ordering::SeqCst);
        self.0.notify.notify_one();
    }
}

/// The job.
pub struct Outbox {
    db: Db,
    clock: BusinessClock,
    courier: Arc<Courier>,
    wake: Wake,
    limits: Limits,
    flights: tokio::sync::Mutex<Flights>,
    chores_at: Mutex<Option<Instant>>,
}

struct Limits {
    at_once: usize,
    per_target: usize,
    claim: Duration,
    keep_delivered: Duration,
    keep_dead: Duration,
}

/// Attempts under way.
#[derive(Default)]
struct Flights {
    under_way: FuturesUnordered<BoxFuture<'static, Attempt>>,
    /// Over, and not yet settled.
    landed: Vec<Attempt>,
    /// How many of both to each target.
    busy: BTreeMap<String, usize>,
    /// Targets that asked to be left alone, until when.
    held: BTreeMap<String, Timestamp>,
}

impl Flights {
    fn set_off(&mut self, target_id: String, attempt: BoxFuture<'static, Attempt>) {
        *self.busy.entry(target_id).or_default() += 1;
        self.under_way.push(attempt);
    }

    /// Takes note of what has landed.
    fn land(&mut self) {
        while let Some(Some(attempt)) = self.under_way.next().now_or_never() {
            self.landed.push(attempt);
        }
    }

    /// Waits until all have landed.
    async fn land_all(&mut self) {
        while let Some(attempt) = self.under_way.next().await {
            self.landed.push(attempt);
        }
    }

    /// Forgets what has been settled.
    fn settled(&mut self, now: Timestamp) {
        for attempt in self.landed.drain(..) {
            let target_id = attempt.claimed.target_id;
            if let Some(count) = self.busy.get_mut(&target_id) {
                *count -= 1;
                if *count == 0 {
                    self.busy.remove(&target_id);
                }
            }
            if let Some(rest) = attempt
                .outcome
                .err()
                .and_then(|failure| failure.retry_after)
            {
                self.held.insert(target_id, now + rest);
            }
        }
    }
}

impl Outbox {
    /// The outbox in `db`, sent from by `courier`.
    pub fn new(
        db: Db,
        clock: BusinessClock,
        courier: Arc<Courier>,
        wake: Wake,
        config: &Notifications,
    ) -> Self {
        let seconds = Duration::from_secs;
        Self {
            db,
            clock,
            courier,
            wake,
            limits: Limits {
                at_once: config.at_once,
                per_target: config.per_target,
                claim: seconds(config.timeout_seconds) + SETTLING,
                keep_delivered: seconds(config.keep_delivered_seconds),
                keep_dead: seconds(config.keep_dead_seconds),
            },
            flights: tokio::sync::Mutex::default(),
            chores_at: Mutex::default(),
        }
    }

    /// Claims what is due and sets it off; whether there was any.
    async fn set_off(&self, flights: &mut Flights, now: Timestamp) -> Result<bool, BoxError> {
        flights.held.retain(|_, until| *until > now);
        let held: Vec<String> = flights.held.keys().cloned().collect();
        let under_way = flights.under_way.len() + flights.landed.len();
        let free = self.limits.at_once.saturating_sub(under_way);
        if free == 0 {
            return Ok(false);
        }
        let (reader, per_target) = (self.db.reader(), self.limits.per_target);
        let due = deliveries::due(reader, now, &flights.busy, &held, per_target, free).await?;
        if due.is_empty() {
            return Ok(false);
        }
        let until = now + self.limits.claim;
        let due = &due;
        let claim = self.db.in_tx(|tx| async move {
            let claimed = deliveries::claim(&tx, due, now, until).await?;
            let ids: Vec<&str> = claimed.iter().map(|one| one.target_id.as_str()).collect();
            let targets = notification_targets::load(&tx, &ids).await?;
            Ok::<_, sea_orm::DbErr>((claimed, targets))
        });
        let (claimed, targets) = claim.await?;
        let worked = !claimed.is_empty();
        for one in claimed {
            let target = targets.iter().find(|row| row.id == one.target_id).cloned();
            let (courier, target_id) = (self.courier.clone(), one.target_id.clone());
            let attempt = async move { courier.attempt(one, target).await };
            flights.set_off(target_id, attempt.boxed());
        }
        Ok(worked)
    }

    /// Keeps what came of the attempts that have landed; whether there were any. What cannot be kept
    /// now is kept by a later step.
    async fn settle(&self, flights: &mut Flights, now: Timestamp) -> Result<bool, BoxError> {
        if flights.landed.is_empty() {
            return Ok(false);
        }
        let landed = &flights.landed;
        let settle = self.db.in_tx(|tx| async move {
            let mut settled = Vec::with_capacity(landed.len());
            for attempt in landed {
                settled.push(self.courier.settle(&tx, attempt, now).await?);
            }
            Ok::<_, sea_orm::DbErr>(settled)
        });
        for (attempt, settled) in landed.iter().zip(settle.await?) {
            attempt.tell(settled);
        }
        flights.settled(now);
        Ok(true)
    }

    /// Removes what is old and measures the outbox, now and then; whether there is more to remove.
    async fn chores(&self, now: Timestamp) -> Result<bool, BoxError> {
        let started = SystemClock.monotonic();
        let last = *self
            .chores_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| started.duration_since(last) < CHORES_EVERY) {
            return Ok(false);
        }
        let (delivered, dead) = (
            now - self.limits.keep_delivered,
            now - self.limits.keep_dead,
        );
        let prune = self.db.in_tx(|tx| async move {
            let gone = deliveries::prune(&tx, State::Delivered, delivered, PRUNED).await?;
            Ok::<_, sea_orm::DbErr>(gone + deliveries::prune(&tx, State::Dead, dead, PRUNED).await?)
        });
        if prune.await? >= PRUNED {
            return Ok(true);
        }
        let depth = deliveries::depth(self.db.reader()).await?;
        let oldest = depth
            .oldest
            .map_or(Duration::ZERO, |since| now.since(since));
        metrics::gauge!("lotse_sla_deliveries_waiting").set(depth.waiting as f64);
        metrics::gauge!("lotse_sla_deliveries_oldest_seconds").set(oldest.as_secs_f64());
        metrics::gauge!("lotse_sla_dead_letters").set(depth.dead as f64);
        *self
            .chores_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(started);
        Ok(false)
    }

    /// When to look again; on a manual clock also whether to look at all before something is said.
    async fn next(
        &self,
        flights: &mut Flights,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, BoxError> {
        let reader = self.db.reader();
        let due = deliveries::next_due(reader, now).await?;
        if self.clock.is_manual() && due.is_none() && !notification_targets::any(reader).await? {
            self.wake.0.asleep.store(true, Ordering::SeqCst);
        }
        Ok(due.into_iter().chain(flights.held.values().copied()).min())
    }
}

#[async_trait]
impl Job for Outbox {
    fn name(&self) -> &str {
        "sla.deliveries"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        if self.wake.0.asleep.load(Ordering::SeqCst) {
            return Ok(Step::Idle { until: None });
        }
        let now = self.clock.now();
        let mut flights = self.flights.lock().await;
        flights.land();
        let settled = self.settle(&mut flights, now).await?;
        let set_off = self.set_off(&mut flights, now).await?;
        if self.courier.is_sink() {
            // Nobody is waited for, so they land at once.
            flights.land_all().await;
        }
        if settled || set_off || self.chores(now).await? {
            return Ok(Step::Busy);
        }
        let until = self.next(&mut flights, now).await?;
        Ok(Step::Idle { until })
    }

    async fn woken(&self) {
        let landing = async {
            let mut flights = self.flights.lock().await;
            match flights.under_way.next().await {
                Some(attempt) => flights.landed.push(attempt),
                None => pending().await,
            }
        };
        tokio::select! {
            () = self.wake.0.notify.notified() => {}
            () = landing => {}
        }
    }

    /// Waits for the attempts under way and settles them: each would cost a repetition.
    async fn stop(&self) {
        let mut flights = self.flights.lock().await;
        flights.land_all().await;
        if let Err(error) = self.settle(&mut flights, self.clock.now()).await {
            tracing::warn!(%error, "the last attempts could not be settled, and will be repeated");
        }
    }
}
