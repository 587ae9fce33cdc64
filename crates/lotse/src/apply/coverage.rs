//! Who should be there: shifts, how many must be there of a group, and cover of one group by
//! another; read from a file, read from the service, and put.

use std::collections::{BTreeMap, BTreeSet};

use lotse_proto::routing::v1 as routing;
use serde::Serialize;

use super::promises::instant;
use super::read::{Kind, Reader};
use super::read_calendars;
use super::read_promises::maps;
use super::rotas::{duty_hours, span, weekly};
use super::state::{Known, named};
use super::yaml::Map;

/// Weekday (1 is Monday), begin, end.
type Hours = BTreeSet<(i32, String, String)>;

/// The shifts of an agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct ShiftPlan {
    pub(crate) agent: String,
    pub(crate) time_zone: String,
    pub(crate) hours: Hours,
    pub(crate) breaks: Hours,
    /// RFC 3339 begin and end, note.
    pub(crate) absences: BTreeSet<(String, String, String)>,
    pub(crate) extra_shifts: BTreeSet<(String, String, String)>,
}

/// How many must be there of a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Coverage {
    pub(crate) group: String,
    pub(crate) time_zone: String,
    /// In their order, by which gaps number them.
    pub(crate) requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Requirement {
    pub(crate) agents: u32,
    pub(crate) skill: String,
    pub(crate) language: String,
    pub(crate) min_level: u32,
    /// None for around the clock.
    pub(crate) hours: Hours,
}

/// One group answers for another.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Cover {
    /// Its group and its beginning, which is what a file knows it by.
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) covered_by: String,
    /// RFC 3339.
    pub(crate) starts_at: String,
    pub(crate) ends_at: String,
    /// Language and text, in their order.
    pub(crate) notices: Vec<(String, String)>,
    pub(crate) reason: String,
}

/// Reads the shifts of an agent.
pub(crate) fn shift_plan(reader: &mut Reader, map: &mut Map<'_>) -> Option<ShiftPlan> {
    let time_zone = zone(reader, map);
    let hours = all_weekly(reader, map, "hours");
    let breaks = all_weekly(reader, map, "breaks");
    let absences = exceptions(reader, map, "absences");
    let extra_shifts = exceptions(reader, map, "extra_shifts");
    let at = map.at.clone();
    let agent = reader.needed(map, "agent", Kind::Agent)?;
    Some(ShiftPlan {
        agent: reader.once(Kind::ShiftPlan, agent, &at)?,
        time_zone: time_zone?,
        hours,
        breaks,
        absences,
        extra_shifts,
    })
}

/// Reads how many must be there of a group.
pub(crate) fn coverage(reader: &mut Reader, map: &mut Map<'_>) -> Option<Coverage> {
    let time_zone = zone(reader, map);
    let mut requirements = Vec::new();
    for mut given in maps(reader, map, "requirements") {
        requirements.push(Requirement {
            agents: reader.whole(&mut given, "agents", 1..=1_000).unwrap_or(1),
            skill: reader
                .reference(&mut given, "skill", Kind::Skill)
                .unwrap_or_default(),
            language: reader
                .text(&mut given, "language")
                .unwrap_or_default()
                .to_ascii_lowercase(),
            min_level: reader.whole(&mut given, "min_level", 1..=5).unwrap_or(1),
            hours: all_weekly(reader, &mut given, "hours"),
        });
        given.finish(&mut reader.problems);
    }
    if requirements.is_empty() {
        let message = "needs at least one of \"requirements\"";
        reader.problems.add(&map.at, message);
    }
    let at = map.at.clone();
    let group = reader.needed(map, "group", Kind::Group)?;
    Some(Coverage {
        group: reader.once(Kind::Coverage, group, &at)?,
        time_zone: time_zone?,
        requirements,
    })
}

/// Reads a cover.
pub(crate) fn cover(reader: &mut Reader, map: &mut Map<'_>) -> Option<Cover> {
    let covered_by = reader.needed(map, "covered_by", Kind::Group);
    let lasts = stretch(reader, map);
    let mut notices = Vec::new();
    for mut given in maps(reader, map, "notices") {
        let language = reader.text(&mut given, "language").unwrap_or_default();
        let text = given.require("text", &mut reader.problems);
        let text = text.and_then(|entry| entry.text(&mut reader.problems));
        notices.extend(text.map(|text| (language.to_ascii_lowercase(), text)));
        given.finish(&mut reader.problems);
    }
    let reason = reader.text(map, "reason").unwrap_or_default();
    let at = map.at.clone();
    let group = reader.needed(map, "group", Kind::Group)?;
    let (starts_at, ends_at) = lasts?;
    Some(Cover {
        name: reader.once(Kind::Cover, cover_name(&group, &starts_at), &at)?,
        group,
        covered_by: covered_by?,
        starts_at,
        ends_at,
        notices,
        reason,
    })
}

fn cover_name(group: &str, starts_at: &str) -> String {
    format!("{group} from {starts_at}")
}

fn zone(reader: &mut Reader, map: &mut Map<'_>) -> Option<String> {
    let zone = map.require("time_zone", &mut reader.problems)?;
    zone.text(&mut reader.problems)
}

fn all_weekly(reader: &mut Reader, map: &mut Map<'_>, key: &str) -> Hours {
    let mut hours = Hours::new();
    for mut given in maps(reader, map, key) {
        hours.extend(weekly(reader, &mut given));
        given.finish(&mut reader.problems);
    }
    hours
}

