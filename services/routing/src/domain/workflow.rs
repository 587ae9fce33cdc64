//! From ticket to group: rules in their order, each with a way of its own.

use lotse_clock::Timestamp;
use lotse_ids::GroupId;
use serde::{Deserialize, Serialize};

use super::codes::SkipReason;
use super::conditions::Conditions;
use super::hops::HOP_LIMIT;
use super::item::Item;
use super::setting::{Content, Setting};
use super::way::Way;

/// The name under which the choice of the default is recorded.
pub(crate) const DEFAULT_RULE: &str = "default";

/// What the names of the fields of the default's way begin with.
pub(crate) const DEFAULT_PATH: &str = "workflow.default_";

/// What the names of the fields of a rule begin with.
pub(crate) fn rule_path(at: usize) -> String {
    format!("workflow.rules[{at}].")
}

/// The id of the workflow: there is one, so it needs none of its own.
pub(crate) const ONLY_WORKFLOW: &str = "workflow";

/// Rules in their order and a default for everything else.
#[derive(Clone, Debug)]
pub(crate) struct Workflow {
    /// From 1.
    pub(crate) version: u32,
    /// What was put.
    pub(crate) plan: Plan,
    /// When this version was put.
    pub(crate) created_at: Timestamp,
}

/// What a workflow says. `G` is how groups are named.
///
/// What older versions could say is stored as they did, so that they can still read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(
    serialize = "G: Clone + Serialize",
    deserialize = "G: Deserialize<'de>"
))]
pub(crate) struct Plan<G = GroupId> {
    /// Tried in this order.
    pub(crate) rules: Vec<Rule<G>>,
    /// The way of everything else.
    #[serde(rename = "default_group")]
    pub(crate) default: Way<G>,
    /// Where tickets wait for a person to choose their group, when routing is too unsure.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub(crate) triage: Option<G>,
    /// Where tickets go that were sent to and fro or too often.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub(crate) supervisors: Option<G>,
    /// After this many transfers a further one goes to the supervisors.
    #[serde(default = "hop_limit")]
    pub(crate) hop_limit: u32,
    /// The version whose content this one brought back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) restores: Option<u32>,
}

fn none<G>() -> Option<G> {
    None
}

const fn hop_limit() -> u32 {
    HOP_LIMIT
}

/// A filter and the way of the tickets that it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(
    serialize = "G: Clone + Serialize",
    deserialize = "G: Deserialize<'de>"
))]
pub(crate) struct Rule<G = GroupId> {
    /// Unique within the workflow.
    pub(crate) name: String,
    /// The way of what it takes.
    #[serde(rename = "group")]
    pub(crate) way: Way<G>,
    /// What must hold.
    pub(crate) when: Conditions,
    /// Of which at least one must hold, too; none for no matter which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) any_of: Vec<Conditions>,
    /// Of which none may hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) unless: Vec<Conditions>,
}

/// Where a workflow led a ticket: the record of one placement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// The group.
    pub(crate) group: GroupId,
    /// The workflow's version.
    pub(crate) version: u32,
    /// The rule's name, or [`DEFAULT_RULE`].
    pub(crate) rule: String,
    /// Which of the rule's steps, from 1; 0 where there were no steps yet.
    #[serde(default)]
    pub(crate) number: u32,
    /// Which earlier ones were passed over, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) skipped: Vec<(u32, SkipReason)>,
    /// When fewer skills will be preferred, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) relaxes_at: Option<i64>,
    /// Whether the model was asked for the group.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) learned: bool,
}

impl Content for Plan {
    type Id = String;

    const KIND: &'static str = "workflow";

    fn new_id(&self, _now: Timestamp) -> String {
        ONLY_WORKFLOW.to_owned()
    }

    fn name(&self) -> &str {
        ONLY_WORKFLOW
    }

    fn restores(&self) -> Option<u32> {
        self.restores
    }
}

impl From<Setting<Plan>> for Workflow {
    fn from(setting: Setting<Plan>) -> Self {
        Self {
            // A count of changes made by people never comes near the end.
            version: u32::try_from(setting.version).unwrap_or(u32::MAX),
            plan: setting.profile,
            created_at: setting.updated_at,
        }
    }
}

impl Workflow {
    /// The name of the rule that takes a ticket, and the ticket's way.
    pub(crate) fn choose(&self, item: &Item) -> (&str, &Way) {
        let fitting = self.plan.rules.iter().find(|rule| rule.takes(item));
        fitting.map_or((DEFAULT_RULE, &self.plan.default), |rule| {
            (rule.name.as_str(), &rule.way)
        })
    }
}

impl Plan {
    /// Whether nothing but where they come from differs.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        let other = Self {
            restores: self.restores,
            ..other.clone()
        };
        *self == other
    }
}

impl<G> Plan<G> {
    /// Whether it has steps that are passed over by who is there.
    pub(crate) fn passes_over(&self) -> bool {
        let rules = self.rules.iter().map(|rule| &rule.way);
        let steps = rules.chain([&self.default]).flat_map(|way| &way.steps);
        let mut skips = steps.map(|step| &step.skip_if);
        skips.any(|skip_if| skip_if.nobody_online || skip_if.nobody_free)
    }

    /// The same with its groups found: `find` is asked for each, with the name of its field. None
    /// when one was not found.
    pub(crate) fn resolve<H>(
        &self,
        find: &mut impl FnMut(&str, &G) -> Option<H>,
    ) -> Option<Plan<H>> {
        let Self {
            rules,
            default,
            triage,
            supervisors,
            hop_limit,
            restores,
        } = self;
        let rules: Vec<Option<Rule<H>>> = rules
            .iter()
            .enumerate()
            .map(|(at, rule)| {
                Some(Rule {
                    name: rule.name.clone(),
                    way: rule.way.resolve(&rule_path(at), find)?,
                    when: rule.when.clone(),
                    any_of: rule.any_of.clone(),
                    unless: rule.unless.clone(),
                })
            })
            .collect();
        let default = default.resolve(DEFAULT_PATH, find);
        let mut other = |field: &str, group: &Option<G>| match group {
            Some(group) => find(field, group).map(Some),
            None => Some(None),
        };
        let triage = other("workflow.triage_group_id", triage);
        let supervisors = other("workflow.supervisor_group_id", supervisors);
        Some(Plan {
            rules: rules.into_iter().collect::<Option<_>>()?,
            default: default?,
            triage: triage?,
            supervisors: supervisors?,
            hop_limit: *hop_limit,
            restores: *restores,
        })
    }

    /// Everything into one group's queue.
    #[cfg(test)]
    pub(crate) fn to(group: G) -> Self {
        Self {
            rules: Vec::new(),
            default: Way::to(group),
            triage: None,
            supervisors: None,
            hop_limit: HOP_LIMIT,
            restores: None,
        }
    }
}

impl<G> Rule<G> {
    /// Whether there are tickets that it does not take.
    pub(crate) fn is_conditional(&self) -> bool {
        !(self.when.is_empty() && self.any_of.is_empty() && self.unless.is_empty())
    }

    /// Whether it takes a ticket.
    pub(crate) fn takes(&self, item: &Item) -> bool {
        let fits = |conditions: &Conditions| conditions.fit(item);
        self.when.fit(item)
            && (self.any_of.is_empty() || self.any_of.iter().any(fits))
            && !self.unless.iter().any(fits)
    }
}

#[cfg(test)]
#[path = "workflow_tests.rs"]
mod tests;
