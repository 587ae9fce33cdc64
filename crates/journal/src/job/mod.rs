//! The loop of one consumer on one replica: whose the buckets are, then a turn for each lane that
//! has something to read.

mod state;
mod turn;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::join_all;
use lotse_clock::SystemClock;
use lotse_supervise::{BoxError, Job, Step};
use sea_orm::DbErr;
use tokio::sync::Mutex;

use self::state::{Bucket, State};
use crate::bucket::BUCKETS;
use crate::consumer::{Consumer, ConsumerError};
use crate::cursor::{self, Cursor};
use crate::journal::Journal;
use crate::lease::{self, Change};

/// Reads the journal for one consumer. Made by [`Journal::consumer_job`].
pub(crate) struct ConsumerJob {
    name: String,
    journal: Journal,
    consumer: Arc<dyn Consumer>,
    state: Mutex<State>,
    /// Per bucket: a known end beyond this is work to do. For `woken`, which must not wait for a
    /// step. The largest number where there is never anything to do.
    read: [AtomicI64; BUCKETS as usize],
    leases_seen: AtomicU64,
}

impl ConsumerJob {
    pub(crate) fn new(journal: Journal, consumer: Arc<dyn Consumer>) -> Self {
        Self {
            name: format!("journal.{}", consumer.name()),
            journal,
            consumer,
            state: Mutex::default(),
            read: std::array::from_fn(|_| AtomicI64::new(i64::MAX)),
            leases_seen: AtomicU64::new(0),
        }
    }

    fn me(&self) -> &str {
        &self.journal.config().replica
    }

    /// Looks at the database: whose the buckets are, where they end. Once per poll interval, and
    /// when there is a reason.
    async fn refresh(&self, state: &mut State) -> Result<(), DbErr> {
        let now = SystemClock.monotonic();
        let generation = self.journal.heads().lease_generation();
        let news = self.leases_seen.swap(generation, Ordering::AcqRel) != generation;
        if !news && state.refresh_at.is_some_and(|at| now < at) {
            return Ok(());
        }
        let (db, name) = (self.journal.db(), self.consumer.name());
        // Read before the database is asked: what is known now it must tell, too.
        let hints = self.journal.heads().ends();
        let mut cursors = cursor::all(db.reader(), name).await?;
        if cursors.len() < usize::from(BUCKETS) {
            db.in_tx(|tx| async move { cursor::create(&tx, name).await })
                .await?;
            cursors = cursor::all(db.reader(), name).await?;
        }
        self.journal.found_cursors(name);
        let change = self.change(state, now, &cursors).await?;
        if !change.is_empty() {
            lease::carry_out(db, name, self.me(), &change).await?;
            tracing::info!(
                consumer = name,
                taken = change.take.len(),
                released = change.release.len(),
                "buckets changed hands"
            );
            cursors = cursor::all(db.reader(), name).await?;
            if !change.release.is_empty() {
                state.forget(&change.release);
                self.tell_the_others();
            }
        }
        self.report(&cursors);
        self.adopt(state, cursors, &hints);
        state.refresh_at = Some(now + self.journal.config().poll);
        Ok(())
    }

    async fn change(
        &self,
        state: &mut State,
        now: Instant,
        cursors: &[Cursor],
    ) -> Result<Change, DbErr> {
        let (db, name, config) = (
            self.journal.db(),
            self.consumer.name(),
            self.journal.config(),
        );
        if self.journal.is_exclusive() {
            return Ok(Change::everything(self.me(), cursors));
        }
        let wall = SystemClock.now();
        if state.renew_at.is_none_or(|at| now >= at) {
            let first = state.renew_at.is_none();
            lease::renew(db, name, self.me(), wall, config.lease).await?;
            state.renew_at = Some(now + config.lease / 3);
            if first {
                // They have to make room.
                self.tell_the_others();
            }
        }
        let live = lease::live(db.reader(), name, wall).await?;
        Ok(Change::share(self.me(), &live, cursors))
    }

