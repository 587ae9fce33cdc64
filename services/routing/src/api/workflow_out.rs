//! Workflows as they are answered.

use lotse_calendar::{Shift, TimeOfDay};
use lotse_grpc::etag;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::{duration_to_proto, to_proto};

use super::show;
use crate::domain::codes::Order;
use crate::domain::conditions::{AnyOf, Conditions};
use crate::domain::way::{OpenHours, PreferredSkills, SkipIf, Terms, Way, WorkflowStep};
use crate::domain::workflow::{Plan, Rule, Workflow};
use crate::domain::workflow_check::Finding;

pub(super) fn workflow(workflow: &Workflow) -> proto::Workflow {
    let Workflow {
        version,
        plan,
        created_at,
    } = workflow;
    let Plan {
        rules,
        default,
        triage,
        supervisors,
        hop_limit,
        restores,
    } = plan;
    let (default_group_id, default_steps, default_preferred_skills) = way(default);
    let default_choose = choice(default);
    proto::Workflow {
        version: *version,
        rules: rules.iter().map(rule).collect(),
        default_group_id,
        etag: etag::of((*version).into()),
        created_at: Some(to_proto(*created_at)),
        default_steps,
        default_preferred_skills,
        triage_group_id: show::id(triage.as_ref()),
        supervisor_group_id: show::id(supervisors.as_ref()),
        hop_limit: *hop_limit,
        restores_version: restores.unwrap_or_default(),
        default_choose,
    }
}

/// A version without its content.
pub(super) fn version(workflow: &Workflow) -> proto::WorkflowVersion {
    proto::WorkflowVersion {
        version: workflow.version,
        created_at: Some(to_proto(workflow.created_at)),
        restores_version: workflow.plan.restores.unwrap_or_default(),
        rules: u32::try_from(workflow.plan.rules.len()).unwrap_or(u32::MAX),
    }
}

pub(super) fn findings(found: Vec<Finding>) -> Vec<proto::WorkflowFinding> {
    let finding = |Finding { field, message }| proto::WorkflowFinding {
        field,
        description: message,
    };
    found.into_iter().map(finding).collect()
}

fn rule(rule: &Rule) -> proto::WorkflowRule {
    let Rule {
        name,
        way: leads,
        when,
        any_of,
        unless,
    } = rule;
    let (group_id, steps, preferred_skills) = way(leads);
    proto::WorkflowRule {
        name: name.clone(),
        group_id,
        any_of: any_of.iter().map(conditions).collect(),
        unless: unless.iter().map(conditions).collect(),
        steps,
        preferred_skills,
        choose: choice(leads),
        ..proto::WorkflowRule::under(conditions(when))
    }
}

/// Who chooses the group.
fn choice(way: &Way) -> i32 {
    let choice = if way.learned {
        proto::GroupChoice::Learned
    } else {
        proto::GroupChoice::Configured
    };
    choice.into()
}

fn conditions(given: &Conditions) -> proto::WorkflowConditions {
    let Conditions {
        categories,
        channels,
        priorities,
        languages,
        tags,
        skills,
        organisations,
        attributes,
    } = given;
    proto::WorkflowConditions {
        categories: categories.iter().cloned().collect(),
        channels: channels.iter().map(|one| show::channel(*one)).collect(),
        priorities: priorities.iter().map(|one| show::priority(*one)).collect(),
        languages: languages.iter().map(ToString::to_string).collect(),
        tags: tags.iter().cloned().collect(),
        skills: skills.iter().cloned().collect(),
        organisations: organisations.iter().cloned().collect(),
        attributes: attributes
            .iter()
            .map(|(key, AnyOf(values))| {
                let values = values.iter().cloned().collect();
                (key.clone(), proto::AttributeValues { values })
            })
            .collect(),
    }
}

/// The first step's group, the steps unless they are nothing but that, and what is preferred.
fn way(
    way: &Way,
) -> (
    String,
    Vec<proto::WorkflowStep>,
    Vec<proto::PreferredSkills>,
) {
    let Way {
        steps,
        preferred,
        learned: _,
    } = way;
    let group = show::id(steps.first().map(|step| &step.group));
    let steps = match steps.as_slice() {
        [only] if only.is_plain() => Vec::new(),
        steps => steps.iter().map(step).collect(),
    };
    let preferred =
        preferred.iter().map(
            |PreferredSkills { skills, drop_after }| proto::PreferredSkills {
                skills: show::levels(skills.iter()),
                drop_after: Some(duration_to_proto(*drop_after)),
            },
        );
    (group, steps, preferred.collect())
}

fn step(step: &WorkflowStep) -> proto::WorkflowStep {
    let WorkflowStep {
        group,
        terms,
        timeout,
        skip_if,
    } = step;
    let Terms {
        skills,
        language_level,
        min_tier,
        order: by,
    } = terms;
    proto::WorkflowStep {
        group_id: group.to_string(),
        skills: show::levels(skills.iter()),
        language_level: (*language_level).into(),
        min_tier: (*min_tier).into(),
        order: order(*by),
        timeout: timeout.map(duration_to_proto),
        skip_if: (!skip_if.is_empty()).then(|| skips(skip_if)),
    }
}

/// Which of several agents gets a ticket.
pub(super) fn order(order: Order) -> i32 {
    let order = match order {
        Order::BestFit => proto::AgentOrder::BestFit,
        Order::LongestIdle => proto::AgentOrder::LongestIdle,
        Order::MostSpare => proto::AgentOrder::MostSpare,
    };
    order.into()
}

fn skips(skip_if: &SkipIf) -> proto::SkipIf {
    let SkipIf {
        nobody_online,
        nobody_free,
        outside,
    } = skip_if;
    proto::SkipIf {
        nobody_online: *nobody_online,
        nobody_free: *nobody_free,
        outside: outside.as_ref().map(open_hours),
    }
}

fn open_hours(hours: &OpenHours) -> proto::StepHours {
    let mut week: Vec<(TimeOfDay, TimeOfDay, Vec<u32>)> = Vec::new();
    for Shift { day, from, to } in hours.week() {
        let day = u32::try_from(day.index() + 1).unwrap_or_default();
        match week.iter_mut().find(|(f, t, _)| (f, t) == (from, to)) {
            Some((_, _, days)) => days.push(day),
            None => week.push((*from, *to, vec![day])),
        }
    }
    let hours_of = |(from, to, weekdays): (TimeOfDay, TimeOfDay, Vec<u32>)| proto::WeeklyHours {
        weekdays,
        starts_at: from.to_string(),
        ends_at: to.to_string(),
    };
    proto::StepHours {
        time_zone: hours.zone().to_owned(),
        hours: week.into_iter().map(hours_of).collect(),
    }
}
