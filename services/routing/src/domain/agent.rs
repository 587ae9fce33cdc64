//! The people who answer.

use std::collections::{BTreeMap, BTreeSet};

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};
use serde::{Deserialize, Serialize};

use super::codes::Presence;
use super::language::Language;
use super::weight::Weight;

/// What is configured about an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    /// Unique.
    pub(crate) name: String,
    /// The groups the agent works in.
    pub(crate) groups: BTreeSet<GroupId>,
    /// Support level, for people.
    pub(crate) tier: u8,
    /// Skills by name with levels 1 to 5.
    pub(crate) skills: BTreeMap<String, u8>,
    /// Languages with levels 1 to 5. None: language is not considered.
    pub(crate) languages: BTreeMap<Language, u8>,
    /// Tickets that the agent can hold.
    pub(crate) capacity: u32,
    /// Whether the presence stays without heartbeats.
    pub(crate) presence_never_expires: bool,
    /// Whether the agent gets nothing more.
    pub(crate) retired: bool,
}

/// An agent as configured, with its version.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    /// The agent.
    pub(crate) id: AgentId,
    /// What is configured.
    pub(crate) profile: Profile,
    /// Raised by every change of the profile.
    pub(crate) version: i64,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When the profile last changed.
    pub(crate) updated_at: Timestamp,
}

/// What changes all the time about an agent: presence and load.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    /// The version of the profile that goes with it.
    pub(crate) version: i64,
    /// Whether the agent takes new work.
    pub(crate) presence: Presence,
    /// What the agent can hold.
    pub(crate) capacity: Weight,
    /// What the agent holds; above the capacity when somebody assigned by hand.
    pub(crate) load: Weight,
    /// When the agent last got a ticket.
    pub(crate) last_assigned_at: Option<Timestamp>,
}

impl Seat {
    /// What is free; negative above capacity.
    pub(crate) fn spare(&self) -> Weight {
        self.capacity - self.load
    }

    /// Whether the agent takes new work.
    pub(crate) fn is_online(&self) -> bool {
        self.presence == Presence::Online
    }

    /// Whether automatic routing may give the agent one more ticket, as far as the agent's own
    /// state goes.
    pub(crate) fn is_free(&self) -> bool {
        self.presence == Presence::Online && self.spare() >= Weight::TICKET
    }
}

impl Profile {
    /// How well the agent knows a language: `None` when not at all, 1 when languages are not
    /// considered for this agent.
    pub(crate) fn language_level(&self, language: &Language) -> Option<u8> {
        if self.languages.is_empty() {
            return Some(1);
        }
        let known = self.languages.iter();
        known
            .filter(|(known, _)| known.understands(language))
            .map(|(_, level)| *level)
            .max()
    }
}
