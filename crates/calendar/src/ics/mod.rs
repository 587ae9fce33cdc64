//! Holidays from an iCalendar file (RFC 5545): the dates of its all-day events.
//!
//! An event counts unless it is cancelled or marked TRANSPARENT ("does not block time"). It must
//! be of whole days: an event with times is refused rather than left out, as its hours would be
//! missing in silence. Rules are expanded over [`FILE_DATES`].

mod event;
mod lines;
mod recurrence;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};

use crate::{Holiday, REGION_YEARS, Source};
use event::{Event, Reach};

/// The dates that are taken from a file: what is earlier or later is left out.
pub const FILE_DATES: RangeInclusive<Date> = date(2000, 1, 1)..=date(*REGION_YEARS.end(), 12, 31);

/// Most dates that one file may close.
pub const MAX_FILE_DATES: usize = 5_000;

/// An iCalendar file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolidayFile {
    /// What explanations call it.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// What a file closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileHolidays {
    /// In order of their dates; a date comes once for each event that closes it.
    pub holidays: Vec<Holiday>,
    /// Whether a rule would go on beyond the last of [`FILE_DATES`].
    pub goes_on: bool,
}

/// Something wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProblem {
    /// The line, from 1, as the file has them (folded lines count each).
    pub line: usize,
    /// What.
    pub message: String,
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl FileProblem {
    fn new(line: usize, message: impl Into<String>) -> FileProblem {
        FileProblem {
            line,
            message: message.into(),
        }
    }
}

impl HolidayFile {
    /// The holidays it names.
    ///
    /// # Errors
    /// Everything wrong with it; a file that closes no date is wrong too, as nobody means that.
    pub fn holidays(&self) -> Result<FileHolidays, Vec<FileProblem>> {
        let components = lines::events(&self.text).map_err(|problem| vec![problem])?;
        let (mut events, mut problems) = (Vec::new(), Vec::new());
        for component in &components {
            match Event::read(component) {
                Ok(event) => events.push(event),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let closing = closing(&events, &self.name).map_err(|problem| vec![problem])?;
        if closing.holidays.is_empty() {
            let ignored = events.iter().filter(|event| event.ignored).count();
            let dates = format!("{} to {}", FILE_DATES.start(), FILE_DATES.end());
            let message = format!(
                "closes no date from {dates}: {} events, {ignored} of them cancelled or TRANSPARENT",
                events.len()
            );
            return Err(vec![FileProblem::new(1, message)]);
        }
        Ok(closing)
    }
}

/// The dates of all events that count, without what another event of the same UID replaces.
fn closing(events: &[Event], file: &str) -> Result<FileHolidays, FileProblem> {
    let replaced: BTreeSet<(&str, Date)> = events
        .iter()
        .filter_map(|event| Some((event.uid.as_str(), event.replaces?)))
        .collect();
    let (mut holidays, mut goes_on) = (Vec::new(), false);
    for event in events.iter().filter(|event| !event.ignored) {
        let Reach {
            starts,
            goes_on: more,
        } = event.starts()?;
        goes_on |= more;
        for start in starts {
            let gone = event.replaces.is_none() && replaced.contains(&(&event.uid, start));
            let days = start.series(1.day()).take(event.days);
            let kept = days.filter(|date| !gone && FILE_DATES.contains(date));
            holidays.extend(kept.map(|date| Holiday {
                date,
                name: event.name.clone(),
                source: Source::File(file.to_owned()),
            }));
        }
        if holidays.len() > MAX_FILE_DATES {
            let message = format!("the file closes more than {MAX_FILE_DATES} dates");
            return Err(FileProblem::new(event.line, message));
        }
    }
    holidays.sort_by_key(|holiday| holiday.date);
    Ok(FileHolidays { holidays, goes_on })
}
