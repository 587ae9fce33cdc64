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
    /// Every problem of the configuration, each beginning with its key; empty when it is sound.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(0.0..=1.0).contains(&self.language_confidence) {
            problems.push("intake.language_confidence must be between 0 and 1".to_owned());
        }
        // A row has 29 parameters and SQLite takes 32,766 in one statement.
        if !(1..=1_000).contains(&self.group_tickets) {
            problems.push("intake.group_tickets must be between 1 and 1000".to_owned());
        }
        if self.group_wait_micros > 100_000 {
            problems.push("intake.group_wait_micros must be at most 100000".to_owned());
        }
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
        assert!(Config::default().problems().is_empty());
        let bad = Config {
            language_confidence: 1.5,
            group_tickets: 0,
            ..Config::default()
        };
        let problems = bad.problems();
        assert_eq!(problems.len(), 2);
        assert!(problems[0].starts_with("intake.language_confidence "));
    }
}
