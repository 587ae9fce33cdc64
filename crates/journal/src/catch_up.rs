//! Reading ahead of the consumer's own loop, inside another transaction.

use crate::batch::{self, Batch, BatchError, Portion};
use crate::bucket::BUCKETS;
use crate::consumer::{Consumer, ConsumerError};
use crate::journal::Journal;
use crate::trace::Spans;
use crate::tx::Tx;
use crate::{append, cursor};

impl Journal {
    /// Applies, in `tx`, what `consumer` has not yet read of `buckets`, and moves its cursors:
    /// for timers, which must know all that came in before they judge. Takes the cursor rows and
    /// the bucket locks, so nothing more is appended to these buckets until `tx` ends. Call it
    /// first in the transaction, and [`Consumer::committed`] after its commit. Returns the number
    /// of events applied.
    ///
    /// # Errors
    /// When an event cannot be applied: then the timer has to wait until the consumer's own loop
    /// has applied or parked it. Also when a bucket has stopped at an unknown kind.
    pub async fn catch_up(
        &self,
        tx: &Tx,
        consumer: &dyn Consumer,
        buckets: &[u8],
    ) -> Result<usize, ConsumerError> {
        let mut buckets: Vec<u8> = buckets.iter().copied().filter(|b| *b < BUCKETS).collect();
        buckets.sort_unstable();
        buckets.dedup();
        if buckets.is_empty() {
            return Ok(0);
        }
        let name = consumer.name();
        if !self.has_cursors(name) {
            // The consumer's loop has not run yet in this process; perhaps in none.
            cursor::create(tx, name).await?;
        }
        cursor::lock(tx, name, &buckets).await?;
        append::lock(tx, buckets.iter().copied()).await?;
        let limit = self.config().batch.max(1);
        let mut applied = 0;
        loop {
            let fetched = cursor::fetch_unread(tx, name, &buckets, limit).await?;
            let full = fetched.len() >= limit as usize;
            let portions = batch::portions(fetched);
            if let Some(stopped) = portions.iter().find(|portion| portion.unknown.is_some()) {
                return Err(unknown(stopped));
            }
            let batch = Batch::of(portions);
            if batch.moves.is_empty() {
                return Ok(applied);
            }
            applied += batch.events.len();
            apply(tx, consumer, &batch).await?;
            if !full {
                return Ok(applied);
            }
        }
    }
}

async fn apply(tx: &Tx, consumer: &dyn Consumer, batch: &Batch) -> Result<(), ConsumerError> {
    let name = consumer.name();
    let moved = cursor::advance(tx, name, &batch.moves).await?;
    if moved != batch.moves.len() as u64 {
        // Their rows are locked and were read after that.
        let error = "cursors moved under their lock";
        return Err(ConsumerError::other(error));
    }
    let spans = Spans::of(name, &batch.events);
    let tx = tx.on_behalf(batch::source(name, &batch.events, &spans));
    let seen = batch.moves.iter().map(|(seen, _)| seen);
    match batch::work(&tx, consumer, seen, &batch.events).await {
        Ok(()) => Ok(()),
        Err(BatchError::Failed(error)) => Err(error),
        Err(BatchError::Fenced) => Err(ConsumerError::other("fenced under the cursor's lock")),
    }
}

fn unknown(portion: &Portion) -> ConsumerError {
    let bucket = portion.seen.bucket;
    ConsumerError::other(format!(
        "bucket {bucket} has stopped at an event of a kind unknown to this program"
    ))
}
