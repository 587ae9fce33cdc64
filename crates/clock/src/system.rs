use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::Timestamp;

/// The machine's own time, for leases, I/O deadlines and authentication. Never for business facts.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The machine's wall clock.
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    pub fn now(self) -> Timestamp {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::EPOCH + since_epoch
    }

    /// A clock that only goes forward, for measuring how long something took.
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that reads the monotonic clock"
    )]
    pub fn monotonic(self) -> Instant {
        Instant::now()
    }
}
