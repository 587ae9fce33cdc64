//! What comes in, in the order of time.

use std::sync::Arc;
use std::time::Duration;

use lotse_clock::Timestamp;

use super::chance::Draws;
use super::scenario::class::{Class, HOUR};
use crate::domain::item::Facts;
use crate::domain::item::Item;

/// A ticket that comes in, as routing sees it, and what only the simulated world knows of it.
pub(crate) struct Arrival {
    /// When.
    pub(crate) at: Timestamp,
    /// What routing sees; it waits.
    pub(crate) item: Item,
    /// What becomes of it.
    pub(crate) case: Case,
}

/// What routing cannot know of a ticket.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Its class, for the figures.
    pub(crate) class: usize,
    /// How long an agent of speed 1 works on it.
    pub(crate) handling: Duration,
    /// How long its customer waits for somebody to begin.
    pub(crate) patience: Option<Duration>,
    /// Whether the customer then writes again, instead of leaving.
    pub(crate) writes_again: bool,
    /// What it turns out to be.
    pub(crate) truth: Option<Arc<Truth>>,
}

/// What a ticket turns out to be.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    /// What routing ought to have been told.
    pub(crate) facts: Facts,
    /// The share of the handling time after which an agent who cannot solve it knows.
    pub(crate) noticed_after: f64,
}

/// Tickets drawn from rates that change by the hour: a Poisson process by thinning (P. Lewis,
/// G. Shedler, "Simulation of nonhomogeneous Poisson processes by thinning", 1979).
pub(crate) struct Drawn<'a> {
    classes: &'a [Class],
    from: Timestamp,
    until: Timestamp,
    seed: u64,
    streams: Vec<Stream>,
    number: u64,
}

/// The arrivals of one class.
struct Stream {
    draws: Draws,
    next: Timestamp,
    nth: u64,
}

/// Kinds of streams of chance.
const ARRIVALS: u64 = 1;
const CASES: u64 = 2;

impl<'a> Drawn<'a> {
    /// The tickets of `classes` between two instants; rates count from the first.
    pub(crate) fn new(classes: &'a [Class], seed: u64, from: Timestamp, until: Timestamp) -> Self {
        let mut drawn = Self {
            classes,
            from,
            until,
            seed,
            streams: Vec::new(),
            number: 0,
        };
        for at in 0..classes.len() {
            drawn.streams.push(Stream {
                draws: Draws::of(seed, ARRIVALS, at as u64),
                next: from,
                nth: 0,
            });
            drawn.go_on(at);
        }
        drawn
    }

    /// Finds the next arrival of a class.
    fn go_on(&mut self, class: usize) {
        let rates = &self.classes[class].rates;
        let stream = &mut self.streams[class];
        let highest = rates.highest();
        if highest <= 0.0 {
            stream.next = Timestamp::MAX;
        }
        while stream.next < self.until {
            let hours = stream.draws.exponential() / highest;
            stream.next = stream.next + Duration::from_secs_f64(hours * 3_600.0);
            let hour = stream.next.millis_since(self.from) / HOUR;
            if stream.draws.share() * highest < rates.at(hour) {
                break;
            }
        }
    }
}

impl Iterator for Drawn<'_> {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let soonest = self.streams.iter().enumerate();
        let (at, stream) = soonest.min_by_key(|(_, stream)| stream.next)?;
        if stream.next >= self.until {
            return None;
        }
        let (when, nth) = (stream.next, stream.nth);
        let class = &self.classes[at];
        let mut draws = Draws::of(self.seed, CASES + at as u64, nth);
        let arrival = Arrival {
            at: when,
            item: class.item(self.number, when),
            case: class.case(at, &mut draws),
        };
        self.streams[at].nth += 1;
        self.number += 1;
        self.go_on(at);
        Some(arrival)
    }
}
