//! What arrives behind its time: delayed mail, imports, replicas whose clocks differ.
//!
//! The ticket's facts are replayed in order of time, and what comes out is laid beside what was
//! told before. A breach that proves to have been none is retracted; apart from that a result never
//! changes.

use std::collections::{BTreeMap, BTreeSet};

use lotse_clock::Timestamp;

use super::clock::{Change, Clock, Transition};
use super::fact::{Event, Fact};
use super::ticket::Ticket;
use super::vocabulary::{Metric, Reason, State};

/// Replays `facts`, all of a ticket's in order of time, and brings `stored`, all of its clocks, in
/// line with the outcome. Returns the ticket as it is now, with every cycle in `clocks` or `past`,
/// and what must be told.
pub fn reconcile(
    before: &Ticket,
    stored: Vec<Clock>,
    facts: &[Fact],
    now: Timestamp,
) -> (Ticket, Vec<Change>) {
    let (mut ticket, replayed) = replay(facts, now);
    let mut stored = by_beginning(stored);
    let mut told = Vec::new();
    let mut clocks = std::mem::take(&mut ticket.past);
    clocks.extend(std::mem::take(&mut ticket.clocks).into_values());
    clocks.sort_by_key(|clock| clock.cycle);
    rename_merged(&mut stored, &clocks, facts);
    let mut cycles: BTreeMap<_, _> = before
        .tallies
        .iter()
        .map(|(metric, tally)| (*metric, tally.cycles))
        .collect();
    for clock in clocks {
        let own = replayed
            .iter()
            .filter(|change| is_same(&change.clock, &clock));
        let own: Vec<_> = own.cloned().collect();
        let key = (clock.metric, clock.started_at);
        let matching = stored.get_mut(&key).filter(|found| !found.is_empty());
        let settled = match matching.map(|found| found.remove(0)) {
            Some(old) => merge(old, clock, &own, now, &mut told),
            None => {
                let cycle = cycles.entry(clock.metric).or_default();
                *cycle += 1;
                let cycle = *cycle;
                told.extend(own.into_iter().map(|mut change| {
                    change.clock.cycle = cycle;
                    change
                }));
                Clock { cycle, ..clock }
            }
        };
        keep(&mut ticket, settled);
    }
    for mut old in stored.into_values().flatten() {
        if old.is_open() {
            withdraw(&mut old, now, &mut told);
        }
        old.latest = !ticket.clocks.contains_key(&old.metric);
        keep(&mut ticket, old);
    }
    for (metric, cycles) in cycles {
        ticket.tallies.entry(metric).or_default().cycles = cycles;
    }
    (ticket, told)
}

/// The outcome of facts in order of time, and everything that happened to the clocks on the way.
fn replay(facts: &[Fact], now: Timestamp) -> (Ticket, Vec<Change>) {
    let start = facts.first().map_or(now, |fact| fact.at);
    let mut ticket = Ticket::blank(start);
    let mut log = Vec::new();
    for (index, fact) in facts.iter().enumerate() {
        log.extend(ticket.step(fact, &facts[..index], now));
    }
    (ticket, log)
}

/// Clocks by what they time; of those that time the same thing, in order of their cycles.
fn by_beginning(mut clocks: Vec<Clock>) -> BTreeMap<(Metric, Timestamp), Vec<Clock>> {
    clocks.sort_by_key(|clock| clock.cycle);
    let mut sorted: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for clock in clocks {
        let key = (clock.metric, clock.started_at);
        sorted.entry(key).or_default().push(clock);
    }
    sorted
}

/// A merge may move the beginning of an open clock. Where what came late has undone that, the clock
/// goes under the beginning that the replay gives it.
fn rename_merged(
    stored: &mut BTreeMap<(Metric, Timestamp), Vec<Clock>>,
    replayed: &[Clock],
    facts: &[Fact],
) {
    let merged = |fact: &Fact| matches!(fact.event, Event::Absorbed { .. });
    if !facts.iter().any(merged) {
        return;
    }
    let begun: BTreeSet<_> = replayed
        .iter()
        .map(|clock| (clock.metric, clock.started_at))
        .collect();
    let lost: Vec<_> = stored
        .iter()
        .filter(|(key, clocks)| !begun.contains(key) && clocks.iter().any(Clock::is_open))
        .map(|(key, _)| *key)
        .collect();
    for key in lost {
        let mut own = begun.iter().filter(|other| other.0 == key.0);
        if let Some(found) = own.find(|other| !stored.contains_key(other)).copied()
            && let Some(clocks) = stored.remove(&key)
        {
            stored.insert(found, clocks);
        }
    }
}

