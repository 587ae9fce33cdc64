//! What happened in a simulation, added up.

use std::collections::HashMap;
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_routing::simulation::{Happened, Scenario, Stage, There};

use super::sample::{Counted, Sample};

/// The sums of one run. Tickets count that came after the warm-up.
pub(super) struct Tally<'a> {
    stage: &'a Stage,
    counted: Counted,
    begin_within: Option<Duration>,
    promises: Vec<Option<Duration>>,
    /// All classes together, then each.
    pub(super) all: Counts,
    pub(super) classes: Vec<Counts>,
    pub(super) agents: Vec<Agent>,
    pub(super) hours: Vec<Hour>,
    /// Tickets that came, warm-up included.
    pub(super) played: u64,
    open: HashMap<u64, (usize, Timestamp)>,
    waiting: i64,
    online: i64,
    last: Timestamp,
}

/// What became of tickets.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pub(super) came: u64,
    pub(super) again: u64,
    /// Until an agent had it.
    pub(super) wait: Sample,
    /// Until an agent began.
    pub(super) begin: Sample,
    /// Until those left who left.
    pub(super) patience: Sample,
    pub(super) begun_in_time: u64,
    pub(super) solved: u64,
    pub(super) transfers: u64,
    pub(super) transferred: u64,
    pub(super) left: u64,
    pub(super) merged: u64,
    pub(super) promised: u64,
    pub(super) kept: u64,
    pub(super) judged: u64,
    pub(super) best: u64,
    pub(super) open: u64,
}

/// What an agent did.
#[derive(Clone, Debug, Default)]
pub(super) struct Agent {
    pub(super) assigned: u64,
    pub(super) solved: u64,
    pub(super) declined: u64,
    pub(super) timed_out: u64,
    /// Milliseconds there, online or on a break.
    pub(super) online: i64,
    /// Milliseconds with work.
    pub(super) busy: i64,
    /// The longest time online without work, in milliseconds.
    pub(super) longest_idle: i64,
    there: Option<There>,
    working: u32,
    since: Timestamp,
    idle_since: Option<Timestamp>,
}

/// An hour of the day, over all days.
#[derive(Clone, Debug, Default)]
pub(super) struct Hour {
    pub(super) millis: i64,
    /// Tickets waiting, summed over milliseconds.
    pub(super) waiting: f64,
    pub(super) most_waiting: i64,
    /// Agents online, summed over milliseconds.
    pub(super) online: f64,
    pub(super) came: u64,
    pub(super) wait: f64,
    pub(super) assigned: u64,
}

/// Hours of the day begin at one of these, in every zone.
const QUARTER: i64 = 900_000;

impl<'a> Tally<'a> {
    pub(super) fn new(scenario: &Scenario, stage: &'a Stage) -> Self {
        let span = |span: Option<jiff::SignedDuration>| Duration::try_from(span?).ok();
        let promises = scenario.tickets.iter();
        Self {
            stage,
            counted: Counted {
                from: stage.counted_from(),
                until: stage.until(),
            },
            begin_within: span(scenario.begin_within),
            promises: promises.map(|class| span(class.answer_within)).collect(),
            all: Counts::default(),
            classes: vec![Counts::default(); scenario.tickets.len()],
            agents: vec![Agent::default(); stage.agents().len()],
            hours: vec![Hour::default(); 24],
            played: 0,
            open: HashMap::new(),
            waiting: 0,
            online: 0,
            last: stage.counted_from(),
        }
    }

    /// Adds what happened.
    pub(super) fn watch(&mut self, at: Timestamp, happened: Happened) {
        match happened {
            Happened::Arrived {
                ticket,
                class,
                again,
            } => {
                self.played += 1;
                self.queue(at, 1);
                self.open.insert(ticket, (class, at));
                if self.counted.has(at) {
                    let hour = self.stage.hour_of_day(at);
                    self.hours[hour].came += 1;
                    self.count(class, |counts| {
                        counts.came += 1;
                        counts.again += u64::from(again);
                    });
                }
            }
            Happened::Requeued { .. } => self.queue(at, 1),
            Happened::Offered { .. } => {}
            Happened::Declined { agent, .. } => self.agents[agent].declined += 1,
            Happened::TimedOut { agent, .. } => self.agents[agent].timed_out += 1,
            Happened::Assigned {
                class,
                agent,
                waited,
                first,
                best_fit,
                ..
            } => {
                self.queue(at, -1);
                if self.counted.has(at) {
                    self.agents[agent].assigned += 1;
                }
                self.assigned(class, at - waited, waited, first, best_fit);
            }
            Happened::Begun {
                class,
                waited,
                first,
                ..
            } => {
                let came = at - waited;
                if first && self.counted.has(came) {
                    let counted = self.counted;
                    let in_time = self.begin_within.is_some_and(|within| waited <= within);
                    self.count(class, |counts| {
                        counts.begin.add(waited, came, counted);
                        counts.begun_in_time += u64::from(in_time);
                    });
                }
            }
            Happened::Solved {
                ticket,
                class,
                agent,
                took,
                ..
            } => {
                self.open.remove(&ticket);
                if self.counted.has(at) {
                    self.agents[agent].solved += 1;
                }
                if self.counted.has(at - took) {
                    let promise = self.promises[class];
                    self.count(class, |counts| {
                        counts.solved += 1;
                        counts.promised += u64::from(promise.is_some());
                        counts.kept += u64::from(promise.is_some_and(|within| took <= within));
                    });
                }
            }
            Happened::Transferred {
                class,
                after,
                first,
                ..
            } => {
                if self.counted.has(at - after) {
                    self.count(class, |counts| {
                        counts.transfers += 1;
                        counts.transferred += u64::from(first);
                    });
                }
            }
            Happened::Left {
                ticket,
                class,
                waited,
                in_hand,
                merged,
            } => {
                self.open.remove(&ticket);
                if !in_hand {
                    self.queue(at, -1);
                }
                self.left(class, at - waited, waited, merged);
            }
            Happened::Present { agent, there } => {
                self.pass(at);
                let online = |there: Option<There>| i64::from(there == Some(There::Online));
                self.online += online(Some(there)) - online(self.agents[agent].there);
                self.agents[agent].went_on(at, self.counted);
                self.agents[agent].there = Some(there);
                self.agents[agent].rest(at, self.counted);
            }
            Happened::Working { agent, tickets } => {
                self.agents[agent].went_on(at, self.counted);
                self.agents[agent].working = tickets;
                self.agents[agent].rest(at, self.counted);
            }
        }
    }

