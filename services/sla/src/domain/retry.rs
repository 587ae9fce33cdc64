//! When to try again what did not arrive.

use std::time::Duration;

use lotse_clock::Timestamp;

/// How attempts follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The pause after the first attempt; it doubles with each further one.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// How long to go on.
    pub give_up_after: Duration,
}

impl Retry {
    /// When to make the attempt after the `attempts` that failed, the last of them at `now`; `None`
    /// to give up. The receiver's wish for a rest is granted, also beyond the longest pause.
    /// `jitter`, from 0 to 1, takes up to half of the pause away, so that what failed together does
    /// not come back together.
    pub fn next(
        &self,
        attempts: u32,
        since: Timestamp,
        now: Timestamp,
        asked: Option<Duration>,
        jitter: f64,
    ) -> Option<Timestamp> {
        let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
        let pause = self.first.saturating_mul(doubled).min(self.longest);
        let pause = pause.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0);
        let due = now + pause.max(asked.unwrap_or_default());
        (due <= since + self.give_up_after).then_some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry {
        first: Duration::from_secs(5),
        longest: Duration::from_secs(3_600),
        give_up_after: Duration::from_secs(86_400),
    };

    fn pause(attempts: u32, asked: Option<u64>, jitter: f64) -> u64 {
        let now = Timestamp::from_millis(1_000_000);
        let asked = asked.map(Duration::from_secs);
        let due = RETRY.next(attempts, now, now, asked, jitter).unwrap();
        due.since(now).as_millis() as u64
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_jitter_shortens_them() {
        assert_eq!(pause(1, None, 0.0), 5_000);
        assert_eq!(pause(2, None, 0.0), 10_000);
        assert_eq!(pause(10, None, 0.0), 2_560_000);
        assert_eq!(pause(11, None, 0.0), 3_600_000);
        assert_eq!(pause(u32::MAX, None, 0.0), 3_600_000);
        assert_eq!(pause(1, None, 1.0), 2_500);
    }

    #[test]
    fn a_receivers_wish_for_a_rest_is_granted() {
        assert_eq!(pause(1, Some(120), 0.5), 120_000);
        assert_eq!(pause(1, Some(7_200), 0.0), 7_200_000);
        assert_eq!(pause(11, Some(1), 0.0), 3_600_000);
    }

    #[test]
    fn attempts_end_with_their_day() {
        let since = Timestamp::EPOCH;
        let late = since + Duration::from_secs(86_395);
        assert!(RETRY.next(1, since, late, None, 0.0).is_some());
        assert_eq!(
            RETRY.next(1, since, late + Duration::from_millis(1), None, 0.0),
            None
        );
        let day = Some(Duration::from_secs(86_401));
        assert_eq!(RETRY.next(1, since, since, day, 0.0), None);
    }
}
