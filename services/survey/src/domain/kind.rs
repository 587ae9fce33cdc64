//! The three kinds of survey and their scales.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use lotse_scores::Histogram;

const DAY: Duration = Duration::from_secs(86_400);

/// What a survey asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Customer satisfaction: "How satisfied are you?", 1 to 5.
    Csat,
    /// Customer effort score 2.0: "… made it easy for me", 1 to 7.
    Ces,
    /// Net promoter score: "How likely would you recommend us?", 0 to 10.
    Nps,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Csat, Self::Ces, Self::Nps];

    /// The name of the kind, as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csat => "csat",
            Self::Ces => "ces",
            Self::Nps => "nps",
        }
    }

    /// The scale's id, stored with every answer.
    pub const fn scale(self) -> &'static str {
        match self {
            Self::Csat => "csat_1_5",
            Self::Ces => "ces_1_7",
            Self::Nps => "nps_0_10",
        }
    }

    /// The lowest and the highest score.
    pub const fn range(self) -> (i32, i32) {
        match self {
            Self::Csat => (1, 5),
            Self::Ces => (1, 7),
            Self::Nps => (0, 10),
        }
    }

    /// Whether `score` is on the scale.
    pub const fn allows(self, score: i32) -> bool {
        let (lowest, highest) = self.range();
        lowest <= score && score <= highest
    }

    /// An empty histogram of the scale.
    pub fn histogram(self) -> Histogram {
        let (lowest, highest) = self.range();
        Histogram::new(lowest, highest)
    }

    /// The lowest score that counts as good: 4 of 5, 5 of 7; the net promoter score has none.
    pub const fn good_from(self) -> Option<i32> {
        match self {
            Self::Csat => Some(4),
            Self::Ces => Some(5),
            Self::Nps => None,
        }
    }

    /// How long a requester is left alone after being asked the same, unless the survey says.
    pub const fn repeat_after(self) -> Duration {
        match self {
            Self::Csat | Self::Ces => DAY.saturating_mul(30),
            Self::Nps => DAY.saturating_mul(90),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A stored kind that nobody wrote.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a kind of survey")]
pub struct UnknownKind(String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_on_the_scale_exactly_when_the_histogram_takes_it() {
        for kind in Kind::ALL {
            for score in -2..=12 {
                assert_eq!(
                    kind.allows(score),
                    kind.histogram().add(score, 1),
                    "{kind} {score}"
                );
            }
            assert_eq!(kind.as_str().parse::<Kind>().ok(), Some(kind));
        }
    }
}
