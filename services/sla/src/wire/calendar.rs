//! Calendars, as callers write and read them.

use jiff::civil::Date;
use lotse_calendar::{Hours, InvalidCalendar, Override, Problem, Shift, Spec, TimeOfDay, Weekday};
use lotse_errors::{Text, Violations};
use lotse_grpc::etag;
use lotse_ids::CalendarId;
use lotse_proto::sla::v1 as proto;
use lotse_proto::time::to_proto;

use super::holidays;
use crate::settings::{CalendarContent, Preset, looks_like_id};
use crate::store::settings::Setting;

/// Reads the calendar of a Put; what is wrong with it goes to `wrong`, under `calendar`.
pub(crate) fn read(calendar: &proto::Calendar, wrong: &mut Violations) -> Option<CalendarContent> {
    // The server sets the others.
    let proto::Calendar {
        id: _,
        name,
        time_zone,
        preset,
        weekly,
        overrides,
        version: _,
        etag: _,
        created_at: _,
        updated_at: _,
        holiday_files,
        holiday_regions,
        effective_at: _,
        holidays_until: _,
    } = calendar;
    let mut inner = Violations::new();
    let name = inner.text("name", name, Text::line(1..=128));
    let an_id = looks_like_id(CalendarId::PREFIX, &name);
    inner.require("name", !an_id, "must not look like an id");
    let zone = inner.text("time_zone", time_zone, Text::line(1..=64));
    let preset = read_preset(*preset, &mut inner);
    let week = match preset {
        Some(Some(preset)) => {
            // What was answered may be put again as it is.
            let week = preset.week();
            let same = weekly.is_empty() || read_week(weekly, &mut inner) == week;
            inner.require("weekly", same, "must be empty or the hours of the preset");
            week
        }
        _ => read_week(weekly, &mut inner),
    };
    let overrides = read_overrides(overrides, &mut inner);
    let holidays = holidays::read(holiday_files, holiday_regions, &mut inner);
    let sound = inner.is_empty();
    let content = preset.map(|preset| CalendarContent {
        name,
        preset,
        spec: Spec {
            zone,
            version: 0,
            week,
            overrides,
        },
        holidays,
        effective_at: None,
    });
    // Only a calendar that could be read as a whole can be judged as a whole.
    if sound
        && let Some(content) = &content
        && let Err(invalid) = content.calendar(0)
    {
        tell(invalid, &mut inner);
    }
    wrong.nest("calendar", inner);
    content
}

/// Tells what is wrong with the hours, by the names that the caller knows.
fn tell(invalid: InvalidCalendar, wrong: &mut Violations) {
    for Problem { field, message } in invalid.problems {
        let field = match field.as_str() {
            "zone" => "time_zone".to_owned(),
            other => other
                .replace("week", "weekly")
                .replace(".hours[", ".intervals[")
                .replace(".from", ".opens")
                .replace(".to", ".closes"),
        };
        wrong.add(field, message);
    }
}

fn read_preset(given: i32, wrong: &mut Violations) -> Option<Option<Preset>> {
    let preset = match proto::CalendarPreset::try_from(given) {
        Ok(proto::CalendarPreset::Unspecified) => Ok(None),
        Ok(proto::CalendarPreset::Always) => Ok(Some(Preset::Always)),
        Ok(proto::CalendarPreset::Weekdays24h) => Ok(Some(Preset::Weekdays24h)),
        Ok(proto::CalendarPreset::BusinessHours) => Ok(Some(Preset::BusinessHours)),
        Err(_) => Err("must be a preset or unspecified"),
    };
    wrong.take("preset", preset)
}

fn read_week(given: &[proto::WeeklyInterval], wrong: &mut Violations) -> Vec<Shift> {
    let count = (1..=168).contains(&given.len());
    wrong.require(
        "weekly",
        count,
        "must be 1 to 168 intervals unless there is a preset",
    );
    let mut week = Vec::new();
    for (index, interval) in given.iter().take(168).enumerate() {
        let proto::WeeklyInterval {
            weekday,
            opens,
            closes,
        } = interval;
        let mut inner = Violations::new();
        let day = inner.take("weekday", read_weekday(*weekday).ok_or("must be a weekday"));
        let from = inner.parse::<TimeOfDay>("opens", opens);
        let to = inner.parse::<TimeOfDay>("closes", closes);
        wrong.nest(&format!("weekly[{index}]"), inner);
        if let (Some(day), Some(from), Some(to)) = (day, from, to) {
            week.push(Shift { day, from, to });
        }
    }
    // The same hours in another order are no change.
    week.sort_by_key(|shift| (shift.day, shift.from));
    week
}

