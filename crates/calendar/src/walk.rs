//! Goes through the open intervals of one edition, whole ordinary weeks at a stride.

use jiff::ToSpan as _;
use jiff::civil::Date;
use lotse_clock::Timestamp;

use crate::day::Span;
use crate::rules::{Rules, instant};

const WEEK_MILLIS: i64 = 7 * 86_400_000;

/// An ordered walk over the open intervals within `[from, to)`.
pub(crate) struct Walk<'a> {
    rules: &'a Rules,
    /// Everything before is behind. It also keeps spans apart that a clock change has laid one
    /// over the other.
    from: Timestamp,
    to: Timestamp,
    /// The date whose spans come next, `None` beyond the last there is.
    date: Option<Date>,
    /// Spans of `date` already taken.
    taken: usize,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(rules: &'a Rules, from: Timestamp, to: Timestamp) -> Walk<'a> {
        // A day early: a clock set back at midnight gives yesterday's date to an instant of today,
        // and nothing of the day before can reach further.
        let date = rules.date(from);
        let date = date.yesterday().unwrap_or(date);
        Walk {
            rules,
            from,
            to,
            date: Some(date),
            taken: 0,
        }
    }

    /// When `left` milliseconds of open time have passed; what is left of them at the end.
    pub(crate) fn reach(mut self, mut left: i64) -> Result<Timestamp, i64> {
        loop {
            // One millisecond must remain to be walked, so that the end is found where it is: at
            // closing time, not at an opening weeks later.
            let weeks = (left - 1).checked_div(self.rules.week_millis).unwrap_or(0);
            left -= self.skip_weeks(weeks) * self.rules.week_millis;
            let (start, end) = self.next().ok_or(left)?;
            let open = end.millis_since(start);
            if left <= open {
                return Ok(Timestamp::from_millis(start.as_millis() + left));
            }
            left -= open;
        }
    }

    /// All open milliseconds.
    pub(crate) fn total(mut self) -> i64 {
        let mut millis = 0;
        loop {
            millis += self.skip_weeks(i64::MAX) * self.rules.week_millis;
            match self.next() {
                Some((start, end)) => millis += end.millis_since(start),
                None => return millis,
            }
        }
    }

    /// Passes over up to `wanted` weeks that lie between the ends of this walk and are all alike:
    /// no exception and no clock change in them. Returns how many.
    fn skip_weeks(&mut self, wanted: i64) -> i64 {
        let Some(date) = self.date.filter(|_| wanted > 0 && self.taken == 0) else {
            return 0;
        };
        let Some(midnight) = self
            .rules
            .at(date, 0)
            .filter(|midnight| *midnight >= self.from)
        else {
            return 0;
        };
        let room = self.to.millis_since(midnight) / WEEK_MILLIS;
        if room <= 0 {
            return 0;
        }
        let weeks = self.alike_from(date, midnight).min(wanted).min(room);
        let Ok(later) = date.checked_add((7 * weeks).days()) else {
            return 0;
        };
        self.date = Some(later);
        self.from = Timestamp::from_millis(midnight.as_millis() + weeks * WEEK_MILLIS);
        weeks
    }

    /// Whole weeks from the beginning of `date` in which nothing is out of the ordinary.
    fn alike_from(&self, date: Date, midnight: Timestamp) -> i64 {
        let days_until = |other: Date| other.duration_since(date).as_hours() / 24;
        let exception = self.rules.exceptions.range(date..).next();
        let until_exception = exception.map_or(i64::MAX, |(other, _)| days_until(*other));
        if until_exception < 7 {
            return 0;
        }
        // The clock change may stand at midnight: the day before counts as touched too, and one
        // at the very beginning of `date` as a change of it, as it begins with a gap then.
        let before = Timestamp::from_millis(midnight.as_millis().saturating_sub(1));
        let change = self.rules.zone.following(instant(before)).next();
        let until_change = change.map_or(i64::MAX, |change| {
            days_until(self.rules.zone.to_datetime(change.timestamp()).date()) - 1
        });
        until_exception.min(until_change).max(0) / 7
    }

    /// `span` of `date` as far as it lies ahead.
    fn ahead(&self, date: Date, span: Span) -> Option<(Timestamp, Timestamp)> {
        let (start, end) = (
            self.rules.at(date, span.from)?,
            self.rules.at(date, span.to)?,
        );
        let (start, end) = (start.max(self.from), end.min(self.to));
        (start < end).then_some((start, end))
    }
}

impl Iterator for Walk<'_> {
    type Item = (Timestamp, Timestamp);

    fn next(&mut self) -> Option<(Timestamp, Timestamp)> {
        while let Some(date) = self.date {
            let day = self.rules.day(date);
            while let Some(span) = day.get(self.taken) {
                self.taken += 1;
                if let Some((start, end)) = self.ahead(date, *span) {
                    self.from = end;
                    if self.taken == day.len() {
                        (self.date, self.taken) = (date.tomorrow().ok(), 0);
                    }
                    return Some((start, end));
                }
            }
            (self.date, self.taken) = (date.tomorrow().ok(), 0);
            // A date begins no earlier than the one before, so nothing ahead can lie within.
            if self
                .date
                .and_then(|date| self.rules.at(date, 0))
                .is_none_or(|start| start >= self.to)
            {
                self.date = None;
            }
        }
        None
    }
}