    /// Announces that buckets are free or wanted. To this replica itself that is no news.
    fn tell_the_others(&self) {
        self.journal.leases_changed();
        self.leases_seen.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes over what the database says of this replica's buckets.
    fn adopt(&self, state: &mut State, cursors: Vec<Cursor>, hints: &[i64; BUCKETS as usize]) {
        let mut old = std::mem::take(&mut state.buckets);
        for cursor in cursors {
            if cursor.owner.as_deref() == Some(self.me()) {
                let before = old.remove(&cursor.bucket);
                let hint = hints[usize::from(cursor.bucket)];
                let bucket = Bucket::adopt(before.as_ref(), &cursor, hint);
                state.buckets.insert(cursor.bucket, bucket);
            }
        }
        if !old.is_empty() {
            let buckets = old.len();
            tracing::warn!(
                consumer = self.consumer.name(),
                buckets,
                "lost buckets to another"
            );
        }
        self.publish_read(state);
    }

    fn publish_read(&self, state: &State) {
        for bucket in 0..BUCKETS {
            let read = match state.buckets.get(&bucket) {
                Some(known) => known.read(),
                None => i64::MAX,
            };
            self.read[usize::from(bucket)].store(read, Ordering::Release);
        }
    }

    fn report(&self, cursors: &[Cursor]) {
        let consumer = self.consumer.name();
        let mine = || {
            let me = Some(self.me());
            cursors
                .iter()
                .filter(move |cursor| cursor.owner.as_deref() == me)
        };
        let lag: i64 = mine().map(|cursor| cursor.head - cursor.position).sum();
        let parked: i32 = mine().map(|cursor| cursor.parked).sum();
        let failing = mine().filter(|cursor| cursor.error.is_some()).count();
        metrics::gauge!("lotse_journal_lag_events", "consumer" => consumer).set(lag as f64);
        metrics::gauge!("lotse_journal_parked_events", "consumer" => consumer).set(parked);
        metrics::gauge!("lotse_journal_failing_buckets", "consumer" => consumer)
            .set(failing as f64);
        metrics::gauge!("lotse_journal_buckets", "consumer" => consumer).set(mine().count() as f64);
    }
}

#[async_trait]
impl Job for ConsumerJob {
    fn name(&self) -> &str {
        &self.name
    }

    async fn step(&self) -> Result<Step, BoxError> {
        let mut state = self.state.lock().await;
        self.refresh(&mut state).await?;
        if self
            .redrive(&mut state)
            .await
            .map_err(ConsumerError::into_source)?
        {
            return Ok(Step::Busy);
        }
        let ranges = state.ranges(
            self.journal.db().backend(),
            &self.journal.heads().ends(),
            SystemClock.monotonic(),
            self.journal.config().lanes_at_once,
        );
        if ranges.is_empty() {
            return Ok(Step::Idle { until: None });
        }
        let turns = {
            let state = &*state;
            join_all(ranges.into_iter().map(|range| self.turn(state, range))).await
        };
        let mut failed = None;
        let mut settled = Vec::new();
        for turn in turns {
            match turn {
                Ok(turn) => settled.push(turn),
                Err(error) => failed = Some(error),
            }
        }
        state.settle(settled);
        self.publish_read(&state);
        match failed {
            Some(error) => {
                state.refresh_at = None;
                Err(error.into_source())
            }
            None => Ok(Step::Busy),
        }
    }

    async fn woken(&self) {
        let heads = self.journal.heads();
        loop {
            let changed = heads.changed();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            let mut known = heads.ends().into_iter().zip(&self.read);
            let ahead = known.any(|(end, read)| end > read.load(Ordering::Acquire));
            let generation = self.leases_seen.load(Ordering::Acquire);
            if ahead || heads.lease_generation() != generation {
                return;
            }
            changed.await;
        }
    }

    fn poll_every(&self) -> Duration {
        self.journal.config().poll
    }

    async fn stop(&self) {
        let mut state = self.state.lock().await;
        *state = State::default();
        self.publish_read(&state);
        if self.journal.is_exclusive() {
            return;
        }
        let (db, name) = (self.journal.db(), self.consumer.name());
        match lease::retire(db, name, self.me()).await {
            Ok(()) => self.journal.leases_changed(),
            // Others take over when the lease runs out.
            Err(error) => tracing::warn!(consumer = name, %error, "leases were not released"),
        }
    }
}
