//! Walks through the log: at each instant a forecast from what was known then, compared with what
//! came.

use std::collections::VecDeque;

use lotse_clock::Timestamp;
use lotse_sla::domain::forecast::{Kind, Lifetime, Load, Model, Pace, Present, Settings};
use lotse_sla::domain::{Clock, State};

use super::history::{Cycle, Promise, Story};
use super::score::Guess;

const HOUR: i64 = 3_600_000;

/// The instants of a part of the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// The first.
    pub(super) from: Timestamp,
    /// None from here on.
    pub(super) to: Timestamp,
    /// Between two of them, in hours.
    pub(super) every: i64,
}

/// What each way of forecasting said of every clock that ran, at every instant, for one horizon.
#[derive(Default)]
pub(super) struct Told {
    /// In hours.
    pub(super) horizon: i64,
    /// Instants.
    pub(super) instants: u64,
    /// The model.
    pub(super) model: Vec<Guess>,
    /// The model without what it knows of how work goes on lately.
    pub(super) without_load: Vec<Guess>,
    /// Everything due within the horizon.
    pub(super) due: Vec<Guess>,
    /// Everything due within the horizon that is not solved.
    pub(super) due_unsolved: Vec<Guess>,
    /// Everything that has used more than three quarters of its target.
    pub(super) used: Vec<Guess>,
    /// Everything due, as likely as those due within the horizon at earlier instants.
    pub(super) base_rate: Vec<Guess>,
    /// Clocks due within the horizon, summed over the instants.
    pub(super) due_within: u64,
    /// Of earlier instants whose horizon is over: clocks due within it, and breached.
    base: (u64, u64),
    /// Instants whose horizon is not over yet.
    open: VecDeque<(Timestamp, u64, u64)>,
}

/// A running clock at an instant.
struct Running<'a> {
    cycle: &'a Cycle,
    clock: &'a Clock,
    present: Present<'a>,
    chance: f64,
    unloaded: f64,
}

/// Walks through `part` with several horizons, in hours.
pub(super) fn walk(
    stories: &[Story],
    promise: &Promise,
    part: Part,
    horizons: &[i64],
    settings: Settings,
) -> Vec<Told> {
    let mut all: Vec<Told> = horizons
        .iter()
        .map(|horizon| Told {
            horizon: *horizon,
            ..Told::default()
        })
        .collect();
    let mut now = part.from;
    while now < part.to {
        let (model, load) = learn(stories, promise, now, settings);
        let running = running(stories, promise, now, &model, &load);
        for told in &mut all {
            told.take(&running, now);
        }
        now = later(now, part.every);
    }
    all
}

fn later(at: Timestamp, hours: i64) -> Timestamp {
    Timestamp::from_millis(at.as_millis() + hours * HOUR)
}

/// What could be learned by an instant.
fn learn(
    stories: &[Story],
    promise: &Promise,
    now: Timestamp,
    settings: Settings,
) -> (Model, Load) {
    let (mut model, mut load) = (Model::new(now, settings), Load::new(now));
    for story in stories {
        // By time of opening: nobody has heard of the rest.
        let Some((priority, group)) = story.traits(now) else {
            break;
        };
        for cycle in &story.cycles {
            let (Some(clock), Some(started_at)) = (cycle.at(now), cycle.started_at()) else {
                continue;
            };
            let lifetime = Lifetime {
                kind: Kind {
                    metric: clock.metric,
                    ends_at: promise.ends_at,
                    priority,
                    group: group.clone(),
                },
                hours: &clock.terms.hours,
                started_at,
                stopped_at: clock.times.fulfilled.or(clock.times.cancelled),
                statuses: &story.statuses,
            };
            model.learn(&lifetime);
            load.learn(&lifetime);
        }
    }
    model.sort();
    (model, load)
}

/// The clocks that run at an instant, with what the model says of them.
fn running<'a>(
    stories: &'a [Story],
    promise: &Promise,
    now: Timestamp,
    model: &Model,
    load: &Load,
) -> Vec<Running<'a>> {
    let mut running = Vec::new();
    for story in stories {
        let (Some((priority, group)), Some((since, status))) =
            (story.traits(now), story.status(now))
        else {
            break;
        };
        for cycle in &story.cycles {
            let Some(clock) = cycle.at(now).filter(|clock| clock.state == State::Running) else {
                continue;
            };
            let Some(due) = clock.times.due.filter(|due| *due >= now) else {
                continue;
            };
            let kind = Kind {
                metric: clock.metric,
                ends_at: promise.ends_at,
                priority,
                group: group.clone(),
            };
            let pace = load.pace(clock.metric, kind.group.as_ref(), None);
            let present = Present {
                hours: &clock.terms.hours,
                status,
                since: since.max(clock.started_at),
                due,
                kind,
            };
            running.push(Running {
                cycle,
                clock,
                chance: model.chance(&present, now, pace).breach,
                unloaded: model.chance(&present, now, Pace::USUAL).breach,
                present,
            });
        }
    }
    running
}

impl Told {
    /// Takes the forecasts of an instant, and what came of them.
    fn take(&mut self, running: &[Running<'_>], now: Timestamp) {
        let until = later(now, self.horizon);
        while let Some((_, due, breached)) = self.open.pop_front_if(|(over, ..)| *over <= now) {
            self.base.0 += due;
            self.base.1 += breached;
        }
        let base = (self.base.1 as f64 + 1.0) / (self.base.0 as f64 + 2.0);
        let (mut due, mut broken) = (0, 0);
        for one in running {
            let at = one.cycle.breached_at;
            let breached = at.is_some_and(|at| at >= now && at <= until);
            let is_due = one.present.due <= until;
            let if_due = |said: f64| Guess {
                said: if is_due { said } else { 0.0 },
                breached,
            };
            let rule = |holds: bool| Guess {
                said: f64::from(u8::from(holds)),
                breached,
            };
            let share = one.clock.used(now) as f64 / one.clock.terms.target as f64;
            self.model.push(if_due(one.chance));
            self.without_load.push(if_due(one.unloaded));
            self.due.push(if_due(1.0));
            self.due_unsolved
                .push(rule(is_due && !one.present.status.is_solved()));
            self.used.push(rule(share > 0.75));
            self.base_rate.push(if_due(base));
            due += u64::from(is_due);
            broken += u64::from(is_due && breached);
        }
        self.open.push_back((until, due, broken));
        self.due_within += due;
        self.instants += 1;
    }
}
