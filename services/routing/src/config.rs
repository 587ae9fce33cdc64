//! What a deployment chooses about routing.

mod learning;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

pub use learning::{Learning, Reroute, WordSecret};

use crate::domain::channel::PerChannel;
use crate::domain::codes::Channel;
use crate::domain::item::Policy;
use crate::domain::offer::Handling;
use crate::domain::weight::Weight;

/// Steps of load beyond which nobody tells them apart.
const MOST_LOAD_STEPS: u8 = 100;

/// The heaviest ticket, in thousandths.
const MAX_WEIGHT: i64 = 1_000_000;

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
    /// In how many equal steps agents are told apart by the share of their capacity that is taken,
    /// before chance and fit count: whoever is a step lower goes first. 1 to 100; with 1 what they
    /// hold counts only between agents who fit alike.
    pub load_steps: u8,
    /// How it learns where tickets end up.
    pub learning: Learning,
    /// Days for which decisions of tickets that are done are kept; 0 for ever.
    pub keep_decisions_days: u32,
    /// Days for which it is kept what every agent was like at any decision, so that the case of
    /// whoever did not get the ticket can be told too; 0 for ever.
    pub keep_agents_days: u32,
    /// What a ticket of a channel takes of an agent's capacity, in thousandths of a ticket: 1 to
    /// 1,000,000. Channels that are not named take 1,000. Agents may weigh them differently.
    pub channel_weights: BTreeMap<String, i64>,
    /// Channels whose tickets are given without asking the agent. Groups may differ.
    pub auto_accept: Vec<String>,
    /// Seconds in which an agent answers an offer, at least 1. Groups may differ.
    pub offer_timeout_seconds: u64,
    /// Seconds that a solved ticket goes on taking room of its agent. Groups may differ.
    pub wrap_up_seconds: u64,
    /// Minutes after its solution in which a reopened ticket goes back to the agent who had it.
    /// Groups may differ.
    pub same_agent_minutes: u64,
    /// Seconds after everybody declined a ticket until it may be offered to them again; 0 for
    /// never. Groups may differ.
    pub offer_again_seconds: u64,
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
            load_steps: 1,
            learning: Learning::default(),
            keep_decisions_days: 1_095,
            keep_agents_days: 180,
            channel_weights: BTreeMap::new(),
            auto_accept: ["email", "web", "api"].map(str::to_owned).into(),
            offer_timeout_seconds: 30,
            wrap_up_seconds: 0,
            same_agent_minutes: 7 * 24 * 60,
            offer_again_seconds: 0,
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
        let mut problems: Vec<_> = out_of_range
            .map(|(key, share)| (*key, format!("must be between 0 and 1, not {share}")))
            .chain(self.learning.problems())
            .collect();
        let channels = self
            .channel_weights
            .keys()
            .map(|name| ("channel_weights", name));
        let channels = channels.chain(self.auto_accept.iter().map(|name| ("auto_accept", name)));
        let unknown = channels.filter(|(_, name)| name.parse::<Channel>().is_err());
        problems.extend(unknown.map(|(key, name)| (key, format!("{name:?} is no channel"))));
        let weights = self.channel_weights.iter();
        let extreme = weights.filter(|(_, weight)| !(1..=MAX_WEIGHT).contains(*weight));
        problems.extend(extreme.map(|(name, weight)| {
            let range = format!("{name} must be between 1 and {MAX_WEIGHT}, not {weight}");
            ("channel_weights", range)
        }));
        if !(1..=MOST_LOAD_STEPS).contains(&self.load_steps) {
            let range = format!(
                "must be between 1 and {MOST_LOAD_STEPS}, not {}",
                self.load_steps
            );
            problems.push(("load_steps", range));
        }
        if self.offer_timeout_seconds == 0 {
            problems.push(("offer_timeout_seconds", "must be at least 1".to_owned()));
        }
        problems
    }

    pub(crate) fn policy(&self) -> Policy {
        #[allow(clippy::cast_precision_loss, reason = "a thousand")]
        let ticket = Weight::TICKET.thousandths() as f64;
        #[allow(clippy::cast_possible_truncation, reason = "between 0 and a thousand")]
        let paused = (self.pending_share.clamp(0.0, 1.0) * ticket).round() as i64;
        Policy {
            paused: Weight::from_thousandths(paused),
            weights: PerChannel::of(|channel| {
                let weight = self.channel_weights.get(channel.as_str());
                weight.map_or(Weight::TICKET, |weight| Weight::from_thousandths(*weight))
            }),
            handling: self.handling(),
            recorded: self.mode == Mode::Recorded,
            certain_from: self.language_confidence,
        }
    }

    fn handling(&self) -> Handling {
        let channels = self.auto_accept.iter();
        let again = self.offer_again_seconds;
        Handling {
            offer_timeout: Duration::from_secs(self.offer_timeout_seconds),
            auto_accept: channels.filter_map(|name| name.parse().ok()).collect(),
            wrap_up: Duration::from_secs(self.wrap_up_seconds),
            same_agent_window: Duration::from_secs(self.same_agent_minutes.saturating_mul(60)),
            offer_again_after: (again > 0).then(|| Duration::from_secs(again)),
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
    fn channels_that_do_not_exist_and_weights_of_nothing_are_named() {
        let config = Config {
            channel_weights: [("chat".to_owned(), 0), ("fax".to_owned(), 1_000)].into(),
            auto_accept: vec!["mail".to_owned()],
            offer_timeout_seconds: 0,
            ..Config::default()
        };
        let keys: Vec<_> = config.problems().into_iter().map(|(key, _)| key).collect();
        let weights = "channel_weights";
        assert_eq!(
            keys,
            [weights, "auto_accept", weights, "offer_timeout_seconds"]
        );
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
