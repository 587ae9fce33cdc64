//! The figures as a table and as JSON.

use std::fmt::Write as _;

use lotse_routing::bench::{Compared, Latency, Pure, Way};
use serde::Serialize;

use super::service::Served;

/// Longest p99 from the queue to the commit, in microseconds.
const GOAL: f64 = 5_000.0;

/// Microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
struct Micros {
    p50: f64,
    p99: f64,
    max: f64,
}

impl From<Latency> for Micros {
    fn from(latency: Latency) -> Self {
        let tenths = |micros: f64| (micros * 10.0).round() / 10.0;
        Self {
            p50: tenths(latency.p50),
            p99: tenths(latency.p99),
            max: tenths(latency.max),
        }
    }
}

/// Everything.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    in_memory: Vec<InMemory>,
    service: Vec<Service>,
    pairs: Pairs,
}

/// One size of the index.
#[derive(Debug, Serialize)]
struct InMemory {
    agents: usize,
    waiting: usize,
    arrival_us: Micros,
    hopeless_us: Micros,
    freed_us: Micros,
    freed_for_nobody_us: Micros,
    arrival_before_us: Micros,
    hopeless_before_us: Micros,
    freed_before_us: Micros,
    /// Medians, before to now.
    times_faster: [f64; 3],
    load_seconds: f64,
    bytes_per_item: f64,
}

/// The real service on one database.
#[derive(Debug, Serialize)]
struct Service {
    database: &'static str,
    agents: usize,
    waiting: usize,
    enqueue_to_commit_us: Micros,
    created_to_commit_us: Micros,
    look_through_before_us: f64,
    /// The old look alone to the whole of now, medians.
    times_faster: f64,
    per_second_at_once: f64,
    goal_p99_us: f64,
    met: bool,
}

#[derive(Debug, Serialize)]
struct Pairs {
    instances: u32,
    one_by_one: Quality,
    together: Quality,
}

#[derive(Debug, Serialize)]
struct Quality {
    served: f64,
    fit: f64,
    load_spread_points: f64,
}

impl From<Way> for Quality {
    fn from(way: Way) -> Self {
        let hundredths = |figure: f64| (figure * 100.0).round() / 100.0;
        Self {
            served: hundredths(way.served),
            fit: hundredths(way.fit),
            load_spread_points: hundredths(way.spread),
        }
    }
}

impl Report {
    pub(super) fn new(pure: &[Pure], services: Vec<Served>, compared: &Compared) -> Self {
        Self {
            in_memory: pure.iter().map(in_memory).collect(),
            service: services.into_iter().map(service).collect(),
            pairs: Pairs {
                instances: compared.instances,
                one_by_one: compared.one_by_one.into(),
                together: compared.together.into(),
            },
        }
    }

    /// For people.
    pub(super) fn lines(&self) -> String {
        let mut text = String::from(
            "In memory, p50/p99/max in microseconds; in brackets the median of looking through the \
             queue\n",
        );
        // Writing to a string does not fail.
        for one in &self.in_memory {
            let _ = writeln!(
                text,
                "  {} agents, {} waiting: ticket that somebody takes {} [{:.0}], that nobody takes {} \
                 [{:.0}], agent freed {} [{:.0}], freed for nobody {}; read in {:.2} s, {:.0} bytes \
                 an item",
                one.agents,
                one.waiting,
                shown(one.arrival_us),
                one.arrival_before_us.p50,
                shown(one.hopeless_us),
                one.hopeless_before_us.p50,
                shown(one.freed_us),
                one.freed_before_us.p50,
                shown(one.freed_for_nobody_us),
                one.load_seconds,
                one.bytes_per_item,
            );
        }
        for one in &self.service {
            let _ = writeln!(
                text,
                "The service on {}, {} agents, {} waiting, p50/p99/max in microseconds: queue to commit \
                 {} (goal p99 {:.0}: {}), ticket's commit to assignment's {}; before, the look alone \
                 took {:.0}; {:.0} a second when all come at once",
                one.database,
                one.agents,
                one.waiting,
                shown(one.enqueue_to_commit_us),
                one.goal_p99_us,
                if one.met { "met" } else { "missed" },
                shown(one.created_to_commit_us),
                one.look_through_before_us,
                one.per_second_at_once,
            );
        }
        let _ = write!(
            text,
            "{} random instances, one by one and together: served {} and {}, levels of fit {} and {}, \
             spread of load {} and {} points",
            self.pairs.instances,
            self.pairs.one_by_one.served,
            self.pairs.together.served,
            self.pairs.one_by_one.fit,
            self.pairs.together.fit,
            self.pairs.one_by_one.load_spread_points,
            self.pairs.together.load_spread_points,
        );
        text
    }
}

fn shown(micros: Micros) -> String {
    format!("{:.0}/{:.0}/{:.0}", micros.p50, micros.p99, micros.max)
}

fn in_memory(pure: &Pure) -> InMemory {
    let faster = |before: Latency, now: Latency| (before.p50 / now.p50.max(0.1)).round();
    InMemory {
        agents: pure.size.agents,
        waiting: pure.size.waiting,
        arrival_us: pure.arrival.into(),
        hopeless_us: pure.hopeless.into(),
        freed_us: pure.freed.into(),
        freed_for_nobody_us: pure.idle.into(),
        arrival_before_us: pure.arrival_before.into(),
        hopeless_before_us: pure.hopeless_before.into(),
        freed_before_us: pure.freed_before.into(),
        times_faster: [
            faster(pure.arrival_before, pure.arrival),
            faster(pure.hopeless_before, pure.hopeless),
            faster(pure.freed_before, pure.freed),
        ],
        load_seconds: pure.load_seconds,
        bytes_per_item: pure.bytes_per_item.round(),
    }
}

fn service(served: Served) -> Service {
    let before = served.look_through.as_secs_f64() * 1e6;
    Service {
        database: served.database,
        agents: served.size.agents,
        waiting: served.size.waiting,
        enqueue_to_commit_us: served.enqueued.into(),
        created_to_commit_us: served.created.into(),
        look_through_before_us: before.round(),
        times_faster: (before / served.enqueued.p50.max(0.1)).round(),
        per_second_at_once: served.per_second.round(),
        goal_p99_us: GOAL,
        met: served.enqueued.p99 <= GOAL,
    }
}
