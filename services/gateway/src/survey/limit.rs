//! How often somebody may ask.
//!
//! The generic cell rate algorithm (ITU-T I.371): per key one instant, the time at which the key
//! would be idle again. Keys are hashed into a fixed number of cells by a secret of the process,
//! so that no sender can make the table grow or choose whose cell to fill. Two keys that share a
//! cell share a quota; with a thousand busy keys that is one in 65 of them.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lotse_clock::SystemClock;

const CELLS: usize = 65_536;
const MINUTE: u64 = 60_000_000;

/// Limits each key to so many requests a minute, a third of them at once.
pub(super) struct Limiter {
    began: Instant,
    secret: RandomState,
    /// Microseconds since `began`.
    cells: Box<[AtomicU64]>,
    interval: u64,
    tolerance: u64,
}

impl Limiter {
    pub(super) fn new(per_minute: u32) -> Self {
        let per_minute = u64::from(per_minute.max(1));
        let interval = MINUTE / per_minute;
        let at_once = (per_minute / 3).max(1);
        Self {
            began: SystemClock.monotonic(),
            secret: RandomState::new(),
            cells: (0..CELLS).map(|_| AtomicU64::new(0)).collect(),
            interval,
            tolerance: (at_once - 1) * interval,
        }
    }

    /// Counts a request of `key`; refused, it says after which time one would pass.
    pub(super) fn take<K: Hash + ?Sized>(&self, key: &K) -> Result<(), Duration> {
        self.take_at(key, SystemClock.monotonic() - self.began)
    }

    fn take_at<K: Hash + ?Sized>(&self, key: &K, now: Duration) -> Result<(), Duration> {
        let now = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let hash = self.secret.hash_one(key);
        let cell = &self.cells[usize::try_from(hash % CELLS as u64).unwrap_or_default()];
        cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |idle_at| {
            let idle_at = idle_at.max(now);
            (idle_at - now <= self.tolerance).then(|| idle_at + self.interval)
        })
        .map(|_| ())
        .map_err(|idle_at| Duration::from_micros(idle_at.saturating_sub(now + self.tolerance)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_of_a_minutes_requests_pass_at_once_and_the_rest_in_pace() {
        let limiter = Limiter::new(30);
        let now = Duration::from_secs(100);
        for _ in 0..10 {
            assert_eq!(limiter.take_at("a", now), Ok(()));
        }
        assert_eq!(limiter.take_at("a", now), Err(Duration::from_secs(2)));
        assert_eq!(limiter.take_at("b", now), Ok(()), "keys are apart");
        let later = now + Duration::from_secs(2);
        assert_eq!(limiter.take_at("a", later), Ok(()));
        assert!(limiter.take_at("a", later).is_err());
    }

    #[test]
    fn refused_requests_do_not_prolong_the_wait() {
        let limiter = Limiter::new(3);
        let now = Duration::from_secs(1);
        assert_eq!(limiter.take_at("a", now), Ok(()));
        for _ in 0..5 {
            assert_eq!(limiter.take_at("a", now), Err(Duration::from_secs(20)));
        }
        assert_eq!(limiter.take_at("a", now + Duration::from_secs(20)), Ok(()));
    }
}
