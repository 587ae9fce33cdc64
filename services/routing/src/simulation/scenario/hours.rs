//! When the people of a scenario come and go.

use std::time::Duration;

use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan as _};
use lotse_clock::Timestamp;

use super::{Agent, Day, Scenario, Shift};
use crate::domain::channel::ChannelSet;
use crate::simulation::crew::Coming;
use crate::simulation::happened::There;

impl Scenario {
    /// When an agent comes and goes.
    pub(super) fn comings(
        &self,
        agent: &Agent,
        number: usize,
        from: Timestamp,
        until: Timestamp,
        zone: &TimeZone,
        comings: &mut Vec<Coming>,
    ) {
        let mut add = |at: Timestamp, there: There| {
            if at < until {
                comings.push(Coming {
                    at: at.max(from),
                    agent: number,
                    there,
                    channels: ChannelSet::all(),
                });
            }
        };
        if agent.shifts.is_empty() {
            add(from, There::Online);
            return;
        }
        let first = local(from, zone).date().yesterday().unwrap_or(self.start);
        let last = local(until, zone).date();
        let shifts = agent.shifts.iter().filter_map(|name| self.shifts.get(name));
        for shift in shifts {
            for date in first.series(1.day()).take_while(|date| *date <= last) {
                if !shift.days.is_empty() && !shift.days.contains(&day(date.weekday())) {
                    continue;
                }
                for (at, there) in turns(shift, date) {
                    let at = instant(at, zone);
                    // What is over before the beginning still says where the agent is then.
                    add(at, there);
                }
            }
        }
    }
}

/// What happens on a shift that begins on `date`.
fn turns(shift: &Shift, date: jiff::civil::Date) -> Vec<(DateTime, There)> {
    let next = date.tomorrow().unwrap_or(date);
    let on = |time| {
        let date = if time < shift.from { next } else { date };
        date.to_datetime(time)
    };
    let end = if shift.to <= shift.from { next } else { date }.to_datetime(shift.to);
    let mut turns = vec![(date.to_datetime(shift.from), There::Online)];
    for rest in &shift.breaks {
        turns.push((on(rest.from), There::Away));
        turns.push((on(rest.to), There::Online));
    }
    turns.sort_by_key(|(at, _)| *at);
    turns.push((end, There::Offline));
    turns
}

pub(super) fn positive(span: SignedDuration) -> Duration {
    Duration::try_from(span).unwrap_or_default()
}

pub(super) fn instant(local: DateTime, zone: &TimeZone) -> Timestamp {
    let at = zone.to_timestamp(local);
    Timestamp::from_millis(at.map_or(0, jiff::Timestamp::as_millisecond))
}

pub(super) fn local(at: Timestamp, zone: &TimeZone) -> DateTime {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    zone.to_datetime(at)
}

pub(super) fn day(weekday: Weekday) -> Day {
    match weekday {
        Weekday::Monday => Day::Mon,
        Weekday::Tuesday => Day::Tue,
        Weekday::Wednesday => Day::Wed,
        Weekday::Thursday => Day::Thu,
        Weekday::Friday => Day::Fri,
        Weekday::Saturday => Day::Sat,
        Weekday::Sunday => Day::Sun,
    }
}
