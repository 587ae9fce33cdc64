//! Reads calendars, and what hours and dates are written like.

use std::collections::{BTreeMap, BTreeSet};

use lotse_calendar::HolidayFile;

use super::read::{Kind, Reader};
use super::read_promises::{maps, open_tickets};
use super::spec::{Calendar, Override};
use super::words::{PRESETS, WEEKDAYS, time_of_day};
use super::yaml::{Entry, Map};

pub(crate) fn calendar(reader: &mut Reader, map: &mut Map<'_>) -> Option<Calendar> {
    let zone = map.require("time_zone", &mut reader.problems);
    let time_zone = zone
        .and_then(|entry| entry.text(&mut reader.problems))
        .unwrap_or_default();
    let preset = map
        .take("preset")
        .and_then(|entry| reader.word(&entry, PRESETS));
    let weekly = weekly(reader, map);
    if preset.is_some() != weekly.is_empty() {
        reader
            .problems
            .add(&map.at, "needs either \"preset\" or \"weekly\"");
    }
    let mut overrides = BTreeMap::new();
    for mut day in maps(reader, map, "overrides") {
        let name = reader.text(&mut day, "name").unwrap_or_default();
        let intervals = intervals(reader, &mut day);
        let date = day.require("date", &mut reader.problems);
        if let Some((entry, date)) =
            date.and_then(|entry| self::date(reader, &entry).map(|date| (entry, date)))
            && overrides
                .insert(date, Override { name, intervals })
                .is_some()
        {
            reader.problems.add(&entry.at, "repeats a date");
        }
        day.finish(&mut reader.problems);
    }
    let holiday_files = holiday_files(reader, map);
    let holiday_regions = holiday_regions(reader, map);
    let effective_at = map
        .take("effective_at")
        .and_then(|entry| instant(reader, &entry));
    let open_tickets = open_tickets(reader, map);
    let name = reader.name(Kind::Calendar, map)?;
    Some(Calendar {
        name,
        time_zone,
        preset: preset.unwrap_or_default(),
        weekly,
        overrides,
        holiday_files,
        holiday_regions,
        effective_at,
        open_tickets,
    })
}

/// iCalendar files, from beside this file or written into it.
fn holiday_files(reader: &mut Reader, map: &mut Map<'_>) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for mut given in maps(reader, map, "holiday_files") {
        let (path, text) = (given.take("file"), given.take("text"));
        let name = reader.text(&mut given, "name");
        let found = match (path, text) {
            (Some(path), None) => reader.file(&path).map(|(stem, text)| (path.at, stem, text)),
            (None, Some(text)) => {
                let read = text.text(&mut reader.problems);
                read.map(|read| (text.at, String::new(), read))
            }
            _ => {
                let problems = &mut reader.problems;
                problems.add(&given.at, "needs either \"file\" or \"text\"");
                None
            }
        };
        if let Some((at, stem, text)) = found {
            let name = name.unwrap_or(stem);
            if name.is_empty() {
                reader.problems.add(&given.at, "needs \"name\"");
            }
            let file = HolidayFile { name, text };
            for problem in file.holidays().err().unwrap_or_default() {
                let message = format!("is not a file of holidays: its {problem}");
                reader.problems.add(&at, message);
            }
            files.push((file.name, file.text));
        }
        given.finish(&mut reader.problems);
    }
    files
}

/// Countries and subdivisions, `DE` or `DE-BY`.
fn holiday_regions(reader: &mut Reader, map: &mut Map<'_>) -> Vec<(String, String)> {
    let entry = map.take("holiday_regions");
    let codes = entry.map(|entry| entry.texts(&mut reader.problems));
    let codes = codes.unwrap_or_default().into_iter();
    codes
        .map(|(_, code)| match code.split_once('-') {
            Some((country, subdivision)) => (country.to_owned(), subdivision.to_owned()),
            None => (code, String::new()),
        })
        .collect()
}

/// An instant.
pub(crate) fn instant(reader: &mut Reader, entry: &Entry<'_>) -> Option<String> {
    let text = entry.text(&mut reader.problems)?;
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => Some(at.to_string()),
        Err(_) => entry.bad(
            "must be an instant, such as 2027-01-01T00:00:00+01:00",
            &mut reader.problems,
        ),
    }
}

fn weekly(reader: &mut Reader, map: &mut Map<'_>) -> BTreeSet<(i32, String, String)> {
    let mut weekly = BTreeSet::new();
    for mut opening in maps(reader, map, "weekly") {
        let days = reader.words(&mut opening, "days", WEEKDAYS);
        if days.is_empty() {
            reader.problems.add(&opening.at, "needs \"days\"");
        }
        if let Some((opens, closes)) = hours(reader, &mut opening, ["opens", "closes"]) {
            for day in days {
                weekly.insert((WEEKDAYS.code(&day), opens.clone(), closes.clone()));
            }
        }
        opening.finish(&mut reader.problems);
    }
    weekly
}

fn intervals(reader: &mut Reader, day: &mut Map<'_>) -> BTreeSet<(String, String)> {
    let mut intervals = BTreeSet::new();
    for mut opening in maps(reader, day, "intervals") {
        intervals.extend(hours(reader, &mut opening, ["opens", "closes"]));
        opening.finish(&mut reader.problems);
    }
    intervals
}

/// When something begins and ends on a day, under these two keys.
pub(crate) fn hours(
    reader: &mut Reader,
    map: &mut Map<'_>,
    [begin, end]: [&str; 2],
) -> Option<(String, String)> {
    let mut at = |key, is_end| {
        let entry = map.require(key, &mut reader.problems)?;
        moment(reader, &entry, is_end)
    };
    let (begin, end) = (at(begin, false), at(end, true));
    Some((begin?, end?))
}

/// A time of day; the end of a day where something ends.
pub(crate) fn moment(reader: &mut Reader, entry: &Entry<'_>, is_end: bool) -> Option<String> {
    let text = entry.text(&mut reader.problems)?;
    let last = is_end && text == "24:00";
    if !last && text.parse::<jiff::civil::Time>().is_err() {
        return entry.bad("must be a time of day, HH:MM", &mut reader.problems);
    }
    Some(time_of_day(&text))
}

/// A date.
pub(crate) fn date(reader: &mut Reader, entry: &Entry<'_>) -> Option<String> {
    let text = entry.text(&mut reader.problems)?;
    let parsed = text.parse::<jiff::civil::Date>();
    if parsed.is_ok_and(|parsed| parsed.to_string() == text) {
        return Some(text);
    }
    entry.bad("must be a date, YYYY-MM-DD", &mut reader.problems)
}