fn read_overrides(given: &[proto::DateOverride], wrong: &mut Violations) -> Vec<Override> {
    wrong.require("overrides", given.len() <= 2_000, "must be at most 2,000");
    let mut overrides = Vec::new();
    for (index, day) in given.iter().take(2_000).enumerate() {
        let mut inner = Violations::new();
        overrides.extend(read_override(day, &mut inner));
        wrong.nest(&format!("overrides[{index}]"), inner);
    }
    overrides.sort_by_key(|day| day.date);
    overrides
}

fn read_override(given: &proto::DateOverride, wrong: &mut Violations) -> Option<Override> {
    let proto::DateOverride {
        date,
        intervals,
        name,
    } = given;
    let name = wrong.text("name", name, Text::line(0..=128));
    let parsed = wrong.take("date", read_date(date));
    wrong.require("intervals", intervals.len() <= 24, "must be at most 24");
    let mut hours = Vec::new();
    for (index, interval) in intervals.iter().take(24).enumerate() {
        let proto::DayInterval { opens, closes } = interval;
        let mut inner = Violations::new();
        let from = inner.parse::<TimeOfDay>("opens", opens);
        let to = inner.parse::<TimeOfDay>("closes", closes);
        wrong.nest(&format!("intervals[{index}]"), inner);
        if let (Some(from), Some(to)) = (from, to) {
            hours.push(Hours { from, to });
        }
    }
    hours.sort_by_key(|hours| hours.from);
    Some(Override {
        date: parsed?,
        name,
        hours,
    })
}

/// A date in the one form in which it is answered.
pub(crate) fn read_date(text: &str) -> Result<Date, &'static str> {
    let parsed = text.parse::<Date>().ok();
    let parsed = parsed.filter(|parsed| parsed.to_string() == text);
    parsed.ok_or("must be a date, YYYY-MM-DD")
}

fn read_weekday(given: i32) -> Option<Weekday> {
    let index = usize::try_from(given).ok()?.checked_sub(1)?;
    Weekday::ALL.get(index).copied()
}

/// A calendar as callers see it.
pub(crate) fn write(calendar: &Setting<CalendarContent>) -> proto::Calendar {
    let Setting {
        id,
        version,
        current: _,
        content,
        created_at,
        updated_at,
    } = calendar;
    let CalendarContent {
        name,
        preset,
        spec,
        holidays,
        effective_at: _,
    } = content;
    let Spec {
        zone,
        version: _,
        week,
        overrides,
    } = spec;
    let preset = match preset {
        None => proto::CalendarPreset::Unspecified,
        Some(Preset::Always) => proto::CalendarPreset::Always,
        Some(Preset::Weekdays24h) => proto::CalendarPreset::Weekdays24h,
        Some(Preset::BusinessHours) => proto::CalendarPreset::BusinessHours,
    };
    let (holiday_files, holiday_regions) = holidays::write(holidays);
    proto::Calendar {
        id: id.clone(),
        name: name.clone(),
        time_zone: zone.clone(),
        preset: preset.into(),
        weekly: week.iter().map(write_shift).collect(),
        overrides: overrides.iter().map(write_override).collect(),
        version: *version,
        etag: etag::of(i64::from(*version)),
        created_at: Some(to_proto(*created_at)),
        updated_at: Some(to_proto(*updated_at)),
        holiday_files,
        holiday_regions,
        effective_at: content.effective_at().map(to_proto),
        holidays_until: holidays
            .until
            .map_or_else(String::new, |date| date.to_string()),
    }
}

fn write_shift(shift: &Shift) -> proto::WeeklyInterval {
    let weekday = match shift.day {
        Weekday::Monday => proto::Weekday::Monday,
        Weekday::Tuesday => proto::Weekday::Tuesday,
        Weekday::Wednesday => proto::Weekday::Wednesday,
        Weekday::Thursday => proto::Weekday::Thursday,
        Weekday::Friday => proto::Weekday::Friday,
        Weekday::Saturday => proto::Weekday::Saturday,
        Weekday::Sunday => proto::Weekday::Sunday,
    };
    proto::WeeklyInterval {
        weekday: weekday.into(),
        opens: shift.from.to_string(),
        closes: shift.to.to_string(),
    }
}

fn write_override(day: &Override) -> proto::DateOverride {
    proto::DateOverride {
        date: day.date.to_string(),
        intervals: day.hours.iter().map(write_hours).collect(),
        name: day.name.clone(),
    }
}

pub(super) fn write_hours(hours: &Hours) -> proto::DayInterval {
    proto::DayInterval {
        opens: hours.from.to_string(),
        closes: hours.to.to_string(),
    }
}
