//! One edition of a calendar, ready to compute: open hours of the week and of special days.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use lotse_clock::Timestamp;

use crate::check::check;
use crate::day::{Span, joined, seconds, split};
use crate::special::by_date;
use crate::walk::Walk;
use crate::{Holiday, InvalidCalendar, Spec, SpecialDay};

/// What [`Spec`] and holidays amount to, day by day.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) spec: Spec,
    pub(crate) zone: TimeZone,
    /// Open spans of each weekday, Monday first, with what the day before leaves for the morning.
    week: [Vec<Span>; 7],
    /// Dates with hours of their own.
    pub(crate) special_days: BTreeMap<Date, SpecialDay>,
    /// Open spans of the dates that differ from their weekday: special days and the day after each.
    pub(crate) exceptions: BTreeMap<Date, Vec<Span>>,
    /// Business milliseconds of a week without exceptions and clock changes.
    pub(crate) week_millis: i64,
    /// Every instant is open.
    pub(crate) always: bool,
}

impl Rules {
    pub(crate) fn new(spec: Spec, holidays: Vec<Holiday>) -> Result<Rules, InvalidCalendar> {
        let zone = check(&spec)?;
        let mut week: [Vec<Span>; 7] = Default::default();
        // Of each weekday, what it leaves for the next morning.
        let mut mornings: [Vec<Span>; 7] = Default::default();
        for shift in &spec.week {
            let (own, next) = split(shift.from, shift.to);
            let day = shift.day.index();
            week[day].push(own);
            mornings[day].extend(next);
        }
        let own_hours = week.clone();
        for (day, spans) in week.iter_mut().enumerate() {
            spans.extend(&mornings[(day + 6) % 7]);
            *spans = joined(std::mem::take(spans));
        }
        let special_days = by_date(&spec, holidays);
        let exceptions = exceptions(&special_days, &own_hours);
        let week_millis = week.iter().map(|day| seconds(day)).sum::<i64>() * 1000;
        let always = exceptions.is_empty() && week_millis == 7 * 86_400_000;
        Ok(Rules {
            spec,
            zone,
            week,
            special_days,
            exceptions,
            week_millis,
            always,
        })
    }

    /// Open milliseconds from `from` to `to`.
    pub(crate) fn total(&self, from: Timestamp, to: Timestamp) -> i64 {
        if self.always {
            return to.millis_since(from).max(0);
        }
        Walk::new(self, from, to).total()
    }

    /// When `left` open milliseconds, at least one, have passed since `from`; what is then still
    /// left if that is not before or at `to`.
    pub(crate) fn reach(
        &self,
        from: Timestamp,
        to: Timestamp,
        left: i64,
    ) -> Result<Timestamp, i64> {
        if self.always {
            let room = to.millis_since(from);
            let there = Timestamp::from_millis(from.as_millis().saturating_add(left));
            return (left <= room).then_some(there).ok_or(left - room);
        }
        Walk::new(self, from, to).reach(left)
    }

    /// Open spans of a date.
    pub(crate) fn day(&self, date: Date) -> &[Span] {
        match self.exceptions.get(&date) {
            Some(day) => day,
            None => self.common_day(date),
        }
    }

    /// Open spans of a date's weekday.
    pub(crate) fn common_day(&self, date: Date) -> &[Span] {
        &self.week[date.weekday().to_monday_zero_offset() as usize]
    }

    /// The local date at an instant.
    pub(crate) fn date(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(instant(at)).date()
    }

    /// The instant at which the clock on the wall shows `second` of `date`; `None` beyond the last
    /// date there is.
    pub(crate) fn at(&self, date: Date, second: u32) -> Option<Timestamp> {
        let (date, second) = match second {
            86_400 => (date.tomorrow().ok()?, 0),
            second => (date, second),
        };
        let (hour, minute) = ((second / 3600) as i8, (second / 60 % 60) as i8);
        let local = date.at(hour, minute, (second % 60) as i8, 0);
        let at = self.zone.to_ambiguous_timestamp(local).compatible().ok()?;
        Some(Timestamp::from_millis(at.as_millisecond()))
    }
}

/// The spans of every date that a special day touches: its own hours alone on the date itself, and
/// on the next one, where that is not special, the weekday's own hours with the special morning.
fn exceptions(
    special_days: &BTreeMap<Date, SpecialDay>,
    own_hours: &[Vec<Span>; 7],
) -> BTreeMap<Date, Vec<Span>> {
    let mut dates: BTreeMap<Date, Vec<Span>> = BTreeMap::new();
    let mut next_days: BTreeMap<Date, Vec<Span>> = BTreeMap::new();
    for (date, day) in special_days {
        let (mut own, mut mornings) = (Vec::new(), Vec::new());
        for hours in &day.hours {
            let (span, next) = split(hours.from, hours.to);
            own.push(span);
            mornings.extend(next);
        }
        dates.insert(*date, joined(own));
        // The last date there is has no next one.
        if let Ok(next) = date.tomorrow() {
            mornings.extend(&own_hours[next.weekday().to_monday_zero_offset() as usize]);
            next_days.insert(next, joined(mornings));
        }
    }
    for (date, spans) in next_days {
        dates.entry(date).or_insert(spans);
    }
    dates
}

/// The same instant in jiff's terms; what lies beyond its years -9999 to 9999 is their end.
pub(crate) fn instant(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(if at < Timestamp::EPOCH {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    })
}
