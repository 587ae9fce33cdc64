//! The workflow: read from a file, read from the service, and put.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lotse_proto::routing::v1 as routing;
use lotse_proto::time::{duration_from_proto, duration_to_proto};
use serde::Serialize;

use super::carry::{codes, list, skill_levels};
use super::read::{Kind, Reader};
use super::read_calendars::hours;
use super::read_promises::{maps, time};
use super::state::{Known, lower, named};
use super::words::{CHANNELS, CHOICES, ORDERS, PRIORITIES, WEEKDAYS, time_of_day};
use super::yaml::Map;

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Workflow {
    pub(crate) rules: Vec<Rule>,
    pub(crate) default: Way,
    pub(crate) triage_group: String,
    pub(crate) supervisor_group: String,
    pub(crate) hop_limit: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) when: Conditions,
    pub(crate) any_of: Vec<Conditions>,
    pub(crate) unless: Vec<Conditions>,
    pub(crate) way: Way,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Conditions {
    pub(crate) categories: BTreeSet<String>,
    pub(crate) channels: BTreeSet<String>,
    pub(crate) priorities: BTreeSet<String>,
    pub(crate) languages: BTreeSet<String>,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) skills: BTreeSet<String>,
    pub(crate) organisations: BTreeSet<String>,
    pub(crate) attributes: BTreeMap<String, BTreeSet<String>>,
}

/// Steps, at least one, and what is preferred on them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Way {
    pub(crate) steps: Vec<Step>,
    /// Skills, and the age at which they are dropped.
    pub(crate) preferred_skills: Vec<(BTreeMap<String, u32>, Duration)>,
    /// Who chooses the group.
    pub(crate) choose: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Step {
    pub(crate) group: String,
    pub(crate) skills: BTreeMap<String, u32>,
    pub(crate) language_level: u32,
    pub(crate) min_tier: u32,
    pub(crate) order: String,
    pub(crate) timeout: Option<Duration>,
    pub(crate) nobody_online: bool,
    pub(crate) nobody_free: bool,
    /// The hours outside of which it is skipped.
    pub(crate) outside: Option<Hours>,
}

/// A zone, and in it weekdays (1 is Monday) with begin and end.
pub(crate) type Hours = (String, BTreeSet<(i32, String, String)>);

/// How routing limits transfers where a workflow does not.
const HOP_LIMIT: u32 = 3;
/// How routing orders agents where a step does not.
const BEST_FIT: &str = "best_fit";
/// Who chooses a group where nothing is said.
const CONFIGURED: &str = "configured";

/// Reads the workflow of a file.
pub(crate) fn read(reader: &mut Reader, mut map: Map<'_>) -> Option<Workflow> {
    let mut names = BTreeSet::new();
    let mut rules = Vec::new();
    for mut one in maps(reader, &mut map, "rules") {
        if let Some(rule) = read_rule(reader, &mut one) {
            if !names.insert(rule.name.clone()) {
                let message = format!("repeats the name {:?}", rule.name);
                reader.problems.add(&one.at, message);
            }
            rules.push(rule);
        }
        one.finish(&mut reader.problems);
    }
    let default = read_way(reader, &mut map, "default_");
    let optional = |reader: &mut Reader, map: &mut Map<'_>, key: &str| {
        reader.reference(map, key, Kind::Group).unwrap_or_default()
    };
    let triage_group = optional(reader, &mut map, "triage_group");
    let supervisor_group = optional(reader, &mut map, "supervisor_group");
    let hop_limit = reader.whole(&mut map, "hop_limit", 1..=100);
    map.finish(&mut reader.problems);
    Some(Workflow {
        rules,
        default: default?,
        triage_group,
        supervisor_group,
        hop_limit: hop_limit.unwrap_or(HOP_LIMIT),
    })
}

fn read_rule(reader: &mut Reader, map: &mut Map<'_>) -> Option<Rule> {
    let when = read_conditions(reader, map);
    let mut clauses = |reader: &mut Reader, key: &str| {
        let mut all = Vec::new();
        for mut one in maps(reader, map, key) {
            let clause = read_conditions(reader, &mut one);
            if clause == Conditions::default() {
                reader.problems.add(&one.at, "needs at least one condition");
            }
            one.finish(&mut reader.problems);
            all.push(clause);
        }
        all
    };
    let (any_of, unless) = (clauses(reader, "any_of"), clauses(reader, "unless"));
    if when == Conditions::default() && any_of.is_empty() && unless.is_empty() {
        reader.problems.add(&map.at, "needs at least one condition");
    }
    let way = read_way(reader, map, "");
    let name = map.require("name", &mut reader.problems)?;
    Some(Rule {
        name: name.text(&mut reader.problems)?,
        when,
        any_of,
        unless,
        way: way?,
    })
}

fn read_conditions(reader: &mut Reader, map: &mut Map<'_>) -> Conditions {
    let mut attributes = BTreeMap::new();
    for (key, entry) in reader.entries(map, "attributes") {
        // One value, or a list of them.
        let values = entry.one_or_more(&mut reader.problems);
        attributes.insert(key, values.into_iter().collect());
    }
    Conditions {
        categories: reader.texts(map, "categories"),
        channels: reader.words(map, "channels", CHANNELS),
        priorities: reader.words(map, "priorities", PRIORITIES),
        languages: reader.languages(map),
        tags: reader.texts(map, "tags"),
        skills: reader.references(map, "skills", Kind::Skill),
        organisations: reader.texts(map, "organisations"),
        attributes,
    }
}

