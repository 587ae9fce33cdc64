//! Offers: an agent is asked before they get a ticket, and how groups handle what they get.

use std::collections::BTreeSet;
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, DecisionId, OfferId};
use serde::{Deserialize, Serialize};

use super::channel::ChannelSet;
use super::codes::Channel;

/// A ticket that an agent is asked to take. While it lasts it holds room of the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// The offer.
    pub(crate) id: OfferId,
    /// Who is asked.
    pub(crate) agent: AgentId,
    /// When it runs out unless it is answered.
    pub(crate) expires_at: Timestamp,
    /// The how-manieth offer of the ticket this is, from 1.
    pub(crate) attempt: u32,
    /// The decision that chose the agent.
    pub(crate) decision: DecisionId,
}

/// An offer that was accepted, as its item remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Accepted {
    id: OfferId,
    agent: AgentId,
    /// In milliseconds since the epoch.
    expires_at: i64,
    attempt: u32,
    decision: DecisionId,
}

impl From<&Offer> for Accepted {
    fn from(offer: &Offer) -> Self {
        Self {
            id: offer.id.clone(),
            agent: offer.agent.clone(),
            expires_at: offer.expires_at.as_millis(),
            attempt: offer.attempt,
            decision: offer.decision.clone(),
        }
    }
}

impl From<&Accepted> for Offer {
    fn from(accepted: &Accepted) -> Self {
        Self {
            id: accepted.id.clone(),
            agent: accepted.agent.clone(),
            expires_at: Timestamp::from_millis(accepted.expires_at),
            attempt: accepted.attempt,
            decision: accepted.decision.clone(),
        }
    }
}

/// How tickets of a group are handed to its agents, and what follows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handling {
    /// How long an agent has to answer an offer.
    pub(crate) offer_timeout: Duration,
    /// Channels whose tickets are given without asking.
    pub(crate) auto_accept: ChannelSet,
    /// How long after the solution a ticket goes on taking its room.
    pub(crate) wrap_up: Duration,
    /// Up to how long after its solution a reopened ticket goes back to who solved it.
    pub(crate) same_agent_window: Duration,
    /// How long after everybody declined a ticket it may be offered to them again; none for never.
    pub(crate) offer_again_after: Option<Duration>,
}

/// What a group does differently from the service, times in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct OwnHandling {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offer_timeout: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auto_accept: Option<BTreeSet<Channel>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wrap_up: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) same_agent_window: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offer_again_after: Option<u64>,
}

impl OwnHandling {
    /// What holds for the group: its own, else the service's.
    pub(crate) fn over(&self, service: &Handling) -> Handling {
        let own = |own: Option<u64>, service| own.map_or(service, Duration::from_millis);
        let auto_accept = self.auto_accept.as_ref();
        let again = self.offer_again_after.map(Duration::from_millis);
        Handling {
            offer_timeout: own(self.offer_timeout, service.offer_timeout),
            auto_accept: auto_accept
                .map_or(service.auto_accept, |own| own.iter().copied().collect()),
            wrap_up: own(self.wrap_up, service.wrap_up),
            same_agent_window: own(self.same_agent_window, service.same_agent_window),
            offer_again_after: again.map_or(service.offer_again_after, |again| {
                (!again.is_zero()).then_some(again)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples;

    #[test]
    fn a_group_changes_what_it_names_and_nothing_else() {
        let service = samples::policy().handling;
        assert_eq!(OwnHandling::default().over(&service), service);
        let own = OwnHandling {
            wrap_up: Some(60_000),
            auto_accept: Some([Channel::Chat].into()),
            offer_again_after: Some(0),
            ..OwnHandling::default()
        };
        let handling = own.over(&service);
        assert_eq!(handling.wrap_up, Duration::from_secs(60));
        assert_eq!(handling.offer_timeout, service.offer_timeout);
        assert!(handling.auto_accept.contains(Channel::Chat));
        assert!(!handling.auto_accept.contains(Channel::Email));
        assert_eq!(handling.offer_again_after, None);
    }
}
