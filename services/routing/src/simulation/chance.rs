//! Chance, seeded: the same seed draws the same numbers, whatever routing does with them.

use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;

/// A source of chance: `SplitMix64` (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom
/// number generators", OOPSLA 2014).
///
/// Each thing that is drawn has a stream of its own, so that policies which decide differently
/// still meet the same tickets.
#[derive(Clone, Debug)]
pub(crate) struct Draws(u64);

impl Draws {
    /// The stream of one thing of one kind.
    pub(crate) fn of(seed: u64, kind: u64, thing: u64) -> Self {
        Self(mix(
            seed ^ mix(kind.wrapping_add(1) ^ mix(thing.wrapping_add(1)))
        ))
    }

    /// A number in `[0, 1)`.
    #[allow(clippy::cast_precision_loss, reason = "53 bits are exact")]
    pub(crate) fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        (mix(self.0) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// Exponentially distributed with mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        -(1.0 - self.share()).ln()
    }

    /// Normally distributed with mean 0 and variance 1 (G. Box, M. Muller, 1958).
    fn normal(&mut self) -> f64 {
        let radius = (2.0 * self.exponential()).sqrt();
        radius * (std::f64::consts::TAU * self.share()).cos()
    }
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// How long something lasts.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Lasts {
    /// Always the same.
    Fixed(SignedDuration),
    /// Exponentially distributed, with this mean.
    Exponential(SignedDuration),
    /// Log-normally distributed, as handling times usually are (L. Brown et al., "Statistical
    /// analysis of a telephone call center", JASA 100, 2005).
    LogNormal {
        /// The mean.
        mean: SignedDuration,
        /// The standard deviation.
        deviation: SignedDuration,
    },
    /// One of these, each as likely: measured ones.
    Listed(Vec<SignedDuration>),
}

impl Lasts {
    /// One of them.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index below the length of the list"
    )]
    pub(crate) fn draw(&self, draws: &mut Draws) -> Duration {
        let seconds = match self {
            Self::Fixed(span) => span.as_secs_f64(),
            Self::Exponential(mean) => mean.as_secs_f64() * draws.exponential(),
            Self::LogNormal { mean, deviation } => {
                let (mean, deviation) = (mean.as_secs_f64(), deviation.as_secs_f64());
                let variance = (1.0 + (deviation / mean).powi(2)).ln();
                (mean.ln() - variance / 2.0 + variance.sqrt() * draws.normal()).exp()
            }
            Self::Listed(spans) => {
                let at = (draws.share() * spans.len() as f64) as usize;
                spans.get(at).map_or(0.0, SignedDuration::as_secs_f64)
            }
        };
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }

    /// Why nothing can be drawn from it.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let positive = |span: &SignedDuration| span.is_positive();
        match self {
            Self::Fixed(span) => span.is_negative().then_some("must not be negative"),
            Self::Exponential(mean) => (!positive(mean)).then_some("must be above zero"),
            Self::LogNormal { mean, deviation } => (!positive(mean) || deviation.is_negative())
                .then_some("must have a mean above zero and a deviation that is not negative"),
            Self::Listed(spans) => (spans.is_empty()
                || spans.iter().any(SignedDuration::is_negative))
            .then_some("must list at least one, none of them negative"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(lasts: &Lasts) -> f64 {
        let mut draws = Draws::of(1, 2, 3);
        let total: f64 = (0..40_000)
            .map(|_| lasts.draw(&mut draws).as_secs_f64())
            .sum();
        total / 40_000.0
    }

    #[test]
    fn every_distribution_has_the_mean_it_is_named_by() {
        let minutes = SignedDuration::from_mins;
        let ten_minutes = [
            Lasts::Fixed(minutes(10)),
            Lasts::Exponential(minutes(10)),
            Lasts::LogNormal {
                mean: minutes(10),
                deviation: minutes(8),
            },
            Lasts::Listed(vec![minutes(5), minutes(15)]),
        ];
        for lasts in ten_minutes {
            let mean = mean(&lasts);
            assert!((588.0..612.0).contains(&mean), "{lasts:?}: {mean}");
            assert_eq!(lasts.fault(), None);
        }
    }

    #[test]
    fn streams_differ_and_repeat() {
        let first = |seed, kind, thing| Draws::of(seed, kind, thing).share();
        assert_eq!(first(1, 2, 3).to_bits(), first(1, 2, 3).to_bits());
        for other in [first(2, 2, 3), first(1, 3, 3), first(1, 2, 4)] {
            assert_ne!(first(1, 2, 3).to_bits(), other.to_bits());
        }
    }
}
