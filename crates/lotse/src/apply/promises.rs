//! Calendars and policies: from the file to the API, and from the API back into the file's shape.

use std::collections::BTreeMap;

use anyhow::Result;
use lotse_proto::sla::v1 as sla;
use lotse_proto::time::duration_to_proto;

use super::carry::{codes, list};
use super::escalations;
use super::spec::{Calendar, Conditions, Override, Policy, Target};
use super::state::{Known, lower, named, time};
use super::words::{
    AUTHORS, BOT_PHASES, CHANNELS, ENDS, METRICS, PRESETS, PRIORITIES, time_of_day,
};

pub(super) fn proto_calendar(calendar: &Calendar, etag: String) -> sla::Calendar {
    let Calendar {
        name,
        time_zone,
        preset,
        weekly,
        overrides,
        holiday_files,
        holiday_regions,
        effective_at: _,
        open_tickets: _,
    } = calendar;
    let interval = |(weekday, opens, closes): &(i32, String, String)| sla::WeeklyInterval {
        weekday: *weekday,
        opens: opens.clone(),
        closes: closes.clone(),
    };
    let hours = |(opens, closes): &(String, String)| sla::DayInterval {
        opens: opens.clone(),
        closes: closes.clone(),
    };
    let days = overrides.iter().map(|(date, day)| sla::DateOverride {
        date: date.clone(),
        intervals: day.intervals.iter().map(hours).collect(),
        name: day.name.clone(),
    });
    let files = holiday_files.iter().map(|(name, text)| sla::HolidayFile {
        name: name.clone(),
        text: text.clone(),
    });
    let regions = holiday_regions.iter();
    let regions = regions.map(|(country, subdivision)| sla::HolidayRegion {
        country: country.clone(),
        subdivision: subdivision.clone(),
    });
    sla::Calendar {
        name: name.clone(),
        time_zone: time_zone.clone(),
        preset: PRESETS.code(preset),
        weekly: weekly.iter().map(interval).collect(),
        overrides: days.collect(),
        holiday_files: files.collect(),
        holiday_regions: regions.collect(),
        etag,
        ..sla::Calendar::default()
    }
}

/// An instant that was read from a file.
pub(super) fn instant(text: &str) -> Option<prost_types::Timestamp> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(prost_types::Timestamp {
        seconds: at.as_second(),
        nanos: at.subsec_nanosecond(),
    })
}

pub(super) fn proto_policy(
    policy: &Policy,
    group_ids: &BTreeMap<String, String>,
    etag: String,
) -> sla::Policy {
    let Policy {
        name,
        position,
        conditions,
        targets,
        warn_percents,
        no_warnings,
        ends_at,
        reply_authors,
        bot_phase,
        open_tickets: _,
        reactions,
    } = policy;
    let target = |target: &Target| sla::Target {
        metric: METRICS.code(&target.metric),
        priority: PRIORITIES.code(&target.priority),
        target: Some(duration_to_proto(target.within)),
        calendar_id: target.calendar.clone(),
    };
    let attributes = conditions.attributes.iter();
    let conditions = sla::PolicyConditions {
        priorities: codes(&conditions.priorities, PRIORITIES),
        channels: codes(&conditions.channels, CHANNELS),
        categories: list(&conditions.categories),
        tags: list(&conditions.tags),
        languages: list(&conditions.languages),
        organisations: list(&conditions.organisations),
        attributes: attributes
            .map(|(key, values)| sla::AttributeCondition {
                key: key.clone(),
                values: list(values),
            })
            .collect(),
        // Policies know groups by id alone.
        group_ids: conditions
            .groups
            .iter()
            .filter_map(|name| group_ids.get(name))
            .cloned()
            .collect(),
    };
    sla::Policy {
        name: name.clone(),
        position: *position,
        conditions: Some(conditions),
        targets: targets.iter().map(target).collect(),
        warn_percents: warn_percents.iter().copied().collect(),
        no_warnings: *no_warnings,
        ends_at: ENDS.code(ends_at),
        reply_authors: codes(reply_authors, AUTHORS),
        bot_phase: BOT_PHASES.code(bot_phase),
        reactions: reactions
            .iter()
            .map(|one| escalations::proto_reaction(one, group_ids))
            .collect(),
        etag,
        ..sla::Policy::default()
    }
}

