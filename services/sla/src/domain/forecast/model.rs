//! How long clocks go on running, learned from how long others did.

use std::collections::HashMap;
use std::sync::Arc;

use lotse_clock::Timestamp;

use super::lifetime::{Kind, Lifetime, time_in};
use super::load::Pace;
use crate::domain::{Hours, Metric, Priority, ResolutionEnd, Status};

/// How the model learns.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// A stay that began this long ago weighs half, in milliseconds.
    pub half_life: i64,
    /// How many examples a cell needs to be believed as much as the coarser one.
    pub pull: f64,
    /// Examples kept of a cell: the latest.
    pub most: usize,
}

impl Default for Settings {
    /// Set beforehand, not fitted to any log: a month fades by half, ten examples outweigh a guess.
    fn default() -> Self {
        Self {
            half_life: 30 * 24 * 3_600_000,
            pull: 10.0,
            most: 1_000,
        }
    }
}

/// What is assumed where nothing is known: as likely as not, with the weight of one example.
const BLANK: f64 = 0.5;
const BLANK_PULL: f64 = 1.0;

/// Examples that are called alike, from the coarsest to the finest.
const LEVELS: usize = 3;

/// Stays that are alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Cell {
    metric: Metric,
    ends_at: ResolutionEnd,
    status: Status,
    priority: Option<Priority>,
    group: Option<Arc<str>>,
}

/// One stay to learn from.
#[derive(Clone, Copy, Debug)]
struct Example {
    from: Timestamp,
    stayed: i64,
    ran: i64,
    stopped: bool,
    weight: f64,
}

/// A model of a set of lives, as known at one instant.
#[derive(Clone, Debug)]
pub struct Model {
    settings: Settings,
    now: Timestamp,
    cells: HashMap<Cell, Vec<Example>>,
}

/// A clock that runs now.
#[derive(Clone, Debug)]
pub struct Present<'a> {
    /// What it is.
    pub kind: Kind,
    /// The time that counts for it.
    pub hours: &'a Hours,
    /// Its ticket's status.
    pub status: Status,
    /// Since when the ticket is in that status and the clock runs.
    pub since: Timestamp,
    /// When it is due.
    pub due: Timestamp,
}

/// How likely a clock is to be breached when it is due, and by what that is said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chance {
    /// Probability that it still runs when it is due, from 0 to 1.
    pub breach: f64,
    /// Time that counts until it is due, in milliseconds.
    pub left: i64,
    /// Stays like this one that it was learned from: as fine as there were any.
    pub sample: u32,
    /// How fine they are alike: 0 nothing was known, 1 metric and status, 2 and priority, 3 and
    /// group.
    pub level: u8,
    /// Time in which half of those had stopped, from this point on, in milliseconds; `None` where
    /// fewer than half have.
    pub typical: Option<i64>,
}

/// What a cell says.
#[derive(Clone, Copy, Debug)]
struct Word {
    /// Share that ran on.
    survival: f64,
    /// Weight of those that had come so far.
    weight: f64,
    /// Their number.
    sample: u32,
}

impl Model {
    /// A model of what was known at `now`, that nothing has been learned from yet.
    pub fn new(now: Timestamp, settings: Settings) -> Self {
        Self {
            settings,
            now,
            cells: HashMap::new(),
        }
    }

    /// Learns from one lifetime. [`Self::sort`] comes after the last.
    pub fn learn(&mut self, lifetime: &Lifetime<'_>) {
        for stay in lifetime.stays(self.now) {
            let age = self.now.millis_since(stay.from).max(0) as f64;
            let example = Example {
                from: stay.from,
                stayed: stay.stayed,
                ran: stay.ran,
                stopped: stay.stopped,
                weight: (-age / self.settings.half_life as f64).exp2(),
            };
            for cell in cells_of(&lifetime.kind, stay.status) {
                self.cells.entry(cell).or_default().push(example);
            }
        }
    }

