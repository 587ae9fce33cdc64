//! Chance, seeded: the same seed throws the same numbers.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

/// A source of chance.
pub(crate) struct Dice(StdRng);

impl Dice {
    /// The `nth` source of a seed. Each has a stream of its own, so that what is drawn for one
    /// ticket does not depend on what was drawn for others.
    pub(crate) fn new(seed: u64, nth: u64) -> Self {
        // The golden ratio's bits spread neighbours apart; the generator does the rest.
        Self(StdRng::seed_from_u64(
            seed ^ nth.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        ))
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.0.random_bool(probability.clamp(0.0, 1.0))
    }

    /// One of them.
    ///
    /// # Panics
    /// When there are none.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        of.choose(&mut self.0).expect("something to choose from") // invariant: callers pass constant, non-empty lists
    }

    /// One of them, by weight.
    ///
    /// # Panics
    /// When there are none.
    pub(crate) fn weigh<T: Copy>(&mut self, of: &[(T, u32)]) -> T {
        let total: u32 = of.iter().map(|(_, weight)| weight).sum();
        let mut left = self.0.random_range(0..total);
        for (one, weight) in of {
            if left < *weight {
                return *one;
            }
            left -= weight;
        }
        unreachable!("less than the sum of all weights") // invariant: `left` starts below the sum
    }

    /// Minutes from `least` to `most`, more often few than many.
    pub(crate) fn minutes(&mut self, least: f64, most: f64) -> Duration {
        let share: f64 = self.0.random_range(0.0..1.0);
        minutes(least + (most - least) * share * share)
    }

    /// The time until the next of events that come independently, `per_hour` on average.
    pub(crate) fn gap(&mut self, per_hour: f64) -> Duration {
        let share: f64 = self.0.random_range(0.0..1.0);
        minutes(-(1.0 - share).ln() * 60.0 / per_hour)
    }

    /// A number in `[least, most]`.
    pub(crate) fn number(&mut self, least: u64, most: u64) -> u64 {
        self.0.random_range(least..=most)
    }
}

/// So many minutes, in whole milliseconds, as business time counts.
pub(crate) fn minutes(minutes: f64) -> Duration {
    Duration::from_secs_f64(minutes * 60.0).max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_kept_about() {
        let mut dice = Dice::new(1, 1);
        let often = (0..1_000)
            .filter(|_| dice.weigh(&[(true, 3), (false, 1)]))
            .count();
        assert!((700..800).contains(&often), "{often}");
    }

    #[test]
    fn gaps_average_to_the_rate() {
        let mut dice = Dice::new(1, 2);
        let total: Duration = (0..2_000).map(|_| dice.gap(12.0)).sum();
        let mean = total.as_secs_f64() / 2_000.0;
        assert!((270.0..330.0).contains(&mean), "{mean} seconds");
    }
}
