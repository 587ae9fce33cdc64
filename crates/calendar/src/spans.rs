//! Time as an explanation tells it: stretch by stretch, open or closed and why.

use std::collections::VecDeque;

use jiff::civil::Date;
use lotse_clock::Timestamp;

use crate::SpecialDay;
use crate::rules::{Rules, instant};
use crate::walk::Walk;

/// A stretch of time, not empty, that is open throughout or closed for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch<'a> {
    /// Its first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
    /// Whether it counts.
    pub state: State<'a>,
    /// The version of the calendar that says so.
    pub version: u32,
    /// Where clocks are changed within it, `start` included, `end` not.
    pub clock_changes: Vec<ClockChange>,
}

/// Whether time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State<'a> {
    /// It does.
    Open,
    /// It does not.
    Closed(Because<'a>),
}

/// Why time does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because<'a> {
    /// The common week has no opening then.
    CommonWeek,
    /// A date has hours of its own: all that is closed on it, and the morning after it, where only
    /// a shift begun on it would have been open.
    SpecialDay(&'a SpecialDay),
}

/// The clock on the wall is set forward or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockChange {
    /// When.
    pub at: Timestamp,
    /// Seconds ahead of UTC until then.
    pub offset_before: i32,
    /// Seconds ahead of UTC from then on.
    pub offset_after: i32,
}

/// The stretches of one edition.
pub(crate) struct Stretches<'a> {
    rules: &'a Rules,
    open: Walk<'a>,
    /// Everything before has become a piece.
    at: Timestamp,
    to: Timestamp,
    /// Pieces in order; neighbours may be alike.
    pieces: VecDeque<Piece<'a>>,
}

struct Piece<'a> {
    start: Timestamp,
    end: Timestamp,
    state: State<'a>,
}

impl<'a> Stretches<'a> {
    pub(crate) fn new(rules: &'a Rules, from: Timestamp, to: Timestamp) -> Stretches<'a> {
        Stretches {
            rules,
            open: Walk::new(rules, from, to),
            at: from,
            to,
            pieces: VecDeque::new(),
        }
    }

    /// Cuts the next open interval and what is closed before it.
    fn cut_more(&mut self) {
        let (start, end) = self.open.next().unwrap_or((self.to, self.to));
        self.cut_closed(start);
        self.push(end, State::Open);
    }

    /// Cuts what is closed up to `end`, date by date.
    fn cut_closed(&mut self, end: Timestamp) {
        // A day early, as a clock set back at midnight gives yesterday's date to an instant of
        // today.
        let first = self.rules.date(self.at);
        let mut date = Some(first.yesterday().unwrap_or(first));
        while self.at < end {
            let next = date.and_then(|date| date.tomorrow().ok());
            let midnight = next.and_then(|next| self.rules.at(next, 0));
            let day_end = midnight.map_or(end, |midnight| midnight.min(end));
            if let Some(date) = date.filter(|_| day_end > self.at) {
                self.cut_closed_day(date, day_end);
            }
            self.push(day_end, State::Closed(Because::CommonWeek));
            date = next;
        }
    }

    /// Cuts what is closed on `date` up to `end`, as far as its weekday is not the reason.
    fn cut_closed_day(&mut self, date: Date, end: Timestamp) {
        if let Some(day) = self.rules.special_days.get(&date) {
            return self.push(end, State::Closed(Because::SpecialDay(day)));
        }
        let yesterday = date.yesterday().ok();
        let yesterday = yesterday.and_then(|date| self.rules.special_days.get(&date));
        let Some(day) = yesterday else { return };
        // Open on every such weekday, closed now: a shift of yesterday's that was not begun.
        for span in self.rules.common_day(date) {
            let (from, to) = (self.rules.at(date, span.from), self.rules.at(date, span.to));
            if let (Some(from), Some(to)) = (from, to) {
                self.push(from.min(end), State::Closed(Because::CommonWeek));
                self.push(to.min(end), State::Closed(Because::SpecialDay(day)));
            }
        }
    }

    /// Cuts a piece up to `end`, unless that is behind.
    fn push(&mut self, end: Timestamp, state: State<'a>) {
        if end > self.at {
            let start = std::mem::replace(&mut self.at, end);
            self.pieces.push_back(Piece { start, end, state });
        }
    }

    /// A piece, if there is one left.
    fn piece(&mut self) -> Option<&Piece<'a>> {
        while self.pieces.is_empty() && self.at < self.to {
            self.cut_more();
        }
        self.pieces.front()
    }
}

impl<'a> Iterator for Stretches<'a> {
    type Item = Stretch<'a>;

    fn next(&mut self) -> Option<Stretch<'a>> {
        let Piece { start, end, state } = *self.piece()?;
        let mut end = end;
        self.pieces.pop_front();
        while let Some(next) = self.piece().filter(|next| next.state == state) {
            end = next.end;
            self.pieces.pop_front();
        }
        Some(Stretch {
            start,
            end,
            state,
            version: self.rules.spec.version,
            clock_changes: clock_changes(self.rules, start, end),
        })
    }
}

/// The clock changes in `[start, end)`.
fn clock_changes(rules: &Rules, start: Timestamp, end: Timestamp) -> Vec<ClockChange> {
    let millis_before = |at: Timestamp| Timestamp::from_millis(at.as_millis().saturating_sub(1));
    let offset = |at: Timestamp| rules.zone.to_offset(instant(at)).seconds();
    rules
        .zone
        .following(instant(millis_before(start)))
        .map(|change| Timestamp::from_millis(change.timestamp().as_millisecond()))
        .take_while(|at| *at < end)
        .map(|at| ClockChange {
            at,
            offset_before: offset(millis_before(at)),
            offset_after: offset(at),
        })
        // Some changes are only of the zone's name.
        .filter(|change| change.offset_before != change.offset_after)
        .collect()
}
