//! Calendars against named cases and against a naive model.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cases;
mod clock_changes;
mod editions;
mod generate;
mod ics;
mod invalid;
mod model;
mod properties;
mod regions;
mod spans;

use lotse_clock::Timestamp;

/// An instant as RFC 3339 says it, to the millisecond.
pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

pub(crate) fn time(text: &str) -> lotse_calendar::TimeOfDay {
    text.parse().unwrap()
}
