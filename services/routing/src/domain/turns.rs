//! Whose turn it is at an instant, and from when until when: exact on the days of clock changes.
//!
//! Hand-overs and shifts are local times. One that a clock change skips is taken as much later as
//! the gap is long, one that comes twice as its first occurrence (RFC 5545, section 3.3.5), as in
//! business time. Turns tile time even where that lays hand-overs one over the other: a turn ends
//! as soon as any later one has begun.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan as _};
use lotse_calendar::{Calendar, TimeOfDay};
use lotse_clock::Timestamp;
use lotse_ids::AgentId;

use super::codes::RotationUnit;
use super::duty::of_rota;
use super::rota::{AgentShift, Layer, Override, Plan, Rota, Rotation};

/// Clocks are never moved by more hours than this, also where a zone has skipped a day.
const LARGEST_CHANGE: i64 = 26;

/// A stretch of time, not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// From when on.
    pub(crate) from: Timestamp,
    /// Up to, not including.
    pub(crate) until: Timestamp,
}

impl Stretch {
    /// The shortest, at an instant.
    pub(crate) fn at(instant: Timestamp) -> Self {
        Self {
            from: instant,
            until: instant + std::time::Duration::from_millis(1),
        }
    }
}

/// An agent's turn in a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Of which layer, from 0.
    pub(crate) layer: usize,
    /// Whose.
    pub(crate) agent: AgentId,
    /// When.
    pub(crate) stretch: Stretch,
}

impl Stretch {
    /// Whether `at` lies within.
    pub(crate) fn contains(self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// What lies within both, where both have `at`.
    fn within(self, other: Self) -> Self {
        Self {
            from: self.from.max(other.from),
            until: self.until.min(other.until),
        }
    }
}

impl Rota {
    /// The turns at an instant: at most one of each layer, in their order. A turn of a rotation
    /// that falls to somebody who `is_active` denies goes to the next in line who is; a fixed shift
    /// stays empty.
    pub(crate) fn turns(&self, is_active: impl Fn(&AgentId) -> bool, at: Timestamp) -> Vec<Turn> {
        let layers = self.profile().layers.iter().enumerate();
        let turn = |(layer, plan): (usize, &Layer)| {
            let (agent, stretch) = self.turn(plan, &is_active, at)?;
            let stretch = match &self.schedule.hours[layer] {
                Some(hours) => open(hours, stretch, at)?,
                None => stretch,
            };
            Some(Turn {
                layer,
                agent: agent.clone(),
                stretch,
            })
        };
        layers.filter_map(turn).collect()
    }

    fn turn<'a>(
        &self,
        layer: &'a Layer,
        is_active: &impl Fn(&AgentId) -> bool,
        at: Timestamp,
    ) -> Option<(&'a AgentId, Stretch)> {
        match &layer.plan {
            Plan::Rotation(rotation) => {
                let (turn, stretch) = rotation.turn(&self.schedule.zone, at)?;
                let agents = &rotation.agents;
                let first = usize::try_from(turn).ok()? % agents.len();
                let mut in_line = agents[first..].iter().chain(&agents[..first]);
                Some((in_line.find(|agent| is_active(agent))?, stretch))
            }
            Plan::Shifts(shifts) => {
                shift(shifts, &self.schedule.zone, at).filter(|(agent, _)| is_active(agent))
            }
        }
    }
}

impl Rota {
    /// Who is on duty when, for the whole of a window in which `overrides` are all there are.
    pub(crate) fn duty(
        &self,
        overrides: &[Override],
        is_active: impl Fn(&AgentId) -> bool,
        window: Stretch,
    ) -> Vec<(Stretch, BTreeSet<AgentId>)> {
        let mut edges = self.begins(overrides, window);
        edges.push(window.until);
        let pieces = edges.iter().zip(&edges[1..]);
        let duty = pieces.map(|(&from, &until)| {
            let turns = self.turns(&is_active, from);
            let on_duty = of_rota(self, &turns, overrides, &is_active, from);
            let agents = on_duty.into_iter().map(|one| one.agent).collect();
            (Stretch { from, until }, agents)
        });
        duty.collect()
    }

