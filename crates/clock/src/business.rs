use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::{SystemClock, Timestamp};

/// The longest a sleeper on the system clock trusts its timer before it looks at the wall clock
/// again: a machine's clock can be stepped while it sleeps.
const RECHECK: Duration = Duration::from_secs(1);

/// The clock that stamps events and decides what is due.
///
/// Cloning is cheap and clones share the same time.
#[derive(Clone)]
pub struct BusinessClock(Kind);

#[derive(Clone)]
enum Kind {
    System(SystemClock),
    Manual(Arc<watch::Sender<Timestamp>>),
    /// Milliseconds that the machine's wall clock is off by.
    Stepped(SystemClock, Arc<AtomicI64>),
}

/// Why a clock could not be set.
#[derive(Debug, PartialEq, Eq)]
pub enum ClockError {
    /// The system clock is not ours to set.
    NotManual,
    /// Time only goes forward: the clock stands at the first instant, the second was asked for.
    Backwards(Timestamp, Timestamp),
}

impl fmt::Display for ClockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotManual => f.write_str("the system clock cannot be set"),
            Self::Backwards(now, asked) => {
                write!(f, "the clock stands at {now} and cannot go back to {asked}")
            }
        }
    }
}

impl std::error::Error for ClockError {}

impl BusinessClock {
    /// The machine's wall clock.
    pub fn system() -> Self {
        Self(Kind::System(SystemClock))
    }

    /// A clock that stands at `start` until it is [set](Self::set).
    pub fn manual(start: Timestamp) -> Self {
        Self(Kind::Manual(Arc::new(watch::Sender::new(start))))
    }

    /// A machine's wall clock that somebody steps while the machine runs, by as many milliseconds
    /// as `off` says: to show what that does.
    pub fn stepped(off: Arc<AtomicI64>) -> Self {
        Self(Kind::Stepped(SystemClock, off))
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::System(clock) => clock.now(),
            Kind::Manual(now) => *now.borrow(),
            Kind::Stepped(clock, off) => {
                Timestamp::from_millis(clock.now().as_millis() + off.load(Ordering::SeqCst))
            }
        }
    }

    /// Whether this clock is driven by hand.
    pub fn is_manual(&self) -> bool {
        matches!(self.0, Kind::Manual(_))
    }

    /// Moves a manual clock to `to` and wakes whoever sleeps until then.
    ///
    /// # Errors
    /// When the clock is the system's, or `to` lies before the present.
    pub fn set(&self, to: Timestamp) -> Result<(), ClockError> {
        let Kind::Manual(sender) = &self.0 else {
            return Err(ClockError::NotManual);
        };
        let mut refused = None;
        sender.send_if_modified(|now| {
            if to < *now {
                refused = Some(ClockError::Backwards(*now, to));
            }
            let moves = to > *now;
            if moves {
                *now = to;
            }
            moves
        });
        refused.map_or(Ok(()), Err)
    }

    /// Returns once the clock shows `until` or later.
    pub async fn sleep_until(&self, until: Timestamp) {
        match &self.0 {
            Kind::System(_) | Kind::Stepped(..) => loop {
                let left = until.since(self.now());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(RECHECK)).await;
            },
            Kind::Manual(sender) => {
                // An error means that the sender is gone, which `self` rules out.
                let _ = sender.subscribe().wait_for(|now| *now >= until).await;
            }
        }
    }
}

impl fmt::Debug for BusinessClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_manual() { "manual" } else { "system" };
        write!(f, "BusinessClock({kind}, {})", self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn manual_clock_wakes_sleepers_when_it_is_set() {
        let clock = BusinessClock::manual(Timestamp::EPOCH);
        let due = Timestamp::from_millis(1_000);
        let sleeper = clock.sleep_until(due);
        tokio::pin!(sleeper);
        clock.set(Timestamp::from_millis(999)).unwrap();
        assert!(futures_pending(sleeper.as_mut()).await);
        clock.set(due).unwrap();
        sleeper.await;
        assert_eq!(clock.now(), due);
    }

    /// Whether a future is still waiting after one poll.
    async fn futures_pending(future: impl Future<Output = ()>) -> bool {
        tokio::select! { biased; () = future => false, () = std::future::ready(()) => true }
    }

    #[test]
    fn manual_clock_refuses_to_go_back() {
        let clock = BusinessClock::manual(Timestamp::from_millis(10));
        let back = Timestamp::from_millis(9);
        assert_eq!(
            clock.set(back),
            Err(ClockError::Backwards(clock.now(), back))
        );
        assert_eq!(clock.now(), Timestamp::from_millis(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleeper_notices_a_clock_that_is_stepped() {
        let off = Arc::new(AtomicI64::new(0));
        let clock = BusinessClock::stepped(off.clone());
        let until = clock.now() + Duration::from_secs(3_600);
        let sleeper = clock.sleep_until(until);
        tokio::pin!(sleeper);
        assert!(futures_pending(sleeper.as_mut()).await);
        off.store(3_600_000, Ordering::SeqCst);
        sleeper.await;
        assert!(clock.now() >= until);
        off.store(-3_600_000, Ordering::SeqCst);
        assert!(clock.now() < until);
    }

    #[test]
    fn system_clock_cannot_be_set() {
        let clock = BusinessClock::system();
        assert_eq!(clock.set(Timestamp::MAX), Err(ClockError::NotManual));
    }
}
