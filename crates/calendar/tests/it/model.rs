//! The naive model: minute by minute, straight from the words of the spec.

use std::collections::HashSet;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan as _};
use lotse_calendar::{Spec, TimeOfDay, Weekday};
use lotse_clock::Timestamp;

const MINUTE: i64 = 60_000;

/// The open minutes of a few weeks, each by its first millisecond.
pub(crate) struct Model {
    open: HashSet<i64>,
}

impl Model {
    /// The minutes of `spec` from two days before `from` to two days after `to`.
    pub(crate) fn new(spec: &Spec, from: Timestamp, to: Timestamp) -> Model {
        let zone = TimeZone::get(&spec.zone).unwrap();
        let date_of = |at: Timestamp| {
            zone.to_datetime(jiff::Timestamp::from_millisecond(at.as_millis()).unwrap())
                .date()
        };
        let (first, last) = (date_of(from) - 2.days(), date_of(to) + 2.days());
        let mut open = HashSet::new();
        for date in first.series(1.day()).take_while(|date| *date <= last) {
            for (start, end) in hours(spec, date) {
                let (start, end) = (millis(&zone, start), millis(&zone, end));
                open.extend((start..end).step_by(MINUTE as usize));
            }
        }
        Model { open }
    }

    /// Open minutes from `from` to `to`, both whole minutes.
    pub(crate) fn elapsed(&self, from: Timestamp, to: Timestamp) -> i64 {
        let minutes = (from.as_millis()..to.as_millis()).step_by(MINUTE as usize);
        minutes.filter(|minute| self.open.contains(minute)).count() as i64
    }
}

/// The hours that begin on `date`, in local time.
fn hours(spec: &Spec, date: Date) -> Vec<(DateTime, DateTime)> {
    let over = |date: Date| spec.overrides.iter().find(|other| other.date == date);
    let begun: Vec<(TimeOfDay, TimeOfDay)> = match over(date) {
        Some(over) => over
            .hours
            .iter()
            .map(|hours| (hours.from, hours.to))
            .collect(),
        None => {
            let weekday = Weekday::ALL[date.weekday().to_monday_zero_offset() as usize];
            let shifts = spec.week.iter().filter(|shift| shift.day == weekday);
            shifts.map(|shift| (shift.from, shift.to)).collect()
        }
    };
    let tomorrow = date + 1.day();
    begun
        .into_iter()
        .map(|(from, to)| {
            let start = local(date, from);
            let end = local(if from < to { date } else { tomorrow }, to);
            // On a date with an override nothing of the day before counts.
            let cut = over(tomorrow)
                .is_some()
                .then(|| local(tomorrow, TimeOfDay::START));
            (start, cut.map_or(end, |cut| end.min(cut)))
        })
        .collect()
}

fn local(date: Date, time: TimeOfDay) -> DateTime {
    date.at(0, 0, 0, 0) + Span::new().seconds(i64::from(time.seconds()))
}

fn millis(zone: &TimeZone, local: DateTime) -> i64 {
    zone.to_ambiguous_timestamp(local)
        .compatible()
        .unwrap()
        .as_millisecond()
}