/// A group, or steps, under keys that begin with `prefix`.
fn read_way(reader: &mut Reader, map: &mut Map<'_>, prefix: &str) -> Option<Way> {
    let key = |name: &str| format!("{prefix}{name}");
    let mut preferred_skills = Vec::new();
    for mut one in maps(reader, map, &key("preferred_skills")) {
        let skills = reader.levels(&mut one, "skills", Some(Kind::Skill));
        let drop_after = one.require("drop_after", &mut reader.problems);
        let drop_after = drop_after.and_then(|entry| time(reader, &entry));
        preferred_skills.extend(drop_after.map(|drop_after| (skills, drop_after)));
        one.finish(&mut reader.problems);
    }
    let choose = map
        .take(&key("choose"))
        .and_then(|entry| reader.word(&entry, CHOICES))
        .unwrap_or_else(|| CONFIGURED.to_owned());
    let given = maps(reader, map, &key("steps"));
    if given.is_empty() {
        let group = reader.needed(map, &key("group"), Kind::Group)?;
        let steps = vec![Step {
            group,
            language_level: 1,
            order: BEST_FIT.to_owned(),
            ..Step::default()
        }];
        return Some(Way {
            steps,
            preferred_skills,
            choose,
        });
    }
    if let Some(entry) = map.take(&key("group")) {
        let message = "must be left out beside steps, which say their groups themselves";
        reader.problems.add(&entry.at, message);
    }
    let mut steps = Vec::new();
    for mut one in given {
        steps.extend(read_step(reader, &mut one));
        one.finish(&mut reader.problems);
    }
    Some(Way {
        steps,
        preferred_skills,
        choose,
    })
}

fn read_step(reader: &mut Reader, map: &mut Map<'_>) -> Option<Step> {
    let skills = reader.levels(map, "skills", Some(Kind::Skill));
    let language_level = reader.whole(map, "language_level", 1..=5).unwrap_or(1);
    let min_tier = reader.whole(map, "min_tier", 1..=9).unwrap_or_default();
    let order = map
        .take("order")
        .and_then(|entry| reader.word(&entry, ORDERS));
    let timeout = map.take("timeout").and_then(|entry| time(reader, &entry));
    let mut step = Step {
        group: String::new(),
        skills,
        language_level,
        min_tier,
        order: order.unwrap_or_else(|| BEST_FIT.to_owned()),
        timeout,
        ..Step::default()
    };
    let skips = map.take("skip_if");
    if let Some(mut skips) = skips.and_then(|entry| entry.map(&mut reader.problems)) {
        step.nobody_online = reader.truth(&mut skips, "nobody_online", false);
        step.nobody_free = reader.truth(&mut skips, "nobody_free", false);
        let outside = skips.take("outside");
        let outside = outside.and_then(|entry| entry.map(&mut reader.problems));
        step.outside = outside.and_then(|outside| read_outside(reader, outside));
        skips.finish(&mut reader.problems);
    }
    step.group = reader.needed(map, "group", Kind::Group)?;
    Some(step)
}

fn read_outside(reader: &mut Reader, mut map: Map<'_>) -> Option<Hours> {
    let mut week = BTreeSet::new();
    for mut one in maps(reader, &mut map, "hours") {
        let days = reader.words(&mut one, "days", WEEKDAYS);
        if days.is_empty() {
            reader.problems.add(&one.at, "needs \"days\"");
        }
        if let Some((from, to)) = hours(reader, &mut one, ["starts_at", "ends_at"]) {
            let days = days.iter().map(|day| WEEKDAYS.code(day));
            week.extend(days.map(|day| (day, from.clone(), to.clone())));
        }
        one.finish(&mut reader.problems);
    }
    let zone = map.require("time_zone", &mut reader.problems);
    let zone = zone.and_then(|entry| entry.text(&mut reader.problems));
    map.finish(&mut reader.problems);
    Some((zone?, week))
}

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
    let routing::WorkflowConditions {
        categories,
        channels,
        priorities,
        languages,
        tags,
        skills,
        organisations,
        attributes,
    } = proto_conditions(when);
    let (steps, preferred_skills) = proto_way(way);
    routing::WorkflowRule {
        name: name.clone(),
        group_id: String::new(),
        categories,
        channels,
        priorities,
        languages,
        tags,
        skills,
        attributes: BTreeMap::new(),
        organisations,
        attributes_in: attributes,
        any_of: any_of.iter().map(proto_conditions).collect(),
        unless: unless.iter().map(proto_conditions).collect(),
        steps,
        preferred_skills,
        choose: CHOICES.code(&way.choose),
    }
}

fn proto_conditions(given: &Conditions) -> routing::WorkflowConditions {
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
    let values = |(key, values): (&String, &BTreeSet<String>)| {
        let values = list(values);
        (key.clone(), routing::AttributeValues { values })
    };
    routing::WorkflowConditions {
        categories: list(categories),
        channels: codes(channels, CHANNELS),
        priorities: codes(priorities, PRIORITIES),
        languages: list(languages),
        tags: list(tags),
        skills: list(skills),
        organisations: list(organisations),
        attributes: attributes.iter().map(values).collect(),
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
