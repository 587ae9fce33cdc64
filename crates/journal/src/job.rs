//! The loop of one consumer on one replica.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::join_all;
use lotse_clock::SystemClock;
use lotse_supervise::{BoxError, Job, Step};
use sea_orm::{DbBackend, DbErr};
use tokio::sync::Mutex;

use crate::batch::{self, Batch, BatchError, Portion};
use crate::bucket::{BUCKETS, LANES, buckets_of};
use crate::consumer::{Consumer, ConsumerError};
use crate::cursor::{self, Cursor, Range, Seen};
use crate::event::{Entry, Recorded};
use crate::journal::Journal;
use crate::lease::{self, Change};
use crate::parked::{self, Park};

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

#[derive(Default)]
struct State {
    buckets: BTreeMap<u8, Bucket>,
    /// When to look at the database whatever is known; `None` for now.
    refresh_at: Option<Instant>,
    renew_at: Option<Instant>,
    /// SQLite reads many buckets at once; this is where to begin, so that none starves.
    begin: u8,
}

/// A bucket that this replica reads.
#[derive(Debug, Clone)]
struct Bucket {
    position: i64,
    epoch: i64,
    parked: i32,
    redrive: bool,
    /// Its end as the database last told.
    head: i64,
    /// Its end as this process knows it, when the database told otherwise: a hint that is wrong.
    wrong_hint: i64,
    /// Up to here events are applied one by one, because one of them fails.
    one_by_one: i64,
    /// Not before then: the next event has just failed.
    retry_at: Option<Instant>,
    /// The next event is of a kind unknown here.
    stopped: bool,
}