    /// Puts what was learned in order.
    pub fn sort(&mut self) {
        for examples in self.cells.values_mut() {
            if examples.len() > self.settings.most {
                examples.sort_unstable_by_key(|example| std::cmp::Reverse(example.from));
                examples.truncate(self.settings.most);
            }
            // Where one stopped and of another no more is known at the same time, the other had
            // come so far: it counts among those that could have stopped.
            examples.sort_unstable_by_key(|example| (example.ran, !example.stopped));
        }
    }

    /// The instant up to which it knows.
    pub fn known_until(&self) -> Timestamp {
        self.now
    }

    /// How likely a running clock is to be breached, seen from `now`, where work goes on at `pace`.
    pub fn chance(&self, clock: &Present<'_>, now: Timestamp, pace: Pace) -> Chance {
        if clock.due < now {
            // Nothing can keep this promise any more; its timer is about to say so.
            return Chance {
                breach: 1.0,
                left: 0,
                sample: 0,
                level: 0,
                typical: None,
            };
        }
        let so_far = time_in(clock.status, clock.hours, clock.since, now);
        let left = time_in(clock.status, clock.hours, now, clock.due);
        let reach = pace.reach(clock.status, left);
        let mut breach = BLANK;
        let (mut sample, mut level, mut finest) = (0, 0, None);
        for (depth, cell) in cells_of(&clock.kind, clock.status).into_iter().enumerate() {
            let Some(examples) = self.cells.get(&cell) else {
                break;
            };
            let word = ask(examples, so_far, reach);
            let pull = if depth == 0 {
                BLANK_PULL
            } else {
                self.settings.pull
            };
            breach = (word.weight * word.survival + pull * breach) / (word.weight + pull);
            if word.sample > 0 {
                (sample, level, finest) = (word.sample, depth as u8 + 1, Some(examples));
            }
        }
        Chance {
            breach: breach.clamp(0.0, 1.0),
            left,
            sample,
            level,
            typical: finest.and_then(|examples| median(examples, so_far)),
        }
    }
}

/// The cells of a stay, from the coarsest to the finest.
fn cells_of(kind: &Kind, status: Status) -> [Cell; LEVELS] {
    let Kind {
        metric,
        ends_at,
        priority,
        group,
    } = kind;
    let cell = |priority, group| Cell {
        metric: *metric,
        ends_at: *ends_at,
        status,
        priority,
        group,
    };
    [
        cell(None, None),
        cell(Some(*priority), None),
        // "In no group" is a group of its own.
        cell(
            Some(*priority),
            Some(group.clone().unwrap_or_else(|| "".into())),
        ),
    ]
}

/// The Kaplan-Meier share (Journal of the American Statistical Association 53, 1958) of examples
/// that had come `so_far` and ran on for `more`. From the longest to the shortest, so that those
/// still at risk add up as it goes.
fn ask(examples: &[Example], so_far: i64, more: i64) -> Word {
    let until = so_far.saturating_add(more);
    let (mut survival, mut weight, mut sample) = (1.0, 0.0, 0);
    for example in examples.iter().rev() {
        if example.ran <= so_far {
            break;
        }
        if example.stayed < so_far {
            // Its ticket was in another status by then.
            continue;
        }
        weight += example.weight;
        sample += 1;
        if example.stopped && example.ran <= until {
            survival *= 1.0 - example.weight / weight;
        }
    }
    Word {
        survival,
        weight,
        sample,
    }
}

/// Time in which half of the examples that had come `so_far` had stopped.
fn median(examples: &[Example], so_far: i64) -> Option<i64> {
    let alike: Vec<&Example> = examples
        .iter()
        .filter(|example| example.ran > so_far && example.stayed >= so_far)
        .collect();
    let mut weight: f64 = alike.iter().map(|example| example.weight).sum();
    let mut survival = 1.0;
    for example in alike {
        if example.stopped {
            survival *= 1.0 - example.weight / weight;
        }
        weight -= example.weight;
        if survival <= 0.5 {
            return Some(example.ran - so_far);
        }
    }
    None
}
