//! Policies, as callers write and read them.

use std::collections::{BTreeMap, BTreeSet};

use lotse_clock::Timestamp;
use lotse_errors::{Text, Violations};
use lotse_grpc::etag;
use lotse_ids::PolicyId;
use lotse_proto::common::v1::Priority as ProtoPriority;
use lotse_proto::sla::v1 as proto;
use lotse_proto::time::{duration_from_proto, duration_to_proto, to_proto};

use super::conditions::sorted;
use super::{conditions, enums, reactions};
use crate::domain::{
    Author, BotPhase, Conditions, EscalationContent, PolicyContent, ResolutionEnd, Target,
};
use crate::settings::{CalendarContent, looks_like_id};
use crate::store::settings::Setting;

/// The shortest promise, in milliseconds.
const SHORTEST: i64 = 15_000;
/// The longest one: the horizon within which calendars are searched: 5 years.
const LONGEST: i64 = (5 * 365 + 2) * 86_400_000;
/// Shares at which clocks warn unless the policy says otherwise, in percent.
const WARN: [u8; 3] = [50, 75, 90];

/// Reads the policy of a Put; what is wrong with it goes to `wrong`, under `policy`.
pub(crate) fn read(
    policy: &proto::Policy,
    calendars: &[Setting<CalendarContent>],
    escalations: &[Setting<EscalationContent>],
    now: Timestamp,
    wrong: &mut Violations,
) -> Option<PolicyContent> {
    // The server sets the others.
    let proto::Policy {
        id: _,
        name,
        position,
        conditions,
        targets,
        warn_percents,
        no_warnings,
        ends_at,
        reply_authors,
        version: _,
        etag: _,
        created_at: _,
        updated_at: _,
        bot_phase,
        reactions,
    } = policy;
    let name = wrong.text("policy.name", name, Text::line(1..=128));
    let an_id = looks_like_id(PolicyId::PREFIX, &name);
    wrong.require("policy.name", !an_id, "must not look like an id");
    wrong.require(
        "policy.position",
        *position <= 1_000_000,
        "must be at most 1,000,000",
    );
    let conditions = conditions
        .as_ref()
        .map(|given| conditions::read(given, wrong));
    let targets = read_targets(targets, calendars, now, wrong);
    let warn = read_warnings(warn_percents, *no_warnings, wrong);
    let ends_at = match *ends_at {
        0 => Some(ResolutionEnd::Solved),
        given => enums::resolution_end(given),
    };
    let ends_at = wrong.take("policy.ends_at", ends_at.ok_or("must be SOLVED or CLOSED"));
    let replies = read_authors(reply_authors, wrong);
    let bot_phase = match *bot_phase {
        0 => Some(BotPhase::Counts),
        given => enums::bot_phase(given),
    };
    let bot_phase = bot_phase.ok_or("must be COUNTS or EXCLUDED");
    let bot_phase = wrong.take("policy.bot_phase", bot_phase);
    let reactions = reactions::read(reactions, &targets, &warn, escalations, wrong);
    Some(PolicyContent {
        name,
        position: *position,
        conditions: conditions.unwrap_or_default(),
        targets,
        warn,
        ends_at: ends_at?,
        replies,
        bot_phase: bot_phase?,
        reactions,
    })
}

fn read_targets(
    given: &[proto::Target],
    calendars: &[Setting<CalendarContent>],
    now: Timestamp,
    wrong: &mut Violations,
) -> Vec<Target> {
    let count = (1..=200).contains(&given.len());
    wrong.require("policy.targets", count, "must be 1 to 200 targets");
    let mut targets = BTreeMap::new();
    for (index, target) in given.iter().take(200).enumerate() {
        let field = format!("policy.targets[{index}]");
        let mut inner = Violations::new();
        let read = read_target(target, calendars, now, &mut inner);
        wrong.nest(&field, inner);
        if let Some(read) = read
            && targets.insert((read.metric, read.priority), read).is_some()
        {
            wrong.add(
                field,
                "repeats the metric and priority of a target before it",
            );
        }
    }
    targets.into_values().collect()
}