/// What became of a lane's turn.
#[derive(Default)]
struct Turn {
    moved: Vec<(u8, i64)>,
    one_by_one: Vec<(u8, i64)>,
    retry: Vec<(u8, Option<Instant>)>,
    stopped: Vec<u8>,
    /// Something is not as it was thought to be.
    stale: bool,
    /// Where the fetch was cut off by its limit.
    cut_at: Option<u8>,
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
                self.journal.leases_changed();
            }
            // What was announced just now is no news to this replica.
            let generation = self.journal.heads().lease_generation();
            self.leases_seen.store(generation, Ordering::Release);
        }
        self.report(&cursors);
        self.adopt(state, cursors);
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
                // The others have to make room.
                self.journal.leases_changed();
            }
        }
        let live = lease::live(db.reader(), name, wall).await?;
        Ok(Change::share(self.me(), &live, cursors))
    }

    fn adopt(&self, state: &mut State, cursors: Vec<Cursor>) {
        let heads = self.journal.heads();
        let mut old = std::mem::take(&mut state.buckets);
        for cursor in cursors {
            if cursor.owner.as_deref() != Some(self.me()) {
                continue;
            }
            let before = old
                .remove(&cursor.bucket)
                .filter(|before| before.epoch == cursor.epoch);
            let moved = before
                .as_ref()
                .is_none_or(|b| b.position != cursor.position);
            let hint = heads.end(cursor.bucket);
            state.buckets.insert(
                cursor.bucket,
                Bucket {
                    position: cursor.position,
                    epoch: cursor.epoch,
                    parked: cursor.parked,
                    redrive: cursor.redrive,
                    head: cursor.head,
                    wrong_hint: if hint > cursor.head { hint } else { 0 },
                    one_by_one: match &before {
                        Some(before) => before.one_by_one,
                        // Somebody's attempts have failed here: find the culprit at once.
                        None if cursor.attempts > 0 => cursor.position + 1,
                        None => 0,
                    },
                    retry_at: before.as_ref().filter(|_| !moved).and_then(|b| b.retry_at),
                    stopped: before.as_ref().is_some_and(|b| b.stopped && !moved),
                },
            );
        }
        for bucket in old.keys() {
            tracing::warn!(consumer = self.consumer.name(), bucket, "lost a bucket");
        }
        self.publish_read(state);
    }

    fn publish_read(&self, state: &State) {
        for bucket in 0..BUCKETS {
            let read = match state.buckets.get(&bucket) {
                Some(known) if !known.stopped && known.retry_at.is_none() => {
                    known.position.max(known.wrong_hint)
                }
                _ => i64::MAX,
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

    /// Ranges of buckets with something to do: lanes on PostgreSQL, everything on SQLite, where
    /// there is one writer anyway.
    fn ranges(&self, state: &State, now: Instant) -> Vec<Range> {
        let heads = self.journal.heads();
        let ready = |bucket: &u8| {
            state
                .buckets
                .get(bucket)
                .is_some_and(|known| known.is_ready(heads.end(*bucket), now))
        };
        if self.journal.db().backend() == DbBackend::Sqlite {
            let first = (state.begin..BUCKETS)
                .find(ready)
                .or_else(|| (0..state.begin).find(ready));
            let last = BUCKETS - 1;
            return first
                .map(|first| Range { first, last })
                .into_iter()
                .collect();
        }
        let lanes = (0..LANES)
            .map(buckets_of)
            .filter(|lane| lane.clone().any(|b| ready(&b)));
        // The lanes take turns too.
        let (before, after): (Vec<_>, Vec<_>) = lanes.partition(|lane| *lane.end() < state.begin);
        after
            .into_iter()
            .chain(before)
            .take(self.journal.config().lanes_at_once.max(1))
            .map(|lane| Range {
                first: *lane.start(),
                last: *lane.end(),
            })
            .collect()
    }

    async fn turn(&self, state: &State, range: Range) -> Result<Turn, ConsumerError> {
        let (config, name) = (self.journal.config(), self.consumer.name());
        let now = SystemClock.monotonic();
        let fetched =
            cursor::fetch(self.journal.db(), name, self.me(), range, config.batch).await?;
        let mut turn = Turn::default();
        if fetched.len() >= config.batch as usize {
            turn.cut_at = fetched.last().map(|(seen, _)| seen.bucket);
        }
        let mut together = Vec::new();
        let mut alone = Vec::new();
        for portion in batch::portions(fetched) {
            let bucket = portion.seen.bucket;
            let Some(known) = state.buckets.get(&bucket) else {
                turn.stale = true;
                continue;
            };
            turn.stale |= known.epoch != portion.seen.epoch;
            if known.epoch != portion.seen.epoch || known.is_waiting(now) {
                continue;
            }
            if portion.to == portion.seen.position {
                self.stop_at(&portion, &mut turn).await?;
            } else if portion.seen.position < known.one_by_one {
                alone.push(portion.first());
            } else {
                together.push(portion);
            }
        }
        if together.is_empty() && alone.is_empty() {
            turn.stale |= turn.stopped.is_empty();
            return Ok(turn);
        }
        let ends: Vec<(u8, i64)> = together.iter().map(|p| (p.seen.bucket, p.to)).collect();
        // With nobody else in the batch there is nothing to search for.
        if let ([only], true) = (&together[..], alone.is_empty())
            && only.events.len() == 1
        {
            alone.append(&mut together);
        }
        let batch = Batch::of(together);
        if !batch.moves.is_empty() {
            match batch::apply(&self.journal, &*self.consumer, &batch).await {
                Ok(()) => turn.moved.extend(ends),
                Err(BatchError::Fenced) => turn.stale = true,
                Err(BatchError::Failed(error)) if error.is_passing() => return Err(error),
                Err(BatchError::Failed(error)) => {
                    tracing::warn!(consumer = name, %error, "a batch failed; applying it one by one");
                    turn.one_by_one.extend(ends);
                }
            }
        }
        for portion in alone {
            self.apply_alone(portion, &mut turn).await?;
        }
        Ok(turn)
    }

    /// Applies the one event of `portion`, and counts its failures.
    async fn apply_alone(&self, portion: Portion, turn: &mut Turn) -> Result<(), ConsumerError> {
        let (seen, to) = (portion.seen, portion.to);
        let batch = Batch::of([portion]);
        match batch::apply(&self.journal, &*self.consumer, &batch).await {
            Ok(()) => turn.moved.push((seen.bucket, to)),
            Err(BatchError::Fenced) => turn.stale = true,
            Err(BatchError::Failed(error)) if error.is_passing() => return Err(error),
            Err(BatchError::Failed(error)) => {
                let Some(event) = batch.events.first() else {
                    return Err(error);
                };
                self.failed(&seen, event, &error.to_string(), turn).await?;
            }
        }
        Ok(())
    }

    async fn failed(
        &self,
        seen: &Seen,
        event: &Recorded,
        error: &str,
        turn: &mut Turn,
    ) -> Result<(), ConsumerError> {
        let (config, consumer) = (self.journal.config(), self.consumer.name());
        let attempts = seen.attempts + 1;
        let event_id = event.reference();
        metrics::counter!("lotse_journal_failures_total", "consumer" => consumer).increment(1);
        if attempts < config.attempts {
            tracing::warn!(
                consumer,
                event = event_id,
                attempts,
                error,
                "an event failed"
            );
            let error = batch::shortened(error);
            let db = self.journal.db();
            db.in_tx(|tx| {
                let error = &error;
                async move { cursor::note_failure(&tx, consumer, seen, attempts, error).await }
            })
            .await?;
            // On a manual clock nothing may happen before this event, so there is no time to wait.
            let pause = config.retry * 2_u32.saturating_pow(seen.attempts.unsigned_abs());
            let later = SystemClock.monotonic() + pause.min(Duration::from_secs(60));
            let retry_at = (!self.journal.clock().is_manual()).then_some(later);
            turn.one_by_one.push((seen.bucket, event.position));
            turn.retry.push((seen.bucket, retry_at));
            return Ok(());
        }
        tracing::error!(
            consumer,
            event = event_id,
            attempts,
            error,
            "an event is parked"
        );
        let park = Park {
            event,
            error,
            attempts,
        };
        match batch::park(&self.journal, consumer, seen, park).await {
            Ok(()) => turn.moved.push((seen.bucket, event.position)),
            Err(BatchError::Fenced) => turn.stale = true,
            Err(BatchError::Failed(error)) => return Err(error),
        }
        metrics::counter!("lotse_journal_parked_total", "consumer" => consumer).increment(1);
        Ok(())
    }

    /// The next event of a bucket is of a kind that this program must not pass over.
    async fn stop_at(&self, portion: &Portion, turn: &mut Turn) -> Result<(), ConsumerError> {
        let Some((position, kind)) = portion.unknown else {
            return Ok(());
        };
        let (consumer, bucket) = (self.consumer.name(), portion.seen.bucket);
        let error = format!("event {bucket}:{position} is of kind {kind}, unknown to this program");
        tracing::error!(
            consumer,
            error,
            "a bucket stopped; a newer program has to read it"
        );
        let db = self.journal.db();
        db.in_tx(|tx| {
            let error = &error;
            async move { cursor::note_failure(&tx, consumer, &portion.seen, 0, error).await }
        })
        .await?;
        turn.stopped.push(bucket);
        Ok(())
    }

    /// Tries one parked event again, if it was asked for. Returns whether there was one.
    async fn redrive(&self, state: &mut State) -> Result<bool, ConsumerError> {
        let Some((&bucket, known)) = state.buckets.iter().find(|(_, known)| known.redrive) else {
            return Ok(false);
        };
        let (db, name) = (self.journal.db(), self.consumer.name());
        let seen = known.seen(bucket);
        let next = parked::next_redrive(db.reader(), name, bucket).await?;
        let outcome = match &next {
            None => {
                db.in_tx(|tx| async move { parked::redriven(&tx, name, bucket).await })
                    .await?;
                Ok(())
            }
            Some((Entry::Known(event), ..)) => {
                batch::redrive(&self.journal, &*self.consumer, &seen, event).await
            }
            Some(_) => {
                let error = "of a kind unknown to this program";
                Err(BatchError::Failed(ConsumerError::other(error)))
            }
        };
        match (outcome, next) {
            (Ok(()) | Err(BatchError::Fenced), _) => {}
            (Err(BatchError::Failed(error)), Some((entry, key, attempts))) => {
                if error.is_passing() {
                    return Err(error);
                }
                tracing::warn!(consumer = name, key, %error, "a redrive failed");
                let text = batch::shortened(&error.to_string());
                let place = entry.place();
                db.in_tx(|tx| {
                    let (key, text) = (&key, &text);
                    async move {
                        cursor::lock(&tx, name, &[bucket]).await?;
                        parked::keep(&tx, name, place, key, attempts + 1, text).await
                    }
                })
                .await?;
            }
            (Err(BatchError::Failed(error)), None) => return Err(error),
        }
        // What the cursor says of parked events has changed.
        state.refresh_at = None;
        Ok(true)
    }

    fn settle_turns(&self, state: &mut State, turns: Vec<Turn>) {
        for turn in turns {
            for (bucket, position) in turn.moved {
                if let Some(known) = state.buckets.get_mut(&bucket) {
                    known.position = position;
                    known.retry_at = None;
                }
            }
            for (bucket, until) in turn.one_by_one {
                if let Some(known) = state.buckets.get_mut(&bucket) {
                    known.one_by_one = known.one_by_one.max(until);
                }
            }
            for (bucket, at) in turn.retry {
                if let Some(known) = state.buckets.get_mut(&bucket) {
                    known.retry_at = at;
                }
            }
            for bucket in turn.stopped {
                if let Some(known) = state.buckets.get_mut(&bucket) {
                    known.stopped = true;
                }
            }
            if turn.stale {
                state.refresh_at = None;
            }
            if let Some(bucket) = turn.cut_at {
                state.begin = (bucket + 1) % BUCKETS;
            }
        }
        self.publish_read(state);
    }
}

impl Bucket {
    fn seen(&self, bucket: u8) -> Seen {
        Seen {
            bucket,
            position: self.position,
            epoch: self.epoch,
            parked: self.parked,
            attempts: 0,
        }
    }

    fn is_waiting(&self, now: Instant) -> bool {
        self.stopped || self.retry_at.is_some_and(|at| now < at)
    }

    fn is_ready(&self, hint: i64, now: Instant) -> bool {
        let behind = hint > self.position.max(self.wrong_hint) || self.head > self.position;
        behind && !self.is_waiting(now)
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
        let ranges = self.ranges(&state, SystemClock.monotonic());
        if ranges.is_empty() {
            return Ok(Step::Idle { until: None });
        }
        if let Some(last) = ranges.last() {
            state.begin = (last.last + 1) % BUCKETS;
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
        self.settle_turns(&mut state, settled);
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
            let ahead = (0..BUCKETS).any(|bucket| {
                heads.end(bucket) > self.read[usize::from(bucket)].load(Ordering::Acquire)
            });
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