fn exceptions(
    reader: &mut Reader,
    map: &mut Map<'_>,
    key: &str,
) -> BTreeSet<(String, String, String)> {
    let mut exceptions = BTreeSet::new();
    for mut given in maps(reader, map, key) {
        let lasts = stretch(reader, &mut given);
        let note = reader.text(&mut given, "note").unwrap_or_default();
        exceptions.extend(lasts.map(|(from, until)| (from, until, note)));
        given.finish(&mut reader.problems);
    }
    exceptions
}

/// From one instant up to another.
fn stretch(reader: &mut Reader, map: &mut Map<'_>) -> Option<(String, String)> {
    let mut at = |key| {
        let entry = map.require(key, &mut reader.problems)?;
        read_calendars::instant(reader, &entry)
    };
    let (begin, end) = (at("starts_at"), at("ends_at"));
    Some((begin?, end?))
}

/// The shifts of an agent that are there.
pub(crate) fn known_plan(
    plan: routing::ShiftPlan,
    names: &BTreeMap<String, String>,
) -> Known<ShiftPlan> {
    let exceptions = |all: Vec<routing::ShiftException>| {
        let all = all.into_iter();
        all.map(|one| (written(one.starts_at), written(one.ends_at), one.note))
            .collect()
    };
    Known {
        etag: plan.etag,
        is: ShiftPlan {
            agent: named(plan.agent_id, names),
            time_zone: plan.time_zone,
            hours: plan.shifts.into_iter().map(span).collect(),
            breaks: plan.breaks.into_iter().map(span).collect(),
            absences: exceptions(plan.absences),
            extra_shifts: exceptions(plan.extra_shifts),
        },
    }
}

/// How many must be there of a group, as it is.
pub(crate) fn known_coverage(
    all: routing::CoverageRequirements,
    names: &BTreeMap<String, String>,
) -> Known<Coverage> {
    let requirement = |one: routing::CoverageRequirement| Requirement {
        agents: one.agents,
        skill: one.skill,
        language: one.language.to_ascii_lowercase(),
        min_level: one.min_level,
        hours: one.hours.into_iter().map(span).collect(),
    };
    Known {
        etag: all.etag,
        is: Coverage {
            group: named(all.group_id, names),
            time_zone: all.time_zone,
            requirements: all.requirements.into_iter().map(requirement).collect(),
        },
    }
}

/// A cover that is there.
pub(crate) fn known_cover(cover: routing::Cover, names: &BTreeMap<String, String>) -> Known<Cover> {
    let group = named(cover.group_id, names);
    let starts_at = written(cover.starts_at);
    let notices = cover.notices.into_iter();
    Known {
        etag: cover.etag,
        is: Cover {
            name: cover_name(&group, &starts_at),
            group,
            covered_by: named(cover.covered_by_group_id, names),
            starts_at,
            ends_at: written(cover.ends_at),
            notices: notices
                .map(|one| (one.language.to_ascii_lowercase(), one.text))
                .collect(),
            reason: cover.reason,
        },
    }
}

/// An instant as a file is read.
fn written(at: Option<prost_types::Timestamp>) -> String {
    let at = at.unwrap_or_default();
    let at = jiff::Timestamp::new(at.seconds, at.nanos);
    at.map(|at| at.to_string()).unwrap_or_default()
}

/// The shifts of an agent, to be put.
pub(crate) fn proto_plan(plan: &ShiftPlan, etag: String) -> routing::ShiftPlan {
    let exceptions = |all: &BTreeSet<(String, String, String)>| {
        let exception = |(from, until, note): &(String, String, String)| routing::ShiftException {
            starts_at: instant(from),
            ends_at: instant(until),
            note: note.clone(),
        };
        all.iter().map(exception).collect()
    };
    routing::ShiftPlan {
        agent_id: plan.agent.clone(),
        time_zone: plan.time_zone.clone(),
        shifts: plan.hours.iter().map(duty_hours).collect(),
        breaks: plan.breaks.iter().map(duty_hours).collect(),
        absences: exceptions(&plan.absences),
        extra_shifts: exceptions(&plan.extra_shifts),
        etag,
        ..routing::ShiftPlan::default()
    }
}

/// How many must be there of a group, to be put.
pub(crate) fn proto_coverage(coverage: &Coverage, etag: String) -> routing::CoverageRequirements {
    let requirement = |one: &Requirement| routing::CoverageRequirement {
        skill: one.skill.clone(),
        language: one.language.clone(),
        min_level: one.min_level,
        agents: one.agents,
        hours: one.hours.iter().map(duty_hours).collect(),
    };
    routing::CoverageRequirements {
        group_id: coverage.group.clone(),
        time_zone: coverage.time_zone.clone(),
        requirements: coverage.requirements.iter().map(requirement).collect(),
        etag,
        ..routing::CoverageRequirements::default()
    }
}

/// A cover to be put; with an id the one that is there.
pub(crate) fn proto_cover(cover: &Cover, id: String, etag: String) -> routing::Cover {
    let notice = |(language, text): &(String, String)| routing::CoverNotice {
        language: language.clone(),
        text: text.clone(),
    };
    routing::Cover {
        id,
        group_id: cover.group.clone(),
        covered_by_group_id: cover.covered_by.clone(),
        starts_at: instant(&cover.starts_at),
        ends_at: instant(&cover.ends_at),
        notices: cover.notices.iter().map(notice).collect(),
        reason: cover.reason.clone(),
        etag,
        ..routing::Cover::default()
    }
}
