//! Workflows as requests want them. What is wrong is collected beside what could be understood, so
//! that the rest can be checked at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lotse_calendar::{Shift, TimeOfDay, Weekday};
use lotse_errors::Violations;
use lotse_ids::GroupId;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::duration_from_proto;

use super::parse;
use crate::app::Ref;
use crate::app::workflow::Wanted;
use crate::domain::codes::Order;
use crate::domain::conditions::{AnyOf, Conditions};
use crate::domain::hops::HOP_LIMIT;
use crate::domain::way::{OpenHours, PreferredSkills, SkipIf, Terms, Way, WorkflowStep};
use crate::domain::workflow::{DEFAULT_PATH, Plan, Rule, rule_path};

/// Most rules of a workflow.
const RULES: usize = 256;
/// Most of anything within a rule.
const PARTS: usize = 16;
/// Most weekly hours of a step.
const HOURS: usize = 64;
/// Longest time that anything of a step may take.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A group as named; none where that cannot name one, which is then noted.
type Group = Option<Ref<GroupId>>;

/// The workflow of a request.
pub(crate) fn wanted(workflow: Option<&proto::Workflow>, wrong: &mut Violations) -> Option<Wanted> {
    let proto::Workflow {
        version: _,
        rules,
        default_group_id,
        etag,
        created_at: _,
        default_steps,
        default_preferred_skills,
        triage_group_id,
        supervisor_group_id,
        hop_limit,
        restores_version: _,
        default_choose,
    } = wrong.present("workflow", workflow)?;
    parse::at_most(wrong, "workflow.rules", rules.len(), RULES);
    let rules = rules.iter().enumerate();
    let rules = rules
        .map(|(at, one)| rule(wrong, &rule_path(at), one))
        .collect();
    let mut default = way(
        wrong,
        DEFAULT_PATH,
        default_group_id,
        default_steps,
        default_preferred_skills,
    );
    default.learned = learned(wrong, DEFAULT_PATH, *default_choose);
    let optional = |wrong: &mut Violations, field: &str, given: &str| {
        (!given.is_empty()).then(|| parse::reference(wrong, field, given))
    };
    let in_range = *hop_limit <= 100;
    wrong.require("workflow.hop_limit", in_range, "must be at most 100");
    Some(Wanted {
        plan: Plan {
            rules,
            default,
            triage: optional(wrong, "workflow.triage_group_id", triage_group_id),
            supervisors: optional(wrong, "workflow.supervisor_group_id", supervisor_group_id),
            hop_limit: if *hop_limit == 0 {
                HOP_LIMIT
            } else {
                *hop_limit
            },
            restores: None,
        },
        etag: etag.clone(),
    })
}

fn rule(wrong: &mut Violations, path: &str, rule: &proto::WorkflowRule) -> Rule<Group> {
    let proto::WorkflowRule {
        name,
        group_id,
        categories,
        channels,
        priorities,
        languages,
        tags,
        skills,
        attributes,
        organisations,
        attributes_in,
        any_of,
        unless,
        steps,
        preferred_skills,
        choose,
    } = rule;
    // The conditions that stand in the rule itself are the older way to write them.
    let mut values = attributes_in.clone();
    for (key, value) in attributes {
        let one = proto::AttributeValues {
            values: vec![value.clone()],
        };
        let is_new = values.insert(key.clone(), one).is_none();
        let field = format!("{path}attributes_in");
        wrong.require(&field, is_new, "must not repeat a key of attributes");
    }
    let own = proto::WorkflowConditions {
        categories: categories.clone(),
        channels: channels.clone(),
        priorities: priorities.clone(),
        languages: languages.clone(),
        tags: tags.clone(),
        skills: skills.clone(),
        organisations: organisations.clone(),
        attributes: values,
    };
    let clauses = |wrong: &mut Violations, name: &str, given: &[proto::WorkflowConditions]| {
        parse::at_most(wrong, &format!("{path}{name}"), given.len(), PARTS);
        let given = given.iter().enumerate();
        given
            .map(|(at, one)| conditions(wrong, &format!("{path}{name}[{at}]."), one))
            .collect()
    };
    Rule {
        name: parse::rule_name(wrong, &format!("{path}name"), name),
        any_of: clauses(wrong, "any_of", any_of),
        unless: clauses(wrong, "unless", unless),
        when: conditions(wrong, path, &own),
        way: Way {
            learned: learned(wrong, path, *choose),
            ..way(wrong, path, group_id, steps, preferred_skills)
        },
    }
}