    /// Adds what is still going on at the end.
    pub(super) fn finish(mut self) -> Self {
        let until = self.counted.until;
        self.pass(until);
        for agent in &mut self.agents {
            agent.went_on(until, self.counted);
            agent.there = None;
            agent.rest(until, self.counted);
        }
        for (class, came) in std::mem::take(&mut self.open).into_values() {
            if !self.counted.has(came) {
                continue;
            }
            let late = self.promises[class].is_some_and(|within| until.since(came) > within);
            self.count(class, |counts| {
                counts.open += 1;
                counts.promised += u64::from(late);
            });
        }
        self
    }

    fn assigned(
        &mut self,
        class: usize,
        came: Timestamp,
        waited: Duration,
        first: bool,
        best_fit: Option<bool>,
    ) {
        if !self.counted.has(came) {
            return;
        }
        let counted = self.counted;
        self.count(class, |counts| {
            counts.judged += u64::from(best_fit.is_some());
            counts.best += u64::from(best_fit == Some(true));
            if first {
                counts.wait.add(waited, came, counted);
            }
        });
        if first {
            let hour = &mut self.hours[self.stage.hour_of_day(came)];
            hour.wait += waited.as_secs_f64();
            hour.assigned += 1;
        }
    }

    fn left(&mut self, class: usize, came: Timestamp, waited: Duration, merged: bool) {
        if !self.counted.has(came) {
            return;
        }
        let (counted, promised) = (self.counted, self.promises[class].is_some());
        self.count(class, |counts| {
            if merged {
                counts.merged += 1;
            } else {
                counts.left += 1;
                counts.promised += u64::from(promised);
                counts.patience.add(waited, came, counted);
            }
        });
    }

    fn count(&mut self, class: usize, add: impl Fn(&mut Counts)) {
        add(&mut self.all);
        add(&mut self.classes[class]);
    }

    fn queue(&mut self, at: Timestamp, more: i64) {
        self.pass(at);
        self.waiting += more;
        if at >= self.counted.from {
            let hour = &mut self.hours[self.stage.hour_of_day(at)];
            hour.most_waiting = hour.most_waiting.max(self.waiting);
        }
    }

    /// Time passes: adds what waited and who was there meanwhile.
    fn pass(&mut self, to: Timestamp) {
        while self.last < to {
            let quarter = self.last.as_millis().div_euclid(QUARTER) + 1;
            let next = to.min(Timestamp::from_millis(quarter * QUARTER));
            let millis = next.millis_since(self.last);
            let hour = &mut self.hours[self.stage.hour_of_day(self.last)];
            hour.millis += millis;
            hour.waiting += (self.waiting * millis) as f64;
            hour.online += (self.online * millis) as f64;
            self.last = next;
        }
    }
}

impl Agent {
    /// Until now it was as before.
    fn went_on(&mut self, at: Timestamp, counted: Counted) {
        let millis = at.millis_since(self.since.max(counted.from)).max(0);
        self.since = at;
        if matches!(self.there, Some(There::Online | There::Away)) {
            self.online += millis;
        }
        if self.working > 0 {
            self.busy += millis;
        }
    }

    /// Begins or ends to be without work.
    fn rest(&mut self, at: Timestamp, counted: Counted) {
        if self.there == Some(There::Online) && self.working == 0 {
            self.idle_since.get_or_insert(at);
        } else if let Some(since) = self.idle_since.take() {
            let rested = at.millis_since(since.max(counted.from));
            self.longest_idle = self.longest_idle.max(rested);
        }
    }
}