fn is_same(one: &Clock, other: &Clock) -> bool {
    one.metric == other.metric && one.cycle == other.cycle
}

fn keep(ticket: &mut Ticket, clock: Clock) {
    if clock.latest {
        ticket.clocks.insert(clock.metric, clock);
    } else {
        ticket.past.push(clock);
    }
}

/// The clock as it is now, given what was told of it and what the replay says.
fn merge(
    mut old: Clock,
    mut new: Clock,
    own: &[Change],
    now: Timestamp,
    told: &mut Vec<Change>,
) -> Clock {
    if matches!(old.state, State::Met | State::Cancelled) {
        old.latest = new.latest;
        return old;
    }
    new.id.clone_from(&old.id);
    new.cycle = old.cycle;
    for share in new.terms.warn.iter().filter(|share| **share > old.warned) {
        retell(Transition::Warned(*share), &old, own, told);
    }
    new.warned = new.warned.max(old.warned);
    if new.terms != old.terms {
        retell(Transition::Retargeted, &old, own, told);
    }
    if old.state == State::Breached {
        // The replay ends with the last fact; the breach that a timer found after it still holds.
        if let (State::Running, Some(due)) = (new.state, new.times.due.filter(|due| *due < now)) {
            new.state = State::Breached;
            new.times.breached = Some(due);
        }
        if new.state == State::Breached {
            new.times.detected = old.times.detected;
        } else {
            retract(&new, now, told);
        }
    }
    match (old.state, new.state) {
        (_, State::Breached) => {
            if old.state != State::Breached {
                retell(Transition::Breached, &old, own, told);
            }
            if new.times.fulfilled.is_some() && old.times.fulfilled.is_none() {
                retell(Transition::FulfilledLate, &old, own, told);
            }
            if new.times.cancelled.is_some() && old.times.cancelled.is_none() {
                retell(Transition::Cancelled, &old, own, told);
            }
        }
        (State::Paused, State::Running) => retell(Transition::Resumed, &old, own, told),
        (State::Running, State::Running)
            if old.times.due != new.times.due && new.terms == old.terms =>
        {
            new.tell(Transition::Retargeted, now, Reason::HistoryChanged, told);
        }
        (_, State::Running) | (State::Paused, State::Paused) => {}
        (_, State::Met) => retell(Transition::Met, &old, own, told),
        (_, State::Paused) => retell(Transition::Paused, &old, own, told),
        (_, State::Cancelled) => retell(Transition::Cancelled, &old, own, told),
    }
    new
}

/// Tells that a breach was none. What became of the clock instead is told after it, so a reader of
/// both in turn ends where the clock stands.
fn retract(clock: &Clock, now: Timestamp, told: &mut Vec<Change>) {
    let mut unbroken = clock.clone();
    unbroken.state = State::Running;
    unbroken.reason = Reason::None;
    unbroken.times.breached = None;
    unbroken.times.detected = None;
    let (retracted, why) = (Transition::BreachRetracted, Reason::HistoryChanged);
    unbroken.tell(retracted, now, why, told);
}

/// Tells the last such change of the replay, `own` of the clock, as one of the clock `of`.
fn retell(transition: Transition, of: &Clock, own: &[Change], told: &mut Vec<Change>) {
    let mut latest_first = own.iter().rev();
    let found = latest_first.find(|change| change.transition == transition);
    told.extend(found.map(|change| {
        let mut change = change.clone();
        change.clock.id.clone_from(&of.id);
        change.clock.cycle = of.cycle;
        change
    }));
}

/// Takes back a clock that, as it turns out, never was.
fn withdraw(clock: &mut Clock, now: Timestamp, told: &mut Vec<Change>) {
    if clock.state == State::Breached {
        retract(clock, now, told);
    }
    clock.consumed = clock.used(now);
    clock.resumed_at = None;
    clock.state = State::Cancelled;
    clock.reason = Reason::HistoryChanged;
    clock.times.due = None;
    clock.times.breached = None;
    clock.times.detected = None;
    clock.times.cancelled = Some(now);
    clock.tell(Transition::Cancelled, now, Reason::HistoryChanged, told);
}
