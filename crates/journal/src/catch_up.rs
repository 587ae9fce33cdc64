//! Reading ahead of the consumer's own loop, inside another transaction.
//!
//! Who judges by what has been read must not be overtaken by what comes in meanwhile. Locking the
//! buckets from the first look to the commit would do, but then a transaction holds a bucket while
//! it waits for domain rows that others hold while they wait for the bucket. So nothing is locked
//! against newcomers until the end: when the buckets are locked for appending anyway, one look
//! tells whether anything about the keys that were judged has come in, and if so the transaction is
//! run again. That is rare: it takes an event of the very same key within a few milliseconds.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use crate::batch::{self, Batch, BatchError, Portion};
use crate::bucket::bucket_of;
use crate::consumer::{Consumer, ConsumerError};
use crate::cursor;
use crate::journal::Journal;
use crate::sql::{Values, statement};
use crate::trace::Spans;
use crate::tx::Tx;

/// What a transaction judges by.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    keys: Vec<String>,
    /// Up to where the keys' buckets have been read.
    read: BTreeMap<u8, i64>,
}

impl Journal {
    /// Applies, in `tx`, what `consumer` has not yet read of the buckets of `keys`, and moves its
    /// cursors: for timers, which must know all that came in before they judge. If by the end of
    /// `tx` anything more has come in about one of `keys`, `tx` is rolled back and run again. Call
    /// it first in the transaction, before any row is locked, and [`Consumer::committed`] after its
    /// commit. Returns the number of events applied.
    ///
    /// # Errors
    /// When an event cannot be applied: then the timer has to wait until the consumer's own loop
    /// has applied or parked it. Also when a bucket has stopped at an unknown kind.
    pub async fn catch_up(
        &self,
        tx: &Tx,
        consumer: &dyn Consumer,
        keys: &[&str],
    ) -> Result<usize, ConsumerError> {
        let mut buckets: Vec<u8> = keys.iter().map(|key| bucket_of(key)).collect();
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
        let mut judged = Judged {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            read: cursor::lock(tx, name, &buckets).await?,
        };
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
            let ends = batch.moves.iter().map(|(seen, to)| (seen.bucket, *to));
            judged.read.extend(ends);
            if !batch.moves.is_empty() {
                applied += batch.events.len();
                apply(tx, consumer, &batch).await?;
            }
            if batch.moves.is_empty() || !full {
                tx.judges(judged);
                return Ok(applied);
            }
        }
    }
}

impl Judged {
    /// The buckets that must stand still while it is checked whether this still holds.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = u8> {
        self.read.keys().copied()
    }

    /// Whether more has come in about what was judged. The buckets are locked.
    pub(crate) async fn is_overtaken(&self, conn: &impl ConnectionTrait) -> Result<bool, DbErr> {
        if conn.get_database_backend() != DbBackend::Postgres || self.read.is_empty() {
            return Ok(false);
        }
        let mut values = Values::default();
        let tuples: Vec<String> = self
            .read
            .iter()
            .map(|(bucket, read)| {
                let bucket = values.push(i16::from(*bucket));
                format!("({bucket}, {})", values.push(*read))
            })
            .collect();
        let keys: Vec<String> = self
            .keys
            .iter()
            .map(|key| values.push(key.as_str()))
            .collect();
        // LATERAL with a limit keeps the planner at one index range per bucket.
        let sql = format!(
            "WITH r (bucket, read) AS (VALUES {}) SELECT 1 FROM r CROSS JOIN LATERAL \
             (SELECT i.key FROM journal AS i WHERE i.bucket = r.bucket AND i.position > r.read \
             LIMIT {}) AS j WHERE j.key IN ({}) LIMIT 1",
            tuples.join(", "),
            i64::from(u32::MAX),
            keys.join(", ")
        );
        let found = conn
            .query_one_raw(statement(conn, sql, values.take()))
            .await?;
        Ok(found.is_some())
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