    /// The beginning of a window, and every instant within at which somebody else may come to be on
    /// duty.
    pub(super) fn begins(&self, overrides: &[Override], window: Stretch) -> Vec<Timestamp> {
        let exceptions = overrides
            .iter()
            .flat_map(|one| [one.starts_at, one.ends_at]);
        let changes = self.changes(window).into_iter().chain(exceptions);
        let within = changes.filter(|edge| window.from < *edge && *edge < window.until);
        let mut begins: Vec<Timestamp> = within.chain([window.from]).collect();
        begins.sort_unstable();
        begins.dedup();
        begins
    }

    /// Whose turn begins where `turn` ends, in the same layer.
    pub(crate) fn next_turn(
        &self,
        turn: &Turn,
        is_active: impl Fn(&AgentId) -> bool,
    ) -> Option<AgentId> {
        let next = self.turns(is_active, turn.stretch.until);
        let mut next = next.into_iter();
        Some(next.find(|one| one.layer == turn.layer)?.agent)
    }

    /// Every instant at which the turn in a layer may change.
    fn changes(&self, window: Stretch) -> Vec<Timestamp> {
        let layers = self.profile().layers.iter().zip(&self.schedule.hours);
        let zone = &self.schedule.zone;
        let changes = layers.flat_map(|(layer, hours)| {
            let mut changes = match &layer.plan {
                Plan::Rotation(rotation) => rotation.hand_overs(zone, window),
                Plan::Shifts(shifts) => shift_edges(shifts, zone, window),
            };
            let open = hours.iter();
            let open = open.flat_map(|hours| hours.intervals(window.from, window.until));
            changes.extend(open.flat_map(|(from, until)| [from, until]));
            changes
        });
        changes.collect()
    }
}

/// When fixed shifts begin and end about a window.
fn shift_edges(shifts: &[AgentShift], zone: &TimeZone, window: Stretch) -> Vec<Timestamp> {
    let first = zone.to_datetime(instant(window.from)).date();
    let last = zone.to_datetime(instant(window.until)).date();
    // One that began the day before may reach into the window.
    let first = first.yesterday().unwrap_or(first);
    let mut edges = Vec::new();
    for date in first.series(1.day()).take_while(|date| *date <= last) {
        let weekday = date.weekday().to_monday_zero_offset() as usize;
        for AgentShift { hours, .. } in shifts {
            if hours.day.index() == weekday {
                let over_night = hours.to <= hours.from;
                let end = if over_night {
                    date.tomorrow()
                } else {
                    Ok(date)
                };
                edges.extend(resolve(zone, local(date, hours.from)));
                edges.extend(end.ok().and_then(|end| resolve(zone, local(end, hours.to))));
            }
        }
    }
    edges
}

impl<A> Rotation<A> {
    /// When turns begin in a window.
    fn hand_overs(&self, zone: &TimeZone, window: Stretch) -> Vec<Timestamp> {
        let mut hand_overs = Vec::new();
        let mut at = window.from;
        while at < window.until {
            let turn = self.turn(zone, at).map(|(_, stretch)| stretch.until);
            let next = turn.or_else(|| self.begin(zone, 0));
            let Some(next) = next.filter(|next| *next > at) else {
                break;
            };
            hand_overs.push(next);
            at = next;
        }
        hand_overs
    }

    /// Which turn, counted from 0, runs at an instant; none before the first.
    pub(crate) fn turn(&self, zone: &TimeZone, at: Timestamp) -> Option<(i64, Stretch)> {
        let local = zone.to_datetime(instant(at));
        let passed = local.duration_since(self.first()).as_secs();
        // Where the clock is changed, instants and local times may be out of step.
        let margin = LARGEST_CHANGE / self.hours() + 2;
        let about = passed.div_euclid(self.hours() * 3600);
        let begun = |turn: &i64| self.begin(zone, *turn).is_some_and(|begin| begin <= at);
        let turn = ((about - margin).max(0)..=about + margin)
            .rev()
            .find(begun)?;
        let from = self.begin(zone, turn)?;
        let later = turn + 1..=turn + 1 + margin;
        let until = later.filter_map(|turn| self.begin(zone, turn)).min();
        let until = until.unwrap_or_else(end_of_time);
        Some((turn, Stretch { from, until }))
    }

