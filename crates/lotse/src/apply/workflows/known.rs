//! The workflow that is there, as a file would say it.

use std::collections::{BTreeMap, BTreeSet};

use lotse_proto::routing::v1 as routing;
use lotse_proto::time::duration_from_proto;

use super::super::state::{Known, lower, named};
use super::super::words::{CHANNELS, CHOICES, ORDERS, PRIORITIES, time_of_day};
use super::{BEST_FIT, CONFIGURED, Conditions, Rule, Step, Way, Workflow};

/// The workflow that is there.
pub(crate) fn known(
    workflow: routing::Workflow,
    names: &BTreeMap<String, String>,
) -> Known<Workflow> {
    let rule = |rule: routing::WorkflowRule| {
        let one = |(key, value)| (key, BTreeSet::from([value]));
        let several = |(key, given): (String, routing::AttributeValues)| {
            (key, given.values.into_iter().collect())
        };
        let mut when = known_conditions(routing::WorkflowConditions {
            categories: rule.categories,
            channels: rule.channels,
            priorities: rule.priorities,
            languages: rule.languages,
            tags: rule.tags,
            skills: rule.skills,
            organisations: rule.organisations,
            ..routing::WorkflowConditions::default()
        });
        let attributes = rule.attributes.into_iter().map(one);
        when.attributes = attributes
            .chain(rule.attributes_in.into_iter().map(several))
            .collect();
        Rule {
            name: rule.name,
            when,
            any_of: rule.any_of.into_iter().map(known_conditions).collect(),
            unless: rule.unless.into_iter().map(known_conditions).collect(),
            way: Way {
                choose: known_choice(rule.choose),
                ..known_way(rule.group_id, rule.steps, rule.preferred_skills, names)
            },
        }
    };
    let is = Workflow {
        rules: workflow.rules.into_iter().map(rule).collect(),
        default: Way {
            choose: known_choice(workflow.default_choose),
            ..known_way(
                workflow.default_group_id,
                workflow.default_steps,
                workflow.default_preferred_skills,
                names,
            )
        },
        triage_group: named(workflow.triage_group_id, names),
        supervisor_group: named(workflow.supervisor_group_id, names),
        hop_limit: workflow.hop_limit,
    };
    Known {
        etag: workflow.etag,
        is,
    }
}

fn known_choice(given: i32) -> String {
    let choice = CHOICES.word(given);
    if choice.is_empty() {
        CONFIGURED.to_owned()
    } else {
        choice
    }
}

fn known_conditions(given: routing::WorkflowConditions) -> Conditions {
    let channel = |code| CHANNELS.word(code);
    let priority = |code| PRIORITIES.word(code);
    Conditions {
        categories: given.categories.into_iter().collect(),
        channels: given.channels.into_iter().map(channel).collect(),
        priorities: given.priorities.into_iter().map(priority).collect(),
        languages: lower(given.languages),
        tags: given.tags.into_iter().collect(),
        skills: given.skills.into_iter().collect(),
        organisations: given.organisations.into_iter().collect(),
        attributes: given
            .attributes
            .into_iter()
            .map(|(key, given)| (key, given.values.into_iter().collect()))
            .collect(),
    }
}

fn known_way(
    group_id: String,
    steps: Vec<routing::WorkflowStep>,
    preferred: Vec<routing::PreferredSkills>,
    names: &BTreeMap<String, String>,
) -> Way {
    let steps = if steps.is_empty() {
        vec![routing::WorkflowStep {
            group_id,
            ..routing::WorkflowStep::default()
        }]
    } else {
        steps
    };
    let span = |given: Option<prost_types::Duration>| {
        given.and_then(|given| duration_from_proto(&given).ok())
    };
    let step = |step: routing::WorkflowStep| {
        let skip_if = step.skip_if.unwrap_or_default();
        let order = ORDERS.word(step.order);
        Step {
            group: named(step.group_id, names),
            skills: levels(step.skills),
            language_level: step.language_level.max(1),
            min_tier: step.min_tier,
            order: if order.is_empty() {
                BEST_FIT.to_owned()
            } else {
                order
            },
            timeout: span(step.timeout),
            nobody_online: skip_if.nobody_online,
            nobody_free: skip_if.nobody_free,
            outside: skip_if.outside.map(|outside| {
                let days = outside.hours.into_iter().flat_map(|hours| {
                    let (from, to) = (time_of_day(&hours.starts_at), time_of_day(&hours.ends_at));
                    let day = move |day: u32| {
                        (
                            i32::try_from(day).unwrap_or_default(),
                            from.clone(),
                            to.clone(),
                        )
                    };
                    hours.weekdays.into_iter().map(day)
                });
                (outside.time_zone, days.collect())
            }),
        }
    };
    Way {
        steps: steps.into_iter().map(step).collect(),
        preferred_skills: preferred
            .into_iter()
            .map(|one| (levels(one.skills), span(one.drop_after).unwrap_or_default()))
            .collect(),
        choose: CONFIGURED.to_owned(),
    }
}

fn levels(given: Vec<routing::SkillLevel>) -> BTreeMap<String, u32> {
    given
        .into_iter()
        .map(|one| (one.skill, one.level))
        .collect()
}
