//! A calendar that computes.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use lotse_clock::Timestamp;

use crate::check::check;
use crate::day::{Span, joined, seconds, split};
use crate::walk::Walk;
use crate::{InvalidCalendar, Shift, Spec, TimeOfDay, Weekday};

/// How far a search looks: five years, and the leap days in them.
const HORIZON: Duration = Duration::from_secs(86_400 * (5 * 365 + 2));

/// Business time: which instants are open. Cheap to compute with, so worth keeping.
#[derive(Debug, Clone)]
pub struct Calendar {
    spec: Spec,
    pub(crate) zone: TimeZone,
    /// Open spans of each weekday, Monday first, with what the day before leaves for the morning.
    week: [Vec<Span>; 7],
    /// Dates that differ from their weekday: those with an override, and the day after each.
    pub(crate) exceptions: BTreeMap<Date, Vec<Span>>,
    /// Business milliseconds of a week without exceptions and clock changes.
    pub(crate) week_millis: i64,
    /// Every instant is open.
    pub(crate) always: bool,
}

/// A budget that is not used up within five years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}s of business time are not reached within five years of {from}", budget.as_secs_f64())]
pub struct NeverReached {
    /// Where the search began.
    pub from: Timestamp,
    /// What was to be used up.
    pub budget: Duration,
}

impl Calendar {
    /// The calendar that `spec` describes, or everything wrong with it.
    pub fn new(spec: Spec) -> Result<Calendar, InvalidCalendar> {
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
        let exceptions = exceptions(&spec, &own_hours);
        let week_millis = week.iter().map(|day| seconds(day)).sum::<i64>() * 1000;
        let always = exceptions.is_empty() && week_millis == 7 * 86_400_000;
        Ok(Calendar {
            spec,
            zone,
            week,
            exceptions,
            week_millis,
            always,
        })
    }

    /// Around the clock, every day.
    #[must_use]
    pub fn always() -> Calendar {
        let week = whole_days(&Weekday::ALL);
        Calendar::new(spec("UTC", week)).expect("a sound spec") // invariant: a constant, tested
    }

    /// Around the clock from Monday to Friday in `zone` (IANA name).
    pub fn weekdays_24h(zone: &str) -> Result<Calendar, InvalidCalendar> {
        Calendar::new(spec(zone, whole_days(&Weekday::ALL[..5])))
    }

    /// The same hours on each of `days` in `zone` (IANA name).
    pub fn business_hours(
        zone: &str,
        from: TimeOfDay,
        to: TimeOfDay,
        days: &[Weekday],
    ) -> Result<Calendar, InvalidCalendar> {
        let week = days
            .iter()
            .map(|day| Shift {
                day: *day,
                from,
                to,
            })
            .collect();
        Calendar::new(spec(zone, week))
    }

    /// What it was made of.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The version its spec carries.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.spec.version
    }

    /// When `budget` of business time (milliseconds count) is used up, counted from `from`. A
    /// budget that ends exactly at closing time ends then, not at the next opening; a zero budget
    /// ends at once, open or closed.
    ///
    /// # Errors
    /// When that is not within five years.
    pub fn advance(&self, from: Timestamp, budget: Duration) -> Result<Timestamp, NeverReached> {
        let never = NeverReached { from, budget };
        let left = i64::try_from(budget.as_millis()).map_err(|_| never)?;
        if left == 0 {
            return Ok(from);
        }
        let end = from + HORIZON;
        if self.always {
            return (budget <= HORIZON).then(|| from + budget).ok_or(never);
        }
        Walk::new(self, from, end).reach(left).ok_or(never)
    }

    /// Business time from `from` to `to`, to the millisecond; zero when `to` is not later.
    #[must_use]
    pub fn elapsed(&self, from: Timestamp, to: Timestamp) -> Duration {
        if self.always || to <= from {
            return to.since(from);
        }
        Walk::new(self, from, to).total()
    }

    /// The first open instant that is not before `from`.
    ///
    /// # Errors
    /// When there is none within five years.
    pub fn next_open(&self, from: Timestamp) -> Result<Timestamp, NeverReached> {
        let first = self.intervals(from, from + HORIZON).next();
        first.map(|(open, _)| open).ok_or(NeverReached {
            from,
            budget: Duration::ZERO,
        })
    }

    /// Whether `at` is open.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        let next = at + Duration::from_millis(1);
        self.always || self.intervals(at, next).next().is_some()
    }

    /// The open intervals `[start, end)` between `from` and `to`, in order, not empty. One that
    /// goes past local midnight comes as two that touch.
    pub fn intervals(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        Walk::new(self, from, to)
    }

    /// Open spans of a date.
    pub(crate) fn day(&self, date: Date) -> &[Span] {
        match self.exceptions.get(&date) {
            Some(day) => day,
            None => &self.week[date.weekday().to_monday_zero_offset() as usize],
        }
    }
}

/// The spans of every date that an override touches: its own hours alone on the date itself, and
/// on the next one, where that has none, the weekday's own hours with the override's morning.
fn exceptions(spec: &Spec, own_hours: &[Vec<Span>; 7]) -> BTreeMap<Date, Vec<Span>> {
    let mut dates: BTreeMap<Date, Vec<Span>> = BTreeMap::new();
    let mut next_days: BTreeMap<Date, Vec<Span>> = BTreeMap::new();
    for date in &spec.overrides {
        let (mut own, mut mornings) = (Vec::new(), Vec::new());
        for hours in &date.hours {
            let (span, next) = split(hours.from, hours.to);
            own.push(span);
            mornings.extend(next);
        }
        dates.insert(date.date, joined(own));
        // The last date there is has no next one.
        if let Ok(next) = date.date.tomorrow() {
            mornings.extend(&own_hours[next.weekday().to_monday_zero_offset() as usize]);
            next_days.insert(next, joined(mornings));
        }
    }
    for (date, spans) in next_days {
        dates.entry(date).or_insert(spans);
    }
    dates
}

fn whole_days(days: &[Weekday]) -> Vec<Shift> {
    let whole = |day: &Weekday| Shift {
        day: *day,
        from: TimeOfDay::START,
        to: TimeOfDay::END,
    };
    days.iter().map(whole).collect()
}

fn spec(zone: &str, week: Vec<Shift>) -> Spec {
    Spec {
        zone: zone.to_owned(),
        version: 1,
        week,
        overrides: Vec::new(),
    }
}
