//! What can be chosen about intake.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::lifecycle::Rules;

/// The configuration of intake.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Seconds a solved ticket waits before it closes itself; 0 turns that off. Changes apply to
    /// tickets solved from then on.
    pub close_after_seconds: u64,
    /// Days after a solution within which the same request counts as a repeat.
    pub repeat_window_days: u32,
    /// Confidence, 0 to 1, below which a detected language is not believed.
    pub language_confidence: f64,
    /// Most tickets created in one transaction.
    pub group_tickets: usize,
    /// Most bytes of text created in one transaction (one larger ticket goes alone).
    pub group_bytes: usize,
    /// How long, in microseconds, a transaction waits for company while others are arriving.
    pub group_wait_micros: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            close_after_seconds: 4 * 24 * 60 * 60,
            repeat_window_days: 14,
            language_confidence: 0.8,
            group_tickets: 256,
            group_bytes: 4 * 1024 * 1024,
            group_wait_micros: 1_000,
        }
    }
}

impl Config {
    /// Every problem of the configuration, with the key it is under; empty when it is sound.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let mut require = |holds: bool, key, problem: &str| {
            if !holds {
                problems.push((key, problem.to_owned()));
            }
        };
        let share = (0.0..=1.0).contains(&self.language_confidence);
        require(share, "language_confidence", "must be between 0 and 1");
        // A row has 29 parameters, and SQLite takes 32,766 in one statement.
        let tickets = (1..=1_000).contains(&self.group_tickets);
        require(tickets, "group_tickets", "must be between 1 and 1000");
        let wait = self.group_wait_micros <= 100_000;
        require(wait, "group_wait_micros", "must be at most 100000");
        problems
    }

    pub(crate) fn rules(&self) -> Rules {
        let wait = self.close_after_seconds;
        Rules {
            close_after: (wait > 0).then(|| Duration::from_secs(wait)),
        }
    }

    pub(crate) fn repeat_window(&self) -> Duration {
        Duration::from_secs(u64::from(self.repeat_window_days) * 24 * 60 * 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_by_its_key() {
        assert_eq!(Config::default().problems(), []);
        let bad = Config {
            language_confidence: f64::NAN,
            group_tickets: 0,
            group_wait_micros: 1_000_000,
            ..Config::default()
        };
        let keys: Vec<_> = bad.problems().into_iter().map(|(key, _)| key).collect();
        assert_eq!(
            keys,
            ["language_confidence", "group_tickets", "group_wait_micros"]
        );
    }
}
