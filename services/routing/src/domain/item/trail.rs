//! What a ticket brings along: what intake says of it, and what routing remembers.

use std::collections::{BTreeMap, BTreeSet};

use lotse_ids::{AgentId, DecisionId, GroupId};
use serde::{Deserialize, Serialize};

use crate::domain::advice::Advice;
use crate::domain::hops::{Hop, Put};
use crate::domain::language::Language;
use crate::domain::offer::Accepted;
use crate::domain::weight::Weight;

/// What intake says about a ticket, as far as routing decides by it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// What it is about; may be empty.
    pub(crate) category: String,
    /// Labels.
    pub(crate) tags: BTreeSet<String>,
    /// The caller's own facts.
    pub(crate) attributes: BTreeMap<String, String>,
    /// The requester's language, if known.
    pub(crate) language: Option<Language>,
    /// Whether the language is given, or detected with enough confidence to insist on it.
    pub(crate) language_is_certain: bool,
    /// Skills that the ticket's creator requires.
    pub(crate) required_skills: BTreeSet<String>,
    /// The group that the ticket's creator asked for.
    pub(crate) requested_group: Option<GroupId>,
    /// Who asks, by id; empty when not known.
    #[serde(default)]
    pub(crate) requester: String,
    /// Key of the requester's organisation; empty when not known.
    #[serde(default)]
    pub(crate) organisation: String,
}

impl Facts {
    /// The language, if it is certain.
    pub(crate) fn certain_language(&self) -> Option<&Language> {
        self.language.as_ref().filter(|_| self.language_is_certain)
    }
}

/// What routing remembers of a ticket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trail {
    /// Agents who passed it on: they do not get it back automatically.
    pub(crate) excluded: BTreeSet<AgentId>,
    /// Who had it before it was reopened, or solved the ticket that it repeats.
    pub(crate) preferred: Option<AgentId>,
    /// Whether a person chose its group, or an agent had it there: then it stays there, and the
    /// workflow no longer moves it. What older versions placed stays, too.
    #[serde(default = "always")]
    pub(crate) settled: bool,
    /// Whether it repeats or continues another ticket, which the preferred agent solved.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) repeats: bool,
    /// Agents who were offered it and did not take it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) declined: BTreeSet<AgentId>,
    /// How often it was offered.
    #[serde(default)]
    pub(crate) offers: u32,
    /// The offer by which its agent has it; none when they got it otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) accepted: Option<Accepted>,
    /// When those who declined may be asked again, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) offer_again_at: Option<i64>,
    /// When it was last solved while somebody had it, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) solved_at: Option<i64>,
    /// What it weighs for who has it or is asked, where that is not its own weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) weighs: Option<Weight>,
    /// Whether it was ever given to a group or an agent of one; waiting for one does not count.
    pub(crate) had_group: bool,
    /// Deadlines of its running SLA clocks by clock id, in milliseconds since the epoch.
    pub(crate) deadlines: BTreeMap<String, i64>,
    /// Skills that it turned out to need, with least levels.
    #[serde(default)]
    pub(crate) missing: BTreeMap<String, u8>,
    /// What put it where it is; none while nobody has looked at it.
    #[serde(default)]
    pub(crate) put: Option<Put>,
    /// The last transfer.
    #[serde(default)]
    pub(crate) last_hop: Option<Hop>,
    /// Whether a guard put it before its supervisors: they decide where it goes, and need not be
    /// able to answer it.
    #[serde(default)]
    pub(crate) supervised: bool,
    /// The decision by which it was last handed over with a summary.
    #[serde(default)]
    pub(crate) hand_over: Option<DecisionId>,
    /// What the model said of its group; none while it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<Advice>,
    /// What the re-router said about the group that a person chose first, when it was sure of
    /// another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) second_opinion: Option<Advice>,
    /// What made it wait, so that its assignment says what it answers and continues the trace.
    pub(crate) cause: Cause,
}

const fn always() -> bool {
    true
}

/// Where a change comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cause {
    /// The request id of a command, or `bucket:position` of an event.
    pub(crate) reference: String,
    /// W3C trace context; empty when it was not traced.
    pub(crate) traceparent: String,
}
