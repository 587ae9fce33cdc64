//! One turn of a consumer in a lane: fetch, apply, and what happens when that fails.

use std::time::{Duration, Instant};

use lotse_clock::SystemClock;

use super::ConsumerJob;
use super::state::State;
use crate::batch::{self, Batch, BatchError, Portion};
use crate::consumer::ConsumerError;
use crate::cursor::{self, Range, Seen};
use crate::event::{Entry, Recorded};
use crate::parked::{self, Park};

/// Longest pause between two attempts at an event.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// What became of a lane's turn.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) moved: Vec<(u8, i64)>,
    pub(super) one_by_one: Vec<(u8, i64)>,
    pub(super) retry: Vec<(u8, Option<Instant>)>,
    pub(super) stopped: Vec<u8>,
    /// Something is not as it was thought to be.
    pub(super) stale: bool,
    /// Where the fetch was cut off by its limit.
    pub(super) cut_at: Option<u8>,
}

impl ConsumerJob {
    /// Reads on in `range`.
    pub(super) async fn turn(&self, state: &State, range: Range) -> Result<Turn, ConsumerError> {
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
            let later = SystemClock.monotonic() + pause.min(LONGEST_RETRY);
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
    pub(super) async fn redrive(&self, state: &mut State) -> Result<bool, ConsumerError> {
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
}
