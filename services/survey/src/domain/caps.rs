//! Who is left alone: sampling and fatigue.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use lotse_clock::Timestamp;
use sha2::Sha256;

/// Across all surveys a requester is asked at most once in this time.
pub const FATIGUE: Duration = Duration::from_secs(7 * 86_400);

/// What is known of a requester when somebody wants to ask.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// When last asked anything.
    pub anything: Option<Timestamp>,
    /// When last asked this survey.
    pub this_survey: Option<Timestamp>,
}

/// Why a requester is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The ticket was solved without anybody human having answered.
    NoHumanReply,
    /// Not in the sample.
    SampledOut,
    /// Asked something else lately.
    Fatigue,
    /// Asked the same lately.
    AskedBefore,
    /// The survey is switched off.
    Inactive,
}

impl Skip {
    /// The code that is stored and journaled.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoHumanReply => "no_human_reply",
            Self::SampledOut => "sampled_out",
            Self::Fatigue => "fatigue",
            Self::AskedBefore => "asked_before",
            Self::Inactive => "inactive",
        }
    }
}

/// Whether the caps allow asking now.
pub fn check(asked: Asked, repeat_after: Duration, now: Timestamp) -> Option<Skip> {
    let lately = |last: Option<Timestamp>, cap| last.is_some_and(|last| now < last + cap);
    if lately(asked.this_survey, repeat_after) {
        Some(Skip::AskedBefore)
    } else if lately(asked.anything, FATIGUE) {
        Some(Skip::Fatigue)
    } else {
        None
    }
}

/// Whether a requester belongs to a sample of `share` (0 to 1) of a survey: always the same ones,
/// by a keyed hash of their id, and independent between surveys.
pub fn sampled(key: &[u8], survey_id: &str, requester_id: &str, share: f64) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key length"); // invariant: HMAC takes keys of any length
    mac.update(survey_id.as_bytes());
    mac.update(&[0]);
    mac.update(requester_id.as_bytes());
    let digest = mac.finalize().into_bytes();
    let head = digest
        .iter()
        .take(6)
        .fold(0_u64, |head, byte| head << 8 | u64::from(*byte));
    // 48 bits: exact in a double.
    (head as f64) / ((1_u64 << 48) as f64) < share
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(100 * 86_400_000);

    fn days_ago(days: u64) -> Option<Timestamp> {
        Some(NOW - Duration::from_secs(days * 86_400))
    }

    #[test]
    fn caps_end_to_the_millisecond() {
        let repeat = Duration::from_secs(30 * 86_400);
        let asked = |anything, this_survey| {
            check(
                Asked {
                    anything,
                    this_survey,
                },
                repeat,
                NOW,
            )
        };
        assert_eq!(asked(None, None), None);
        assert_eq!(asked(days_ago(6), None), Some(Skip::Fatigue));
        assert_eq!(asked(days_ago(7), None), None);
        assert_eq!(asked(days_ago(29), days_ago(29)), Some(Skip::AskedBefore));
        assert_eq!(asked(days_ago(30), days_ago(30)), None);
    }

    #[test]
    fn sampling_is_steady_and_takes_about_its_share() {
        let ids: Vec<_> = (0..4_000).map(|i| format!("req_{i}")).collect();
        let taken = |survey: &str, share| {
            ids.iter()
                .filter(|id| sampled(b"key", survey, id, share))
                .cloned()
                .collect::<Vec<_>>()
        };
        let first = taken("srv_a", 0.25);
        assert_eq!(first, taken("srv_a", 0.25));
        assert_ne!(first, taken("srv_b", 0.25));
        assert!((900..1_100).contains(&first.len()), "{}", first.len());
        assert!(first.iter().all(|id| sampled(b"key", "srv_a", id, 0.5)));
        assert_eq!(taken("srv_a", 1.0).len(), ids.len());
        assert!(taken("srv_a", 0.0).is_empty());
    }
}
