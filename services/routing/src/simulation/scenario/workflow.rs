//! Which group gets what: the workflow chapter of `lotse apply`, in a scenario.
//!
//! The keys are the same, and what they say is read by the same code as the workflow of a request:
//! a scenario is refused for whatever the service would refuse.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use lotse_errors::{Kind, Violations};
use lotse_proto::common::v1 as common;
use lotse_proto::routing::v1 as proto;
use serde::Deserialize;

use super::{Day, Problem};
use crate::api::workflow_in::wanted;
use crate::app::workflow::check;
use crate::config::Config;
use crate::domain::directory::Directory;
use crate::domain::workflow::Plan;

/// Rules in their order, and a way for everything else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// The rules.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// The group of everything else; empty beside steps, which say their groups themselves.
    #[serde(default)]
    pub default_group: String,
    /// The steps of everything else.
    #[serde(default)]
    pub default_steps: Vec<Step>,
    /// What is preferred of the agents for everything else.
    #[serde(default)]
    pub default_preferred_skills: Vec<PreferredSkills>,
    /// The steps in which agents are told apart by what they hold, as `routing.load_steps` of the
    /// service.
    #[serde(default = "service_load_steps")]
    pub load_steps: u8,
}

/// A rule: all that is given must fit; within one, any value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Unique.
    pub name: String,
    /// What must fit.
    #[serde(flatten)]
    pub when: Conditions,
    /// Of which at least one must fit, too.
    pub any_of: Vec<Conditions>,
    /// Of which none may fit.
    pub unless: Vec<Conditions>,
    /// Where it leads; empty beside steps.
    pub group: String,
    /// Where it leads, step by step, as a ticket grows older.
    pub steps: Vec<Step>,
    /// What is preferred of the agents on all of them.
    pub preferred_skills: Vec<PreferredSkills>,
}

/// What tickets are told apart by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conditions {
    /// Categories.
    pub categories: Vec<String>,
    /// Channels.
    pub channels: Vec<String>,
    /// Priorities.
    pub priorities: Vec<String>,
    /// Languages.
    pub languages: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Required skills.
    pub skills: Vec<String>,
    /// Other facts, each with a value or several.
    pub attributes: BTreeMap<String, OneOrMore>,
}

/// A value, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Any of these.
    More(Vec<String>),
}

/// Where a ticket waits until it is so old.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    /// In whose queue.
    pub group: String,
    /// What agents need beside what ticket and group require, with least levels.
    pub skills: BTreeMap<String, u32>,
    /// Least level in the ticket's language, 1 to 5.
    pub language_level: u32,
    /// Least support level, 1 to 9; 0 for any.
    pub min_tier: u32,
    /// Which of several agents gets it: `best_fit` (where nothing is said), `longest_idle` or
    /// `most_spare`.
    pub order: String,
    /// The ticket's age at which it goes on; none for the last.
    pub timeout: Option<SignedDuration>,
    /// When it goes on at once.
    pub skip_if: Option<SkipIf>,
}

/// When a step is passed over: while any of these holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SkipIf {
    /// Nobody of the group is online.
    pub nobody_online: bool,
    /// Nobody of the group has room.
    pub nobody_free: bool,
    /// It is none of these hours.
    pub outside: Option<Hours>,
}

/// Hours of a common week.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// An IANA time zone.
    pub time_zone: String,
    /// The hours.
    pub hours: Vec<Open>,
}

/// Hours of some days.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// Which.
    pub days: Vec<Day>,
    /// From, such as `08:00`.
    pub starts_at: String,
    /// Up to, such as `18:00`.
    pub ends_at: String,
}

/// Skills that are preferred while a ticket is young.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreferredSkills {
    /// With least levels.
    pub skills: BTreeMap<String, u32>,
    /// The ticket's age from which on they are no longer asked.
    pub drop_after: SignedDuration,
}

impl Workflow {
    /// What it says of the groups and skills there are, or all that is wrong with it, by the keys of
    /// a scenario.
    pub(super) fn plan(&self, directory: &Directory) -> Result<Plan, Vec<Problem>> {
        let mut wrong = Violations::new();
        let wanted = wanted(Some(&self.request()), &mut wrong);
        let plan = wanted.and_then(|wanted| check(directory, &wanted.plan, &mut wrong));
        wrong.finish_with(plan).map_err(|refused| {
            let problem = |field: &str, message: &str| Problem {
                key: key(field),
                message: message.to_owned(),
            };
            match refused.kind() {
                Kind::Invalid(fields) => fields
                    .iter()
                    .map(|one| problem(&one.field, &one.description))
                    .collect(),
                _ => vec![problem("workflow", &refused.to_string())],
            }
        })
    }