    /// When a turn begins, unless that is beyond the years that zones know.
    fn begin(&self, zone: &TimeZone, turn: i64) -> Option<Timestamp> {
        let hours = turn.checked_mul(self.hours())?;
        let local = self.first().checked_add(SignedDuration::from_hours(hours));
        resolve(zone, local.ok()?)
    }

    /// The first hand-over.
    fn first(&self) -> DateTime {
        local(self.starts_on, self.hand_over_at)
    }

    /// How long a turn is by the clock on the wall.
    fn hours(&self) -> i64 {
        let unit = match self.unit {
            RotationUnit::Hours => 1,
            RotationUnit::Days => 24,
            RotationUnit::Weeks => 7 * 24,
        };
        unit * i64::from(self.every.max(1))
    }
}

/// The shift at an instant. Shifts do not overlap, so the one that began last is the one.
fn shift<'a>(
    shifts: &'a [AgentShift],
    zone: &TimeZone,
    at: Timestamp,
) -> Option<(&'a AgentId, Stretch)> {
    let today = zone.to_datetime(instant(at)).date();
    let mut around: Vec<(Timestamp, Timestamp, &AgentId)> = Vec::new();
    // None is longer than a day, and a clock change moves by about one at most.
    for date in (-3..=3).filter_map(|days| today.checked_add(days.days()).ok()) {
        let weekday = date.weekday().to_monday_zero_offset() as usize;
        for AgentShift { agent, hours } in shifts {
            if hours.day.index() != weekday {
                continue;
            }
            let last = if hours.to <= hours.from {
                date.tomorrow().ok()
            } else {
                Some(date)
            };
            let begin = resolve(zone, local(date, hours.from));
            let end = last.and_then(|last| resolve(zone, local(last, hours.to)));
            let known = begin.zip(end).filter(|(begin, end)| begin < end);
            around.extend(known.map(|(begin, end)| (begin, end, agent)));
        }
    }
    around.sort_unstable();
    let next = around.partition_point(|(begin, ..)| *begin <= at);
    let (from, end, agent) = *around[..next].last()?;
    let until = around.get(next).map_or(end, |(begin, ..)| end.min(*begin));
    let stretch = Stretch { from, until };
    stretch.contains(at).then_some((agent, stretch))
}

/// The open hours around `at`, as far as they lie in `stretch`.
fn open(hours: &Calendar, stretch: Stretch, at: Timestamp) -> Option<Stretch> {
    // Hours repeat every week, so what is open for this long without a break has none at all.
    let far = std::time::Duration::from_secs(9 * 86_400);
    let near = stretch.within(Stretch {
        from: at - far,
        until: at + far,
    });
    let mut found: Option<Stretch> = None;
    for (from, until) in hours.intervals(near.from, near.until) {
        match &mut found {
            Some(run) if run.until == from => run.until = until,
            Some(run) if run.contains(at) => break,
            _ => found = Some(Stretch { from, until }),
        }
    }
    let run = found.filter(|run| run.contains(at))?;
    Some(Stretch {
        from: if run.from == near.from {
            stretch.from
        } else {
            run.from
        },
        until: if run.until == near.until {
            stretch.until
        } else {
            run.until
        },
    })
}

fn local(date: Date, time: TimeOfDay) -> DateTime {
    let midnight = date.to_datetime(jiff::civil::Time::midnight());
    let since = SignedDuration::from_secs(time.seconds().into());
    // Only the very last date there is has no midnight after it.
    midnight.checked_add(since).unwrap_or(DateTime::MAX)
}

fn resolve(zone: &TimeZone, local: DateTime) -> Option<Timestamp> {
    let at = zone.to_ambiguous_timestamp(local).compatible().ok()?;
    Some(Timestamp::from_millis(at.as_millisecond()))
}

fn end_of_time() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::MAX.as_millisecond())
}

/// The same instant in jiff's terms; what lies beyond its years is their end.
pub(super) fn instant(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(if at < Timestamp::EPOCH {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    })
}

#[cfg(test)]
#[path = "turns_tests.rs"]
pub(crate) mod tests;
