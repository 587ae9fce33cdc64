//! The record of one decision: everything needed to tell, later, why it came out as it did.

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, DecisionId, GroupId, OfferId, TicketId};
use serde::{Deserialize, Serialize};

use super::advice::Advice;
use super::choice::Look;
use super::codes::{DecisionKind, Guard, Reason, TransferReason};
use super::hops::Place;
use super::language::Language;
use super::workflow::Step;

/// One decision about one ticket.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    /// The ticket.
    pub(crate) ticket: TicketId,
    /// The version that the item has by it: a ticket's decisions in their order.
    pub(crate) version: i64,
    /// When.
    pub(crate) at: Timestamp,
    /// The rest.
    pub(crate) record: Record,
}

/// What is kept of a decision as one document.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The decision.
    pub(crate) id: DecisionId,
    /// What it was about.
    pub(crate) kind: DecisionKind,
    /// What decided.
    pub(crate) reason: Reason,
    /// The group before.
    pub(crate) from_group: Option<GroupId>,
    /// The agent before.
    pub(crate) from_agent: Option<AgentId>,
    /// The group decided for.
    pub(crate) group: Option<GroupId>,
    /// The agent decided for.
    pub(crate) agent: Option<AgentId>,
    /// The offer, where the agent was asked first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) offer: Option<OfferId>,
    /// How the group was chosen, where the workflow chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<Step>,
    /// What the model said, where the workflow asked it for the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<Advice>,
    /// What was seen when looking for an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) look: Option<Look>,
    /// What a person decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by_hand: Option<ByHand>,
}

/// What a person said with their decision.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ByHand {
    /// The caller's pseudonymous principal id.
    pub(crate) principal: String,
    /// Note or summary; may be empty.
    pub(crate) note: String,
    /// For a transfer: why.
    pub(crate) transfer_reason: Option<TransferReason>,
    /// Whether it put the agent over capacity.
    pub(crate) over_capacity: bool,
    /// What whoever gets it should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) summary: Option<Summary>,
    /// For a transfer: what whoever had it lacked.
    #[serde(default, skip_serializing_if = "Missing::is_nothing")]
    pub(crate) missing: Missing,
    /// For a transfer: the guard it ran into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) guard: Option<Guard>,
    /// For a transfer that a guard turned aside: where it was meant to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wanted: Option<Place>,
    /// For a transfer: the decision that had put the ticket where it is taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) undone: Option<DecisionId>,
}

/// What whoever gets a ticket should know, so that nobody asks the requester again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// What is known.
    pub(crate) known: String,
    /// What was tried, and how it went.
    pub(crate) tried: String,
    /// What is asked of whoever gets it.
    pub(crate) asked: String,
}

/// What whoever had a ticket lacked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Missing {
    /// A skill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) skill: Option<String>,
    /// A language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<Language>,
}

impl Missing {
    /// Whether nobody said.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}