/// Whether the model is asked for the group.
fn learned(wrong: &mut Violations, path: &str, given: i32) -> bool {
    match proto::GroupChoice::try_from(given) {
        Ok(proto::GroupChoice::Unspecified | proto::GroupChoice::Configured) => false,
        Ok(proto::GroupChoice::Learned) => true,
        Err(_) => {
            wrong.add(format!("{path}choose"), "must be a known choice");
            false
        }
    }
}

fn conditions(wrong: &mut Violations, path: &str, given: &proto::WorkflowConditions) -> Conditions {
    let proto::WorkflowConditions {
        categories,
        channels,
        priorities,
        languages,
        tags,
        skills,
        organisations,
        attributes,
    } = given;
    let field = |name: &str| format!("{path}{name}");
    for (list, length) in [
        ("channels", channels.len()),
        ("priorities", priorities.len()),
        ("languages", languages.len()),
        ("skills", skills.len()),
        ("attributes", attributes.len()),
    ] {
        parse::at_most(wrong, &field(list), length, parse::list());
    }
    Conditions {
        categories: parse::values(wrong, &field("categories"), categories),
        channels: channels
            .iter()
            .filter_map(|one| parse::channel(wrong, &field("channels"), *one))
            .collect(),
        priorities: priorities
            .iter()
            .filter_map(|one| parse::priority(wrong, &field("priorities"), *one))
            .collect(),
        languages: languages
            .iter()
            .filter_map(|one| parse::language(wrong, &field("languages"), one))
            .collect(),
        tags: parse::values(wrong, &field("tags"), tags),
        skills: skills
            .iter()
            .map(|one| parse::skill(wrong, &field("skills"), one))
            .collect(),
        organisations: parse::values(wrong, &field("organisations"), organisations),
        attributes: attributes
            .iter()
            .map(|(key, proto::AttributeValues { values })| {
                let field = field(&format!("attributes[{key:?}]"));
                wrong.require(&field, !values.is_empty(), "must have a value");
                (key.clone(), AnyOf(parse::values(wrong, &field, values)))
            })
            .collect(),
    }
}

fn way(
    wrong: &mut Violations,
    path: &str,
    group_id: &str,
    steps: &[proto::WorkflowStep],
    preferred: &[proto::PreferredSkills],
) -> Way<Group> {
    parse::at_most(wrong, &format!("{path}steps"), steps.len(), PARTS);
    let field = format!("{path}preferred_skills");
    parse::at_most(wrong, &field, preferred.len(), PARTS);
    let preferred = preferred
        .iter()
        .enumerate()
        .map(|(at, one)| preferred_skills(wrong, &format!("{field}[{at}]."), one))
        .collect();
    let group_field = format!("{path}group_id");
    let Some(first) = steps.first() else {
        let group = parse::required_reference(wrong, &group_field, group_id);
        let mut way = Way::to(group);
        way.preferred = preferred;
        return way;
    };
    let agrees = group_id.is_empty() || group_id == first.group_id;
    wrong.require(&group_field, agrees, "must be the first step's, or empty");
    let steps = steps.iter().enumerate();
    Way {
        steps: steps
            .map(|(at, one)| step(wrong, &format!("{path}steps[{at}]."), one))
            .collect(),
        preferred,
        learned: false,
    }
}

fn step(wrong: &mut Violations, path: &str, step: &proto::WorkflowStep) -> WorkflowStep<Group> {
    let proto::WorkflowStep {
        group_id,
        skills,
        language_level,
        min_tier,
        order,
        timeout,
        skip_if,
    } = step;
    let field = |name: &str| format!("{path}{name}");
    let order = match proto::AgentOrder::try_from(*order) {
        Ok(proto::AgentOrder::Unspecified | proto::AgentOrder::BestFit) => Order::BestFit,
        Ok(proto::AgentOrder::LongestIdle) => Order::LongestIdle,
        Ok(proto::AgentOrder::MostSpare) => Order::MostSpare,
        Err(_) => {
            wrong.add(field("order"), "must be a known order");
            Order::BestFit
        }
    };
    let min_tier = match *min_tier {
        0 => 0,
        given => parse::tier(wrong, &field("min_tier"), given),
    };
    WorkflowStep {
        group: parse::required_reference(wrong, &field("group_id"), group_id),
        terms: Terms {
            skills: parse::skills(wrong, &field("skills"), skills, PARTS, Some(1)),
            language_level: parse::level(wrong, &field("language_level"), *language_level, Some(1)),
            min_tier,
            order,
        },
        timeout: timeout
            .as_ref()
            .and_then(|given| span(wrong, &field("timeout"), given)),
        skip_if: skip_if
            .as_ref()
            .map(|given| skips(wrong, &field("skip_if"), given))
            .unwrap_or_default(),
    }
}

