//! What a deployment chooses about learning.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

/// Bytes of a secret at least.
const SECRET: usize = 32;

/// How routing learns where tickets end up.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Learning {
    /// Whether it learns at all.
    pub enabled: bool,
    /// Hours from one model to the next.
    pub refit_hours: u64,
    /// Tickets that a group has had, before there is a first model.
    pub minimum_examples: u64,
    /// The latest tickets that a model is fitted on at most: bounds time and memory.
    pub most_examples: u64,
    /// Days after which a ticket counts half.
    pub half_life_days: f64,
    /// From this probability on a ticket goes to the likeliest group; below it to triage.
    pub confidence: f64,
    /// By how much a new model's wrong groups (as a share) and Brier score may exceed those of the
    /// one in force for it to take over.
    pub margin: f64,
    /// What is done when the group that a person chose first seems wrong.
    pub reroute: Reroute,
    /// From this probability of another group on it seems wrong.
    pub reroute_confidence: f64,
    /// Hours from one look at how often each agent passes tickets on to the next.
    pub chances_hours: u64,
    /// From which difference of the chance to resolve a ticket without a transfer on one agent goes
    /// before another; those whose chances are nearer count as equal, so that load decides. Above 1
    /// chances decide nothing.
    pub chance_tolerance: f64,
    /// Whether subject and first message are asked of intake, to learn from their words.
    pub words: bool,
    /// What words are hashed with. Empty: the installation makes its own and keeps it in the
    /// database.
    pub word_secret: WordSecret,
}

/// What is done about a first group that seems wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reroute {
    /// Nothing.
    Off,
    /// People are told.
    #[default]
    Suggest,
    /// The ticket goes to the other group, as long as nobody has begun.
    Automatic,
}

/// A secret that does not show itself.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct WordSecret(String);

impl WordSecret {
    /// This one.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WordSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "none" } else { "***" })
    }
}

impl Default for Learning {
    fn default() -> Self {
        Self {
            enabled: true,
            refit_hours: 24,
            minimum_examples: 200,
            most_examples: 30_000,
            half_life_days: crate::domain::learning::Settings::default().half_life_days,
            confidence: 0.5,
            margin: 0.01,
            reroute: Reroute::Suggest,
            reroute_confidence: 0.8,
            chances_hours: 6,
            chance_tolerance: 0.1,
            words: true,
            word_secret: WordSecret::default(),
        }
    }
}

impl Learning {
    /// What is wrong with it: keys within `routing` and descriptions.
    pub(super) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        for (key, share) in [
            ("learning.confidence", self.confidence),
            ("learning.reroute_confidence", self.reroute_confidence),
            ("learning.margin", self.margin),
        ] {
            if !(0.0..=1.0).contains(&share) {
                problems.push((key, format!("must be between 0 and 1, not {share}")));
            }
        }
        for (key, hours) in [
            ("learning.refit_hours", self.refit_hours),
            ("learning.chances_hours", self.chances_hours),
        ] {
            if !(1..=8_760).contains(&hours) {
                let problem = format!("must be between 1 and 8760, not {hours}");
                problems.push((key, problem));
            }
        }
        if !(0.0..=2.0).contains(&self.chance_tolerance) {
            let problem = format!("must be between 0 and 2, not {}", self.chance_tolerance);
            problems.push(("learning.chance_tolerance", problem));
        }
        if !(100..=200_000).contains(&self.most_examples) {
            let problem = format!("must be between 100 and 200000, not {}", self.most_examples);
            problems.push(("learning.most_examples", problem));
        }
        if !(1..=self.most_examples).contains(&self.minimum_examples) {
            let problem = format!(
                "must be between 1 and most_examples, not {}",
                self.minimum_examples
            );
            problems.push(("learning.minimum_examples", problem));
        }
        if !(0.1..=3_650.0).contains(&self.half_life_days) {
            let problem = format!("must be between 0.1 and 3650, not {}", self.half_life_days);
            problems.push(("learning.half_life_days", problem));
        }
        let length = self.word_secret.expose().len();
        if (1..SECRET).contains(&length) {
            let problem = format!("must be empty or at least {SECRET} bytes");
            problems.push(("learning.word_secret", problem));
        }
        problems
    }

    pub(crate) fn chances_every(&self) -> Duration {
        Duration::from_secs(self.chances_hours.saturating_mul(3_600))
    }

    pub(crate) fn refit_every(&self) -> Duration {
        Duration::from_secs(self.refit_hours.saturating_mul(3_600))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_out_of_range_is_named() {
        let learning = Learning {
            refit_hours: 0,
            minimum_examples: 0,
            most_examples: 1,
            half_life_days: f64::NAN,
            confidence: 1.1,
            margin: -0.1,
            reroute_confidence: f64::NAN,
            chances_hours: 0,
            chance_tolerance: -0.1,
            word_secret: WordSecret::new("short"),
            ..Learning::default()
        };
        assert_eq!(learning.problems().len(), 10);
        assert_eq!(Learning::default().problems(), []);
    }

    #[test]
    fn the_secret_does_not_show_itself() {
        let shown = format!(
            "{:?}",
            WordSecret::new("a secret that nobody is to read at all")
        );
        assert_eq!(shown, "***");
    }
}