fn read_target(
    given: &proto::Target,
    calendars: &[Setting<CalendarContent>],
    now: Timestamp,
    wrong: &mut Violations,
) -> Option<Target> {
    let proto::Target {
        metric,
        priority,
        target,
        calendar_id,
    } = given;
    let metric = wrong.take("metric", enums::metric(*metric).ok_or("must be a metric"));
    let priority = match *priority {
        0 => Some(None),
        given => wrong
            .take(
                "priority",
                enums::priority(given).ok_or("must be a priority or unspecified"),
            )
            .map(Some),
    };
    let span = wrong.present("target", target.as_ref());
    let span = span.and_then(|span| wrong.take("target", duration_from_proto(span)));
    let millis = span.and_then(|span| {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        if span.subsec_nanos() % 1_000_000 != 0 {
            wrong.add("target", "must be whole milliseconds");
        } else if millis < SHORTEST {
            wrong.add("target", "must be at least 15 s");
        } else if millis > LONGEST {
            wrong.add("target", "must be at most 5 years");
        } else {
            return Some(millis);
        }
        None
    });
    let mut calendar = None;
    if !calendar_id.is_empty() {
        let named = |one: &&Setting<_>| is_named(one, calendar_id);
        let Some(found) = calendars.iter().find(named) else {
            wrong.add(
                "calendar_id",
                format!("there is no calendar {calendar_id:?}"),
            );
            return None;
        };
        if let Some(millis) = millis
            && !found.content.reaches(now, millis)
        {
            let name = &found.content.name;
            wrong.add(
                "target",
                format!("is not reached within five years on calendar {name:?}"),
            );
        }
        calendar = Some(found.id.clone());
    }
    Some(Target {
        metric: metric?,
        priority: priority?,
        millis: millis?,
        calendar,
    })
}

fn is_named(calendar: &Setting<CalendarContent>, id_or_name: &str) -> bool {
    calendar.id == id_or_name || calendar.content.name == id_or_name
}

fn read_warnings(given: &[u32], none: bool, wrong: &mut Violations) -> Vec<u8> {
    const FIELD: &str = "policy.warn_percents";
    if none {
        wrong.require(FIELD, given.is_empty(), "must be empty with no_warnings");
        return Vec::new();
    }
    if given.is_empty() {
        return WARN.to_vec();
    }
    let percent = |given: &u32| {
        u8::try_from(*given)
            .ok()
            .filter(|one| (1..=99).contains(one))
    };
    let read: BTreeSet<u8> = given.iter().filter_map(percent).collect();
    wrong.require(
        FIELD,
        read.len() == given.len(),
        "must be different shares from 1 to 99",
    );
    read.into_iter().collect()
}

fn read_authors(given: &[i32], wrong: &mut Violations) -> Vec<Author> {
    if given.is_empty() {
        return vec![Author::Human];
    }
    let may_reply = |author: &Author| *author != Author::Requester;
    let read: Vec<_> = given
        .iter()
        .filter_map(|given| enums::author(*given).filter(may_reply))
        .collect();
    let known = read.len() == given.len();
    let words = "must be HUMAN, BOT, AUTOMATION or SYSTEM";
    wrong.require("policy.reply_authors", known, words);
    sorted(read)
}

/// A policy as callers see it.
pub(crate) fn write(policy: &Setting<PolicyContent>) -> proto::Policy {
    let Setting {
        id,
        version,
        current: _,
        content,
        created_at,
        updated_at,
    } = policy;
    let PolicyContent {
        name,
        position,
        conditions,
        targets,
        warn,
        ends_at,
        replies,
        bot_phase,
        reactions,
    } = content;
    proto::Policy {
        id: id.clone(),
        name: name.clone(),
        position: *position,
        conditions: (*conditions != Conditions::default()).then(|| conditions::write(conditions)),
        targets: targets.iter().map(write_target).collect(),
        warn_percents: warn.iter().map(|percent| u32::from(*percent)).collect(),
        no_warnings: warn.is_empty(),
        ends_at: enums::to_resolution_end(*ends_at).into(),
        reply_authors: replies
            .iter()
            .map(|author| enums::to_author(*author).into())
            .collect(),
        bot_phase: enums::to_bot_phase(*bot_phase).into(),
        version: *version,
        etag: etag::of(i64::from(*version)),
        created_at: Some(to_proto(*created_at)),
        updated_at: Some(to_proto(*updated_at)),
        reactions: reactions.iter().map(reactions::write).collect(),
    }
}

fn write_target(target: &Target) -> proto::Target {
    let Target {
        metric,
        priority,
        millis,
        calendar,
    } = target;
    let span = std::time::Duration::from_millis(millis.unsigned_abs());
    let priority = priority.map_or(ProtoPriority::Unspecified, enums::to_priority);
    proto::Target {
        metric: enums::to_metric(*metric).into(),
        priority: priority.into(),
        target: Some(duration_to_proto(span)),
        calendar_id: calendar.clone().unwrap_or_default(),
    }
}
