//! How late warnings and breaches are told: from the instant that was due to the commit.

use lotse_clock::Timestamp;

use crate::domain::{Change, Transition};

/// When what a batch tells was due.
#[derive(Debug, Default)]
pub struct Lags {
    warned: Vec<Timestamp>,
    breached: Vec<Timestamp>,
}

impl Lags {
    /// Those of these changes.
    pub(super) fn of(changes: &[(String, Change)]) -> Self {
        let mut lags = Self::default();
        for (_, change) in changes {
            match change.transition {
                Transition::Warned(_) => lags.warned.push(change.at),
                Transition::Breached => lags.breached.push(change.at),
                _ => {}
            }
        }
        lags
    }

    /// Measures them at `now`, after the commit.
    pub fn note(&self, now: Timestamp) {
        let lag = |due: &Timestamp| now.since(*due).as_secs_f64();
        if !self.warned.is_empty() {
            let lags = metrics::histogram!("lotse_sla_warning_lag_seconds");
            self.warned.iter().map(lag).for_each(|lag| lags.record(lag));
        }
        if !self.breached.is_empty() {
            let lags = metrics::histogram!("lotse_sla_breach_lag_seconds");
            self.breached
                .iter()
                .map(lag)
                .for_each(|lag| lags.record(lag));
        }
    }
}
