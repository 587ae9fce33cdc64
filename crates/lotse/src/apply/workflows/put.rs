//! The workflow of a file, to be put.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lotse_proto::routing::v1 as routing;
use lotse_proto::time::duration_to_proto;

use super::super::carry::{codes, list, skill_levels};
use super::super::words::{CHANNELS, CHOICES, ORDERS, PRIORITIES};
use super::{Conditions, Rule, Step, Way, Workflow};

/// The workflow to be put.
pub(crate) fn proto(workflow: &Workflow, etag: String) -> routing::Workflow {
    let Workflow {
        rules,
        default,
        triage_group,
        supervisor_group,
        hop_limit,
    } = workflow;
    let (default_steps, default_preferred_skills) = proto_way(default);
    routing::Workflow {
        rules: rules.iter().map(proto_rule).collect(),
        default_steps,
        default_preferred_skills,
        triage_group_id: triage_group.clone(),
        supervisor_group_id: supervisor_group.clone(),
        hop_limit: *hop_limit,
        default_choose: CHOICES.code(&default.choose),
        etag,
        ..routing::Workflow::default()
    }
}

fn proto_rule(rule: &Rule) -> routing::WorkflowRule {
    let Rule {
        name,
        when,
        any_of,
        unless,
        way,
    } = rule;
    let (steps, preferred_skills) = proto_way(way);
    routing::WorkflowRule {
        name: name.clone(),
        any_of: any_of.iter().map(proto_conditions).collect(),
        unless: unless.iter().map(proto_conditions).collect(),
        steps,
        preferred_skills,
        choose: CHOICES.code(&way.choose),
        ..routing::WorkflowRule::under(proto_conditions(when))
    }
}

fn proto_conditions(given: &Conditions) -> routing::WorkflowConditions {
    let values = |(key, values): (&String, &BTreeSet<String>)| {
        let values = list(values);
        (key.clone(), routing::AttributeValues { values })
    };
    routing::WorkflowConditions {
        categories: list(&given.categories),
        channels: codes(&given.channels, CHANNELS),
        priorities: codes(&given.priorities, PRIORITIES),
        languages: list(&given.languages),
        tags: list(&given.tags),
        skills: list(&given.skills),
        organisations: list(&given.organisations),
        attributes: given.attributes.iter().map(values).collect(),
    }
}

fn proto_way(way: &Way) -> (Vec<routing::WorkflowStep>, Vec<routing::PreferredSkills>) {
    let Way {
        steps,
        preferred_skills,
        choose: _,
    } = way;
    let preferred =
        |(skills, drop_after): &(BTreeMap<String, u32>, Duration)| routing::PreferredSkills {
            skills: skill_levels(skills),
            drop_after: Some(duration_to_proto(*drop_after)),
        };
    (
        steps.iter().map(proto_step).collect(),
        preferred_skills.iter().map(preferred).collect(),
    )
}

fn proto_step(step: &Step) -> routing::WorkflowStep {
    let Step {
        group,
        skills,
        language_level,
        min_tier,
        order,
        timeout,
        nobody_online,
        nobody_free,
        outside,
    } = step;
    let outside = outside.as_ref().map(|(time_zone, week)| {
        let hours = week.iter().map(|(day, from, to)| routing::WeeklyHours {
            weekdays: vec![day.unsigned_abs()],
            starts_at: from.clone(),
            ends_at: to.clone(),
        });
        routing::StepHours {
            time_zone: time_zone.clone(),
            hours: hours.collect(),
        }
    });
    let skips = *nobody_online || *nobody_free || outside.is_some();
    routing::WorkflowStep {
        group_id: group.clone(),
        skills: skill_levels(skills),
        language_level: *language_level,
        min_tier: *min_tier,
        order: ORDERS.code(order),
        timeout: timeout.map(duration_to_proto),
        skip_if: skips.then_some(routing::SkipIf {
            nobody_online: *nobody_online,
            nobody_free: *nobody_free,
            outside,
        }),
    }
}
