//! How work goes on today, beside the period that was learned from.

use std::collections::HashMap;
use std::sync::Arc;

use lotse_clock::Timestamp;

use super::lifetime::{Kind, Lifetime};
use crate::domain::{Metric, Status};

/// What counts as lately, in milliseconds: a week, so that weekends are in it.
pub const LATELY: i64 = 7 * 24 * 3_600_000;

/// How fast work may seem to go on at most, and at least.
const FASTEST: f64 = 2.0;
const SLOWEST: f64 = 0.25;

/// How fast work goes on for a clock, beside the period learned from: 1 is as then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace(pub f64);

impl Pace {
    /// As in the period learned from.
    pub const USUAL: Self = Self(1.0);

    /// How far the time that is left reaches, in the time of the period learned from. Only where it
    /// is our turn: how long others take does not depend on our load.
    pub fn reach(self, status: Status, left: i64) -> i64 {
        match status {
            Status::New | Status::Open => (left as f64 * self.0.clamp(SLOWEST, FASTEST)) as i64,
            Status::Pending | Status::OnHold | Status::Solved | Status::Closed => left,
        }
    }
}

/// Who is at work in a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Staffing {
    /// Agents who are on now.
    pub online: u32,
    /// Agents who are on or took work within the last day.
    pub roster: u32,
    /// Tickets that wait in the group.
    pub waiting: u32,
    /// The ticket's place among those, from 1; `None` when it does not wait.
    pub place: Option<u32>,
}

/// How much work was done in each group, and how much there was, lately and over the whole period.
#[derive(Clone, Debug)]
pub struct Load {
    now: Timestamp,
    work: HashMap<(Metric, Option<Arc<str>>), Work>,
}

/// The clocks of one metric in one group.
#[derive(Clone, Copy, Debug, Default)]
struct Work {
    /// How many stopped.
    done: Spans,
    /// How many were open on average, times milliseconds.
    open: Spans,
}

/// A figure over the whole period and over its last week.
#[derive(Clone, Copy, Debug, Default)]
struct Spans {
    whole: f64,
    lately: f64,
}

impl Load {
    /// Nothing known yet of the time up to `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            work: HashMap::new(),
        }
    }

    /// Learns from one lifetime.
    pub fn learn(&mut self, lifetime: &Lifetime<'_>) {
        let Kind { metric, group, .. } = &lifetime.kind;
        let (started, now) = (lifetime.started_at, self.now);
        let recent = Timestamp::from_millis(now.as_millis().saturating_sub(LATELY));
        let end = lifetime.stopped_at.unwrap_or(now).min(now);
        let work = self.work.entry((*metric, group.clone())).or_default();
        work.open.whole += end.millis_since(started).max(0) as f64;
        work.open.lately += end.millis_since(started.max(recent)).max(0) as f64;
        if lifetime.stopped_at.is_some_and(|at| at <= now) {
            work.done.whole += 1.0;
            work.done.lately += f64::from(u8::from(end >= recent));
        }
    }

    /// How fast work goes on for clocks of a metric in a group: those that stopped for each open
    /// one, lately beside the whole period; the share of its people who are on; and for one that
    /// waits, its place in the queue.
    pub fn pace(
        &self,
        metric: Metric,
        group: Option<&Arc<str>>,
        staffing: Option<&Staffing>,
    ) -> Pace {
        let mut pace = 1.0;
        if let Some(work) = self.work.get(&(metric, group.cloned())) {
            let usual = work.done.whole / work.open.whole.max(1.0);
            // Lately as seen from the usual: few examples say little.
            pace *= (work.done.lately + DOUBT) / (usual * work.open.lately + DOUBT);
        }
        if let Some(staffing) = staffing {
            pace *= staffing.share() * staffing.turn();
        }
        Pace(pace.clamp(SLOWEST, FASTEST))
    }
}

impl Staffing {
    /// The part of today's people who are on, as it slows work down: at least a quarter, because
    /// others may come on within the horizon.
    fn share(&self) -> f64 {
        let share = f64::from(self.online) / f64::from(self.roster.max(self.online).max(1));
        share.clamp(SLOWEST, 1.0)
    }

    /// What its place in the queue makes of a ticket's turn: as usual in the middle of those that
    /// wait, up to half as fast at the end and half as fast again at the front. What waits at the
    /// same place in an almost empty queue waits as usual.
    fn turn(&self) -> f64 {
        let Some(place) = self.place else {
            return 1.0;
        };
        let waiting = f64::from(self.waiting.max(place));
        // From -1 at the front to 1 at the end.
        let back = (2.0 * f64::from(place) - waiting - 1.0) / waiting;
        1.0 - back / 2.0
    }
}

/// Examples that lately must be beyond doubt.
const DOUBT: f64 = 10.0;
