//! Times that were measured: mean with an interval, and quantiles.

use std::time::Duration;

use lotse_clock::Timestamp;
use serde::Serialize;

/// Batches of the method of batch means: waits of neighbours depend on each other, means of long
/// batches hardly do (A. Law, "Simulation Modeling and Analysis", 5th ed., section 9.5.3).
const BATCHES: usize = 20;

/// How finely quantiles are told: within one percent.
const GROWTH: f64 = 1.01;

/// A figure with the 95 % interval of the method of batch means.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Interval {
    /// The figure.
    pub value: f64,
    /// Lower bound; absent where the batches allow none.
    pub low: Option<f64>,
    /// Upper bound.
    pub high: Option<f64>,
}

impl Interval {
    /// A figure with the spread of its batches.
    fn of(value: f64, batches: impl Iterator<Item = f64>) -> Self {
        let (mut n, mut sum, mut squares) = (0, 0.0, 0.0);
        for mean in batches {
            n += 1;
            sum += mean;
            squares += mean * mean;
        }
        let half =
            lotse_scores::mean(n, sum, squares).and_then(|mean| Some(mean.high? - mean.value));
        Self {
            value,
            low: half.map(|half| value - half),
            high: half.map(|half| value + half),
        }
    }
}

/// Times, in seconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Times {
    /// How many.
    pub n: u64,
    /// The mean.
    pub mean: Interval,
    /// The median.
    pub p50: f64,
    /// Nine in ten are at most this.
    pub p90: f64,
    /// 99 in a hundred are.
    pub p99: f64,
}

/// The span that is divided into batches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// Times as they are collected.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    n: u64,
    sum: f64,
    batches: [(u64, f64); BATCHES],
    bins: Vec<u64>,
}

impl Counted {
    /// Whether something that began at an instant counts.
    pub(super) fn has(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    fn batch(&self, at: Timestamp) -> usize {
        let whole = self.until.millis_since(self.from).max(1);
        let batches = i64::try_from(BATCHES).unwrap_or(1);
        let batch = at.millis_since(self.from).saturating_mul(batches) / whole;
        usize::try_from(batch).map_or(0, |batch| batch.min(BATCHES - 1))
    }
}

impl Sample {
    /// Adds the time of something that began at `from`.
    pub(super) fn add(&mut self, span: Duration, from: Timestamp, counted: Counted) {
        let seconds = span.as_secs_f64();
        self.n += 1;
        self.sum += seconds;
        let batch = &mut self.batches[counted.batch(from)];
        batch.0 += 1;
        batch.1 += seconds;
        let bin = bin(span);
        if self.bins.len() <= bin {
            self.bins.resize(bin + 1, 0);
        }
        self.bins[bin] += 1;
    }

    /// The figures.
    pub(super) fn times(&self) -> Times {
        Times {
            n: self.n,
            mean: Interval::of(self.mean(), self.means()),
            p50: self.quantile(0.5),
            p90: self.quantile(0.9),
            p99: self.quantile(0.99),
        }
    }

    /// How much longer these are on average than others of the same tickets; by pairs of batches,
    /// because what makes a batch of one long makes that of the other long too.
    pub(super) fn longer_than(&self, other: &Self) -> Interval {
        let pairs = self.batches.iter().zip(&other.batches);
        let both = pairs.filter(|(one, other)| one.0 > 0 && other.0 > 0);
        let longer = both.map(|(one, other)| one.1 / one.0 as f64 - other.1 / other.0 as f64);
        Interval::of(self.mean() - other.mean(), longer)
    }

    fn mean(&self) -> f64 {
        if self.n == 0 {
            return 0.0;
        }
        self.sum / self.n as f64
    }

    fn means(&self) -> impl Iterator<Item = f64> {
        let batches = self.batches.iter().filter(|(n, _)| *n > 0);
        batches.map(|(n, sum)| sum / *n as f64)
    }

    /// The least time that this share does not exceed, by nearest rank.
    fn quantile(&self, share: f64) -> f64 {
        let rank = (share * self.n as f64).ceil();
        let mut below = 0.0;
        for (bin, n) in self.bins.iter().enumerate() {
            below += *n as f64;
            if below >= rank && *n > 0 {
                return time_of(bin);
            }
        }
        0.0
    }
}

/// Bin 0 is no time at all; the others grow by one percent.
fn bin(span: Duration) -> usize {
    let millis = span.as_secs_f64() * 1_000.0;
    if millis < 1.0 {
        return 0;
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and small"
    )]
    let bin = (millis.ln() / GROWTH.ln()) as usize;
    bin + 1
}

fn time_of(bin: usize) -> f64 {
    if bin == 0 {
        return 0.0;
    }
    let bin = i32::try_from(bin).unwrap_or(i32::MAX);
    GROWTH.powi(bin - 1) * GROWTH.sqrt() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTED: Counted = Counted {
        from: Timestamp::EPOCH,
        until: Timestamp::from_millis(20_000),
    };

    #[test]
    fn quantiles_are_within_a_percent_and_the_mean_is_exact() {
        let mut sample = Sample::default();
        for second in 0..=100_u64 {
            let from = Timestamp::from_millis(i64::try_from(second).unwrap() * 199);
            sample.add(Duration::from_secs(second), from, COUNTED);
        }
        let times = sample.times();
        assert!((times.mean.value - 50.0).abs() < 1e-9);
        for (told, exact) in [(times.p50, 50.0), (times.p90, 90.0), (times.p99, 99.0)] {
            assert!((told / exact - 1.0_f64).abs() < 0.01, "{told} for {exact}");
        }
    }

    #[test]
    fn a_constant_difference_has_no_spread() {
        let (mut short, mut long) = (Sample::default(), Sample::default());
        for at in 0..200 {
            let from = Timestamp::from_millis(at * 100);
            let span = Duration::from_secs(u64::try_from(at % 17).unwrap());
            short.add(span, from, COUNTED);
            long.add(span + Duration::from_secs(5), from, COUNTED);
        }
        let longer = long.longer_than(&short);
        assert!((longer.low.unwrap() - 5.0).abs() < 1e-9, "{longer:?}");
        assert!((longer.high.unwrap() - 5.0).abs() < 1e-9, "{longer:?}");
    }
}