    /// As a request would have it. Groups are named.
    fn request(&self) -> proto::Workflow {
        let Self {
            rules,
            default_group,
            default_steps,
            default_preferred_skills,
            load_steps: _,
        } = self;
        proto::Workflow {
            rules: rules.iter().map(rule).collect(),
            default_group_id: default_group.clone(),
            default_steps: default_steps.iter().map(step).collect(),
            default_preferred_skills: preferred(default_preferred_skills),
            ..proto::Workflow::default()
        }
    }
}

/// What a scenario calls a field of a request.
fn key(field: &str) -> String {
    field
        .replace("group_id", "group")
        .replace("weekdays", "days")
}

fn rule(rule: &Rule) -> proto::WorkflowRule {
    let Rule {
        name,
        when,
        any_of,
        unless,
        group,
        steps,
        preferred_skills,
    } = rule;
    let own = conditions(when);
    proto::WorkflowRule {
        name: name.clone(),
        group_id: group.clone(),
        categories: own.categories,
        channels: own.channels,
        priorities: own.priorities,
        languages: own.languages,
        tags: own.tags,
        skills: own.skills,
        attributes_in: own.attributes,
        any_of: any_of.iter().map(conditions).collect(),
        unless: unless.iter().map(conditions).collect(),
        steps: steps.iter().map(step).collect(),
        preferred_skills: preferred(preferred_skills),
        ..proto::WorkflowRule::default()
    }
}

fn conditions(given: &Conditions) -> proto::WorkflowConditions {
    let Conditions {
        categories,
        channels,
        priorities,
        languages,
        tags,
        skills,
        attributes,
    } = given;
    let channel = |word| common::Channel::from_str_name(&constant("CHANNEL", word));
    let priority = |word| common::Priority::from_str_name(&constant("PRIORITY", word));
    let values = |(key, given): (&String, &OneOrMore)| {
        let values = match given {
            OneOrMore::One(value) => vec![value.clone()],
            OneOrMore::More(values) => values.clone(),
        };
        (key.clone(), proto::AttributeValues { values })
    };
    proto::WorkflowConditions {
        categories: categories.clone(),
        channels: channels.iter().map(|one| code(channel(one))).collect(),
        priorities: priorities.iter().map(|one| code(priority(one))).collect(),
        languages: languages.clone(),
        tags: tags.clone(),
        skills: skills.clone(),
        organisations: Vec::new(),
        attributes: attributes.iter().map(values).collect(),
    }
}

fn step(step: &Step) -> proto::WorkflowStep {
    let Step {
        group,
        skills,
        language_level,
        min_tier,
        order,
        timeout,
        skip_if,
    } = step;
    let order = if order.is_empty() {
        0
    } else {
        code(proto::AgentOrder::from_str_name(&constant(
            "AGENT_ORDER",
            order,
        )))
    };
    proto::WorkflowStep {
        group_id: group.clone(),
        skills: levels(skills),
        language_level: *language_level,
        min_tier: *min_tier,
        order,
        timeout: timeout.map(span),
        skip_if: skip_if.as_ref().map(skips),
    }
}

fn skips(skip_if: &SkipIf) -> proto::SkipIf {
    let SkipIf {
        nobody_online,
        nobody_free,
        outside,
    } = skip_if;
    let open = |Open {
                    days,
                    starts_at,
                    ends_at,
                }: &Open| proto::WeeklyHours {
        weekdays: days.iter().map(|day| *day as u32 + 1).collect(),
        starts_at: starts_at.clone(),
        ends_at: ends_at.clone(),
    };
    proto::SkipIf {
        nobody_online: *nobody_online,
        nobody_free: *nobody_free,
        outside: outside
            .as_ref()
            .map(|Hours { time_zone, hours }| proto::StepHours {
                time_zone: time_zone.clone(),
                hours: hours.iter().map(open).collect(),
            }),
    }
}

fn preferred(given: &[PreferredSkills]) -> Vec<proto::PreferredSkills> {
    let one = |PreferredSkills { skills, drop_after }: &PreferredSkills| proto::PreferredSkills {
        skills: levels(skills),
        drop_after: Some(span(*drop_after)),
    };
    given.iter().map(one).collect()
}

fn levels(given: &BTreeMap<String, u32>) -> Vec<proto::SkillLevel> {
    let level = |(skill, level): (&String, &u32)| proto::SkillLevel {
        skill: skill.clone(),
        level: *level,
    };
    given.iter().map(level).collect()
}

fn span(given: SignedDuration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: given.as_secs(),
        nanos: given.subsec_nanos(),
    }
}

/// What the API calls a word of a scenario.
fn constant(prefix: &str, word: &str) -> String {
    format!("{prefix}_{}", word.to_uppercase())
}

/// The number of a value; one that no value has where there is none.
fn code<T: Into<i32>>(value: Option<T>) -> i32 {
    value.map_or(-1, T::into)
}

fn service_load_steps() -> u8 {
    Config::default().load_steps
}
