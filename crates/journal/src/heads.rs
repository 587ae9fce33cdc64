//! What this process knows of the ends of the buckets.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::bucket::BUCKETS;

/// The last known position of each bucket: a hint that shortens the wait, never the truth. It only
/// grows. A transaction of this process raises it right after its commit, so where there is one
/// process it is exact.
#[derive(Debug)]
pub(crate) struct Heads {
    ends: [AtomicI64; BUCKETS as usize],
    /// Counts the news of appended events.
    raised: AtomicU64,
    /// Counts what was heard of replicas coming and going.
    leases: AtomicU64,
    changed: Notify,
}

impl Heads {
    pub(crate) fn new() -> Self {
        Self {
            ends: std::array::from_fn(|_| AtomicI64::new(0)),
            raised: AtomicU64::new(0),
            leases: AtomicU64::new(0),
            changed: Notify::new(),
        }
    }

    /// By bucket.
    pub(crate) fn ends(&self) -> [i64; BUCKETS as usize] {
        std::array::from_fn(|bucket| self.ends[bucket].load(Ordering::Acquire))
    }

    /// Raises the ends and wakes whoever waits, if that is news.
    pub(crate) fn raise(&self, ends: &[(u8, i64)]) {
        let mut news = false;
        for (bucket, position) in ends {
            if let Some(end) = self.ends.get(usize::from(*bucket)) {
                news |= end.fetch_max(*position, Ordering::AcqRel) < *position;
            }
        }
        if news {
            self.raised.fetch_add(1, Ordering::AcqRel);
            self.changed.notify_waiters();
        }
    }

    /// Changes whenever something was appended.
    pub(crate) fn generation(&self) -> u64 {
        self.raised.load(Ordering::Acquire)
    }

    /// Replicas came or went.
    pub(crate) fn leases_changed(&self) {
        self.leases.fetch_add(1, Ordering::AcqRel);
        self.changed.notify_waiters();
    }

    /// Changes whenever replicas came or went.
    pub(crate) fn lease_generation(&self) -> u64 {
        self.leases.load(Ordering::Acquire)
    }

    /// Completes at the next change after it was enabled or first polled.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }
}
