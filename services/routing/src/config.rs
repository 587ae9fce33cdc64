//! What a deployment chooses about routing.

mod learning;

use std::time::Duration;

use serde::Deserialize;

pub use learning::{Learning, Reroute, WordSecret};

use crate::domain::item::Policy;
use crate::domain::weight::Weight;

/// What can be configured.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether routing assigns by itself.
    pub mode: Mode,
    /// How much of a ticket's room it takes while the requester's or a third party's answer is
    /// awaited: 0 (none) to 1 (all).
    pub pending_share: f64,
    /// Seconds without a heartbeat after which an agent goes offline; 0 for never.
    pub heartbeat_ttl_seconds: u64,
    /// From this confidence on a detected language is a requirement: 0 to 1.
    pub language_confidence: f64,
    /// Whether whoever transfers a ticket must say something to whoever gets it. An escalation
    /// always needs a summary.
    pub transfer_summary: bool,
    /// How it learns where tickets end up.
    pub learning: Learning,
    /// Days for which decisions of tickets that are done are kept; 0 for ever.
    pub keep_decisions_days: u32,
    /// Days for which it is kept what every agent was like at any decision, so that the case of
    /// whoever did not get the ticket can be told too; 0 for ever.
    pub keep_agents_days: u32,
}

/// Whether routing assigns by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Waiting tickets are given to agents.
    #[default]
    Automatic,
    /// Only what callers command is done: for replaying a history.
    Recorded,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: Mode::Automatic,
            pending_share: 1.0,
            heartbeat_ttl_seconds: 90,
            language_confidence: 0.8,
            transfer_summary: false,
            learning: Learning::default(),
            keep_decisions_days: 1_095,
            keep_agents_days: 180,
        }
    }
}

impl Config {
    /// What is wrong with it: keys and descriptions; nothing when all is well.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let shares = [
            ("pending_share", self.pending_share),
            ("language_confidence", self.language_confidence),
        ];
        let out_of_range = shares
            .iter()
            .filter(|(_, share)| !(0.0..=1.0).contains(share));
        out_of_range
            .map(|(key, share)| (*key, format!("must be between 0 and 1, not {share}")))
            .chain(self.learning.problems())
            .collect()
    }

    pub(crate) fn policy(&self) -> Policy {
        #[allow(clippy::cast_precision_loss, reason = "a thousand")]
        let ticket = Weight::TICKET.thousandths() as f64;
        #[allow(clippy::cast_possible_truncation, reason = "between 0 and a thousand")]
        let paused = (self.pending_share.clamp(0.0, 1.0) * ticket).round() as i64;
        Policy {
            paused: Weight::from_thousandths(paused),
            recorded: self.mode == Mode::Recorded,
            certain_from: self.language_confidence,
        }
    }

    pub(crate) fn heartbeat_ttl(&self) -> Option<Duration> {
        let seconds = self.heartbeat_ttl_seconds;
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_out_of_range_are_named() {
        let config = Config {
            pending_share: 1.5,
            language_confidence: f64::NAN,
            ..Config::default()
        };
        let keys: Vec<_> = config.problems().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["pending_share", "language_confidence"]);
        assert_eq!(Config::default().problems(), []);
    }

    #[test]
    fn a_pending_share_is_exact_in_thousandths() {
        let config = Config {
            pending_share: 0.29,
            ..Config::default()
        };
        assert_eq!(config.policy().paused.thousandths(), 290);
    }
}
