//! Hears what the service measures of itself, every single sample.

use std::sync::{Arc, Mutex, PoisonError};

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

/// What is listened for, and what lines of it begin with.
const HEARD: [(&str, &str); 2] = [
    ("lotse_sla_breach_lag_seconds", "breach-lag"),
    ("lotse_sla_warning_lag_seconds", "warning-lag"),
];

/// A recorder of two histograms, whole; it takes no note of anything else.
#[derive(Clone, Default)]
pub(super) struct Ear {
    samples: [Arc<Samples>; 2],
}

#[derive(Default)]
struct Samples(Mutex<Vec<f64>>);

impl Ear {
    /// Lines of at most a hundred samples in milliseconds, each behind the name of what they are.
    pub(super) fn lines(&self) -> String {
        let mut lines = String::new();
        for ((_, name), samples) in HEARD.iter().zip(&self.samples) {
            let samples = samples.0.lock().unwrap_or_else(PoisonError::into_inner);
            for some in samples.chunks(100) {
                let some: Vec<String> =
                    some.iter().map(|s| format!("{:.0}", s * 1_000.0)).collect();
                lines += &format!("{name} {}\n", some.join(" "));
            }
        }
        lines
    }

    /// The samples in a line of [`Ear::lines`]: whether they are of breaches, in milliseconds.
    pub(super) fn read(line: &str) -> Option<(bool, Vec<f64>)> {
        let (name, samples) = line.split_once(' ')?;
        let index = HEARD.iter().position(|(_, known)| *known == name)?;
        let samples = samples.split(' ').map(str::parse).collect::<Result<_, _>>();
        Some((index == 0, samples.ok()?))
    }
}

impl HistogramFn for Samples {
    fn record(&self, value: f64) {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        samples.push(value);
    }
}

impl Recorder for Ear {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let heard = HEARD.iter().position(|(name, _)| *name == key.name());
        heard.map_or_else(Histogram::noop, |index| {
            Histogram::from_arc(self.samples[index].clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_heard_and_nothing_else() {
        let ear = Ear::default();
        metrics::with_local_recorder(&ear, || {
            metrics::histogram!("lotse_sla_breach_lag_seconds").record(0.003);
            metrics::histogram!("lotse_sla_warning_lag_seconds").record(0.004);
            metrics::histogram!("lotse_sla_breach_lag_seconds").record(1.0);
            metrics::histogram!("another").record(9.0);
        });
        let heard: Vec<_> = ear.lines().lines().filter_map(Ear::read).collect();
        assert_eq!(heard, [(true, vec![3.0, 1_000.0]), (false, vec![4.0])]);
    }
}