fn skips(wrong: &mut Violations, path: &str, given: &proto::SkipIf) -> SkipIf {
    let proto::SkipIf {
        nobody_online,
        nobody_free,
        outside,
    } = given;
    let any = *nobody_online || *nobody_free || outside.is_some();
    wrong.require(path, any, "must say when");
    SkipIf {
        nobody_online: *nobody_online,
        nobody_free: *nobody_free,
        outside: outside
            .as_ref()
            .and_then(|given| open_hours(wrong, &format!("{path}.outside"), given)),
    }
}

fn open_hours(wrong: &mut Violations, path: &str, given: &proto::StepHours) -> Option<OpenHours> {
    let proto::StepHours { time_zone, hours } = given;
    parse::at_most(wrong, &format!("{path}.hours"), hours.len(), HOURS);
    let mut week = Vec::new();
    for (at, one) in hours.iter().enumerate() {
        week.extend(weekly_hours(wrong, &format!("{path}.hours[{at}]"), one)?);
    }
    match OpenHours::new(time_zone.clone(), week) {
        Ok(hours) => Some(hours),
        Err(invalid) => {
            for problem in invalid.problems {
                let field = if problem.field == "zone" {
                    "time_zone"
                } else {
                    "hours"
                };
                wrong.add(format!("{path}.{field}"), problem.message);
            }
            None
        }
    }
}

fn weekly_hours(
    wrong: &mut Violations,
    path: &str,
    given: &proto::WeeklyHours,
) -> Option<Vec<Shift>> {
    let proto::WeeklyHours {
        weekdays,
        starts_at,
        ends_at,
    } = given;
    let mut days = BTreeSet::new();
    for (at, given) in weekdays.iter().enumerate() {
        let index = usize::try_from(*given)
            .ok()
            .and_then(|day| day.checked_sub(1));
        let day = index.and_then(|index| Weekday::ALL.get(index).copied());
        let is_new = day.is_some_and(|day| days.insert(day));
        let message = "must be a day of the week, 1 to 7, and each once";
        wrong.require(&format!("{path}.weekdays[{at}]"), is_new, message);
    }
    wrong.require(
        &format!("{path}.weekdays"),
        !weekdays.is_empty(),
        "must name a day",
    );
    let from: Option<TimeOfDay> = wrong.parse(&format!("{path}.starts_at"), starts_at);
    let to: Option<TimeOfDay> = wrong.parse(&format!("{path}.ends_at"), ends_at);
    let (from, to) = (from?, to?);
    Some(
        days.into_iter()
            .map(|day| Shift { day, from, to })
            .collect(),
    )
}

fn preferred_skills(
    wrong: &mut Violations,
    path: &str,
    given: &proto::PreferredSkills,
) -> PreferredSkills {
    let proto::PreferredSkills { skills, drop_after } = given;
    let field = format!("{path}skills");
    wrong.require(&field, !skills.is_empty(), "must name a skill");
    let skills: BTreeMap<String, u8> = parse::skills(wrong, &field, skills, PARTS, Some(1));
    let field = format!("{path}drop_after");
    let drop_after = wrong.present(&field, drop_after.as_ref());
    let drop_after = drop_after.and_then(|given| span(wrong, &field, given));
    PreferredSkills {
        skills,
        drop_after: drop_after.unwrap_or_default(),
    }
}

/// A span of time within the limits; none is noted.
fn span(wrong: &mut Violations, field: &str, given: &prost_types::Duration) -> Option<Duration> {
    let span = wrong.take(field, duration_from_proto(given))?;
    let fits = span.as_millis() > 0 && span <= LONGEST;
    wrong.require(field, fits, "must be more than 0 and at most 30 days");
    Some(span)
}
