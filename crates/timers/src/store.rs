//! What a timer store does.

use std::time::Duration;

use async_trait::async_trait;
use lotse_clock::Timestamp;

use crate::Entry;

/// An index of due rows, by queue (`sla.clocks`) and lane. Everything in it can be lost and armed
/// again from SQL; times are the caller's business time.
#[async_trait]
pub trait TimerStore: Send + Sync + 'static {
    /// Arms `entries` after the transaction that made them has committed; an entry replaces that
    /// of the generation before it. Whoever waits in [`TimerStore::moved`] wakes when something is
    /// now due earlier than all before. An error costs lateness only (the worker arms the lanes
    /// concerned again from SQL), so callers after a commit need not handle it.
    async fn arm(&self, queue: &str, entries: &[Entry]) -> Result<(), StoreError>;

    /// Arms those of `entries` that are not there; never moves one that is, nor ends its claim.
    async fn arm_missing(&self, queue: &str, entries: &[Entry]) -> Result<(), StoreError>;

    /// Removes the entries of these rows, of the given generation and of the one before it, so
    /// that a pause may name the row before or after its change. What is not there is passed over.
    async fn cancel(&self, queue: &str, entries: &[Entry]) -> Result<(), StoreError>;

    /// Takes up to `limit` entries of each lane that are due by `now`, earliest first, and hides
    /// them until `now + lease`: what is not acknowledged by then is handed out again.
    async fn claim(
        &self,
        queue: &str,
        now: Timestamp,
        limit: usize,
        lease: Duration,
    ) -> Result<Claim, StoreError>;

    /// As [`TimerStore::claim`], but may pass over lanes that by what this process has seen and
    /// heard hold nothing due: cheaper, and on time as long as messages arrive. All lanes are looked
    /// at within a second in any case. For the system clock, where that is soon.
    async fn claim_likely(
        &self,
        queue: &str,
        now: Timestamp,
        limit: usize,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        self.claim(queue, now, limit, lease).await
    }

    /// Removes claimed entries whose effect is committed. A later generation stays.
    async fn ack(&self, queue: &str, entries: &[Entry]) -> Result<(), StoreError>;

    /// The earliest due time, claims included (they are due again when their lease ends).
    async fn next_due(&self, queue: &str) -> Result<Option<Timestamp>, StoreError>;

    /// Number of entries, claims included.
    async fn count(&self, queue: &str) -> Result<u64, StoreError>;

    /// Returns when an entry may have become due earlier than [`TimerStore::next_due`] said. One
    /// that came while nobody waited is remembered. May never return while the store is away.
    async fn moved(&self, queue: &str);

    /// Announces that all of `lane` is about to be armed again from SQL.
    async fn begin_rearm(&self, queue: &str, lane: u8) -> Result<Rearm, StoreError>;

    /// Declares the lane complete. False when the store was lost again since
    /// [`TimerStore::begin_rearm`], or another worker was faster: the next claim tells which.
    async fn finish_rearm(&self, queue: &str, rearm: Rearm) -> Result<bool, StoreError>;

    /// Forgets everything of `queue`; its lanes then count as lost.
    async fn clear(&self, queue: &str) -> Result<(), StoreError>;
}

/// What a claim found, seen at one instant in each lane.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claim {
    /// Now the caller's until the lease ends.
    pub entries: Vec<Entry>,
    /// Lanes that do not hold all they should: the store was emptied, or arming failed. They are
    /// to be armed again from SQL.
    pub lost: Vec<u8>,
    /// The earliest due time of what was left.
    pub next_due: Option<Timestamp>,
}

/// A lane being armed again from SQL.
#[derive(Debug)]
pub struct Rearm {
    pub(crate) lane: u8,
    /// Known to this attempt only, so that a store emptied in between is noticed.
    pub(crate) token: u64,
    /// Failures to arm that had happened when it began; later ones are not healed by it.
    pub(crate) failures: u64,
}

/// Why a store did not do its work. Nothing is lost by it: SQL holds the truth.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Redis could not be reached, or refused.
    #[error("Redis at {address} failed the timers")]
    Redis {
        /// Host and port, without credentials.
        address: String,
        /// What the client said.
        #[source]
        source: redis::RedisError,
    },
    /// The configuration cannot work.
    #[error("timers: {0}")]
    Config(String),
    /// An entry of a lane that does not exist: a fault of the caller.
    #[error("row {row} has lane {lane}, there are only {}", crate::LANES)]
    NoSuchLane {
        /// The row.
        row: String,
        /// Its lane.
        lane: u8,
    },
}

/// Refuses entries of lanes that no claim would look at.
pub(crate) fn check_lanes(entries: &[Entry]) -> Result<(), StoreError> {
    match entries.iter().find(|entry| entry.lane >= crate::LANES) {
        Some(Entry { row, lane, .. }) => Err(StoreError::NoSuchLane {
            row: row.clone(),
            lane: *lane,
        }),
        None => Ok(()),
    }
}
