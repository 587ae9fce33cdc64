//! Teams of agents, each with one queue.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};
use serde::{Deserialize, Serialize};

/// What is configured about a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupProfile {
    /// Unique.
    pub(crate) name: String,
    /// Support level, from 1.
    pub(crate) tier: u8,
    /// What all its tickets need, with least levels.
    pub(crate) required_skills: BTreeMap<String, u8>,
    /// Who leads it.
    pub(crate) lead: Option<AgentId>,
    /// Where its escalations go.
    pub(crate) escalates_to: Option<GroupId>,
}

/// A group as configured, with its version.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The group.
    pub(crate) id: GroupId,
    /// What is configured.
    pub(crate) profile: GroupProfile,
    /// Raised by every change.
    pub(crate) version: i64,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it last changed.
    pub(crate) updated_at: Timestamp,
}

/// Something that agents can do and tickets may need.
#[derive(Clone, Debug)]
pub(crate) struct Skill {
    /// `skl_…`, for the journal.
    pub(crate) id: String,
    /// What it is known by; never changes.
    pub(crate) name: String,
    /// For people.
    pub(crate) description: String,
    /// Raised by every change.
    pub(crate) version: i64,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it last changed.
    pub(crate) updated_at: Timestamp,
}
