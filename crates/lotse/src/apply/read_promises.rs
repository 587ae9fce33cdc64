//! Reads policies and surveys.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::escalations;
use super::read::{Kind, Reader};
use super::spec::{Conditions, Policy, Survey, Target};
use super::words::{
    AUTHORS, BOT_PHASES, CHANNELS, ENDS, METRICS, OPEN_TICKETS, PRIORITIES, SURVEYS, TRIGGERS, span,
};
use super::yaml::{Entry, Map};

/// The shortest promise.
const SHORTEST: Duration = Duration::from_secs(15);
const DAY: Duration = Duration::from_secs(86_400);
/// Shares of a target at which clocks warn unless the file says otherwise, in percent.
const WARNINGS: [u32; 3] = [50, 75, 90];

pub(crate) fn policy(reader: &mut Reader, map: &mut Map<'_>) -> Option<Policy> {
    // 0 stands for the place in the file.
    let position = reader.whole(map, "position", 1..=1_000_000).unwrap_or(0);
    let conditions = map
        .take("conditions")
        .and_then(|entry| entry.map(&mut reader.problems));
    let conditions = conditions
        .map(|map| self::conditions(reader, map))
        .unwrap_or_default();
    let mut targets = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let given = maps(reader, map, "targets");
    if given.is_empty() {
        reader
            .problems
            .add(&map.at, "needs at least one of \"targets\"");
    }
    for mut target in given {
        if let Some(read) = self::target(reader, &mut target) {
            if !seen.insert((read.metric.clone(), read.priority.clone())) {
                reader
                    .problems
                    .add(&target.at, "repeats a metric and priority");
            }
            targets.insert(read);
        }
        target.finish(&mut reader.problems);
    }
    let no_warnings = reader.truth(map, "no_warnings", false);
    let mut warn_percents = BTreeSet::new();
    if let Some(entry) = map.take("warn_percents") {
        if no_warnings {
            reader
                .problems
                .add(&entry.at, "must not stand beside no_warnings");
        }
        for percent in entry.list(&mut reader.problems) {
            warn_percents.extend(percent.whole(1..=99, &mut reader.problems));
        }
    }
    if warn_percents.is_empty() && !no_warnings {
        warn_percents.extend(WARNINGS);
    }
    let ends_at = map
        .take("ends_at")
        .and_then(|entry| reader.word(&entry, ENDS));
    let mut reply_authors = reader.words(map, "reply_authors", AUTHORS);
    if reply_authors.is_empty() {
        reply_authors.insert("human".to_owned());
    }
    let open_tickets = open_tickets(reader, map);
    let bot_phase = map
        .take("bot_phase")
        .and_then(|entry| reader.word(&entry, BOT_PHASES));
    let reactions = escalations::reactions(reader, map);
    let name = reader.name(Kind::Policy, map)?;
    Some(Policy {
        name,
        position,
        conditions,
        targets,
        warn_percents,
        no_warnings,
        ends_at: ends_at.unwrap_or("solved".to_owned()),
        reply_authors,
        bot_phase: bot_phase.unwrap_or("counts".to_owned()),
        open_tickets,
        reactions,
    })
}

/// What a change means to open tickets; empty for the default.
pub(super) fn open_tickets(reader: &mut Reader, map: &mut Map<'_>) -> String {
    let given = map.take("open_tickets");
    let word = given.and_then(|entry| reader.word(&entry, OPEN_TICKETS));
    word.unwrap_or_default()
}

fn conditions(reader: &mut Reader, mut map: Map<'_>) -> Conditions {
    let mut attributes = BTreeMap::new();
    for (key, entry) in reader.entries(&mut map, "attributes") {
        let values = entry
            .texts(&mut reader.problems)
            .into_iter()
            .map(|(_, value)| value);
        attributes.insert(key, values.collect());
    }
    let conditions = Conditions {
        priorities: reader.words(&mut map, "priorities", PRIORITIES),
        channels: reader.words(&mut map, "channels", CHANNELS),
        categories: reader.texts(&mut map, "categories"),
        tags: reader.texts(&mut map, "tags"),
        languages: reader.languages(&mut map),
        organisations: reader.texts(&mut map, "organisations"),
        attributes,
        groups: reader.references(&mut map, "groups", Kind::Group),
    };
    map.finish(&mut reader.problems);
    conditions
}

fn target(reader: &mut Reader, map: &mut Map<'_>) -> Option<Target> {
    let metric = map.require("metric", &mut reader.problems);
    let metric = metric.and_then(|entry| reader.word(&entry, METRICS));
    let priority = map
        .take("priority")
        .and_then(|entry| reader.word(&entry, PRIORITIES));
    let calendar = reader
        .reference(map, "calendar", Kind::Calendar)
        .unwrap_or_default();
    let within = map.require("within", &mut reader.problems)?;
    let target = time(reader, &within)?;
    if target < SHORTEST {
        reader.problems.add(&within.at, "must be at least 15s");
    }
    let priority = priority.unwrap_or_default();
    Some(Target {
        metric: metric?,
        priority,
        within: target,
        calendar,
    })
}

pub(crate) fn survey(reader: &mut Reader, map: &mut Map<'_>) -> Option<Survey> {
    let kind = map.require("kind", &mut reader.problems);
    let kind = kind
        .and_then(|entry| reader.word(&entry, SURVEYS))
        .unwrap_or_default();
    let mut questions = BTreeMap::new();
    for (language, entry) in reader.entries(map, "questions") {
        questions.extend(
            entry
                .text(&mut reader.problems)
                .map(|text| (language, text)),
        );
    }
    let trigger = map
        .take("trigger")
        .and_then(|entry| reader.word(&entry, TRIGGERS));
    let mut spanned = |key: &str, default: Duration| {
        let entry = map.take(key);
        entry
            .and_then(|entry| time(reader, &entry))
            .unwrap_or(default)
    };
    let delay = spanned("delay", DAY);
    let repeat_after = spanned("repeat_after", DAY * if kind == "nps" { 90 } else { 30 });
    let answer_within = spanned("answer_within", DAY * 28);
    let sample = map
        .take("sample")
        .and_then(|entry| entry.share(&mut reader.problems));
    let ask_resolved_first_contact = reader.truth(map, "ask_resolved_first_contact", false);
    let active = reader.truth(map, "active", true);
    let name = reader.name(Kind::Survey, map)?;
    Some(Survey {
        name,
        kind,
        questions,
        trigger: trigger.unwrap_or("manual".to_owned()),
        delay,
        sample: sample.unwrap_or(1.0),
        repeat_after,
        answer_within,
        ask_resolved_first_contact,
        active,
    })
}

pub(crate) fn time(reader: &mut Reader, entry: &Entry<'_>) -> Option<Duration> {
    let text = entry.text(&mut reader.problems)?;
    match span(&text) {
        Some(span) => Some(span),
        None => entry.bad(
            "must be a span such as 90m, 1h30m or 2d",
            &mut reader.problems,
        ),
    }
}

/// The mappings of a list.
pub(crate) fn maps<'a>(reader: &mut Reader, map: &mut Map<'a>, key: &str) -> Vec<Map<'a>> {
    let entries = map.take(key).map(|entry| entry.list(&mut reader.problems));
    let entries = entries.unwrap_or_default().into_iter();
    entries
        .filter_map(|entry| entry.map(&mut reader.problems))
        .collect()
}