pub(super) fn known_calendar(calendar: sla::Calendar) -> Known<Calendar> {
    let preset = PRESETS.word(calendar.preset);
    // The hours of a preset are the preset's to know.
    let weekly = if preset.is_empty() {
        calendar.weekly
    } else {
        Vec::new()
    };
    let weekly = weekly.into_iter().map(|one| {
        (
            one.weekday,
            time_of_day(&one.opens),
            time_of_day(&one.closes),
        )
    });
    let day = |day: sla::DateOverride| {
        let hours = day.intervals.into_iter();
        let intervals = hours.map(|one| (time_of_day(&one.opens), time_of_day(&one.closes)));
        (
            day.date,
            Override {
                name: day.name,
                intervals: intervals.collect(),
            },
        )
    };
    let files = calendar.holiday_files.into_iter();
    let regions = calendar.holiday_regions.into_iter();
    let is = Calendar {
        name: calendar.name,
        time_zone: calendar.time_zone,
        preset,
        weekly: weekly.collect(),
        overrides: calendar.overrides.into_iter().map(day).collect(),
        holiday_files: files.map(|one| (one.name, one.text)).collect(),
        holiday_regions: regions.map(|one| (one.country, one.subdivision)).collect(),
        effective_at: calendar.effective_at.and_then(written),
        open_tickets: String::new(),
    };
    Known {
        etag: calendar.etag,
        is,
    }
}

/// An instant as a file writes it.
fn written(at: prost_types::Timestamp) -> Option<String> {
    let at = jiff::Timestamp::new(at.seconds, at.nanos).ok()?;
    Some(at.to_string())
}

pub(super) fn known_policy(
    policy: sla::Policy,
    names: &BTreeMap<String, String>,
) -> Result<Known<Policy>> {
    let target = |target: sla::Target| {
        Ok(Target {
            metric: METRICS.word(target.metric),
            priority: PRIORITIES.word(target.priority),
            within: time(target.target)?,
            calendar: named(target.calendar_id, names),
        })
    };
    let authors = policy.reply_authors.into_iter();
    let reactions = policy.reactions.into_iter();
    let reactions = reactions.map(|one| escalations::known_reaction(one, names));
    let is = Policy {
        name: policy.name,
        position: policy.position,
        conditions: conditions(policy.conditions.unwrap_or_default(), names),
        targets: policy
            .targets
            .into_iter()
            .map(target)
            .collect::<Result<_>>()?,
        warn_percents: policy.warn_percents.into_iter().collect(),
        no_warnings: policy.no_warnings,
        ends_at: ENDS.word(policy.ends_at),
        reply_authors: authors.map(|code| AUTHORS.word(code)).collect(),
        bot_phase: BOT_PHASES.word(policy.bot_phase),
        open_tickets: String::new(),
        reactions: reactions.collect(),
    };
    Ok(Known {
        etag: policy.etag,
        is,
    })
}

fn conditions(given: sla::PolicyConditions, names: &BTreeMap<String, String>) -> Conditions {
    let attributes = given.attributes.into_iter();
    Conditions {
        priorities: given
            .priorities
            .into_iter()
            .map(|code| PRIORITIES.word(code))
            .collect(),
        channels: given
            .channels
            .into_iter()
            .map(|code| CHANNELS.word(code))
            .collect(),
        categories: given.categories.into_iter().collect(),
        tags: given.tags.into_iter().collect(),
        languages: lower(given.languages),
        organisations: given.organisations.into_iter().collect(),
        attributes: attributes
            .map(|one| (one.key, one.values.into_iter().collect()))
            .collect(),
        groups: given
            .group_ids
            .into_iter()
            .map(|id| named(id, names))
            .collect(),
    }
}
