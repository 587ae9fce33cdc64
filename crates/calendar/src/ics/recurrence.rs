//! Recurrence rules of whole days. The `rrule` crate expands them; dates are midnights in UTC to it.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime};
use jiff::civil::Date;
use rrule::{RRule, RRuleSet, Tz, Unvalidated};

use super::FILE_DATES;
use super::event::Reach;

/// Most occurrences of one rule that are looked at.
const MAX_OCCURRENCES: usize = 40_000;

/// `YYYYMMDD`
pub(super) fn date(value: &str) -> Option<Date> {
    if value.len() != 8 || !value.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| value[from..to].parse::<i16>().ok();
    let (month, day) = (part(4, 6)?, part(6, 8)?);
    Date::new(part(0, 4)?, month.try_into().ok()?, day.try_into().ok()?).ok()
}

/// The dates of a rule that begins on `start`, up to the last that is wanted.
pub(super) fn expand(rule: &str, start: Date) -> Result<Reach, String> {
    let first = midnight(start).ok_or("DTSTART is out of range")?;
    let parsed = parse(rule)?;
    let set: RRuleSet = parsed
        .build(first)
        .map_err(|error| format!("RRULE: {error}"))?;
    let mut reach = Reach {
        starts: BTreeSet::new(),
        goes_on: false,
    };
    for at in set.limit().into_iter().take(MAX_OCCURRENCES) {
        let Some(date) = civil(&at).filter(|date| date <= FILE_DATES.end()) else {
            reach.goes_on = true;
            return check_start(reach, start);
        };
        reach.starts.insert(date);
    }
    if reach.starts.len() == MAX_OCCURRENCES {
        return Err(format!("RRULE has more than {MAX_OCCURRENCES} occurrences"));
    }
    check_start(reach, start)
}

/// RFC 5545, section 3.8.5.3: what a rule means that does not yield DTSTART is undefined.
fn check_start(reach: Reach, start: Date) -> Result<Reach, String> {
    if reach.starts.contains(&start) || start > *FILE_DATES.end() {
        return Ok(reach);
    }
    Err(format!(
        "RRULE does not yield DTSTART ({start}); RFC 5545 leaves open what that means"
    ))
}

/// A rule without hours. UNTIL is read here: the library would take a date for local time.
fn parse(rule: &str) -> Result<RRule<Unvalidated>, String> {
    let (mut rest, mut until, mut count) = (Vec::new(), None, false);
    for part in rule.trim_end_matches(';').split(';') {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        match key.to_ascii_uppercase().as_str() {
            // Some programs write a time here, at odds with the standard; its date is meant.
            "UNTIL" => {
                let day = value.split('T').next().and_then(date).and_then(midnight);
                until = Some(day.ok_or_else(|| format!("RRULE: UNTIL={value} is no date"))?);
            }
            "BYHOUR" | "BYMINUTE" | "BYSECOND" => {
                return Err(format!("RRULE: {key} in an event of whole days"));
            }
            "FREQ" if !["YEARLY", "MONTHLY", "WEEKLY", "DAILY"].contains(&value) => {
                return Err(format!(
                    "RRULE: FREQ={value} is not YEARLY, MONTHLY, WEEKLY or DAILY"
                ));
            }
            key => {
                count |= key == "COUNT";
                rest.push(part);
            }
        }
    }
    if count && until.is_some() {
        return Err("RRULE: COUNT beside UNTIL".to_owned());
    }
    let parsed = rest.join(";").parse::<RRule<Unvalidated>>();
    let parsed = parsed.map_err(|error| format!("RRULE: {error}"))?;
    Ok(match until {
        Some(until) => parsed.until(until),
        None => parsed,
    })
}

fn midnight(date: Date) -> Option<DateTime<Tz>> {
    let (month, day) = (date.month().try_into().ok()?, date.day().try_into().ok()?);
    let day = NaiveDate::from_ymd_opt(date.year().into(), month, day)?;
    let midnight = day.and_time(NaiveTime::MIN).and_utc();
    Some(midnight.with_timezone(&Tz::UTC))
}

fn civil(at: &DateTime<Tz>) -> Option<Date> {
    let (month, day) = (at.month().try_into().ok()?, at.day().try_into().ok()?);
    Date::new(at.year().try_into().ok()?, month, day).ok()
}
