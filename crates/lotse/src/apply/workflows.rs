//! The workflow: read from a file here, read from the service ([`known`]), and put ([`put`]).

mod known;
mod put;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;

use super::read::{Kind, Reader};
use super::read_calendars::hours;
use super::read_promises::{maps, time};
use super::words::{CHANNELS, CHOICES, ORDERS, PRIORITIES, WEEKDAYS};
use super::yaml::Map;

pub(crate) use known::known;
pub(crate) use put::proto;

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
