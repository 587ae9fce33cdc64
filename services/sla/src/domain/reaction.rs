//! What happens by itself when a clock warns or breaches.

use serde::{Deserialize, Serialize};

use super::alert_words::HandOn;
use super::clock::Transition;
use super::policy::PolicyContent;
use super::vocabulary::{Metric, Priority};

/// One reaction of a policy. At least one of its parts says something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// Whose clocks.
    pub metric: Metric,
    /// At the warning of this share, in percent; `None` for the breach.
    pub at: Option<u8>,
    /// The escalation policy by which an alert is opened.
    pub alert: Option<String>,
    /// The ticket's priority is at least this afterwards.
    pub raise_to: Option<Priority>,
    /// Hands the ticket on.
    pub hand_on: Option<HandedOn>,
}

/// How a ticket is handed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedOn {
    /// Which way.
    pub how: HandOn,
    /// To which group; `None` for the one that follows from the way.
    pub group: Option<String>,
}

impl PolicyContent {
    /// The reaction to what happened to a clock of `metric`.
    pub fn reaction(&self, metric: Metric, transition: Transition) -> Option<&Reaction> {
        let at = match transition {
            Transition::Warned(percent) => Some(percent),
            Transition::Breached => None,
            _ => return None,
        };
        let mut reactions = self.reactions.iter();
        reactions.find(|reaction| reaction.metric == metric && reaction.at == at)
    }
}
