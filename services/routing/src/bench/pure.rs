//! The index without a database, beside looking through the queue as it was done before.

use std::sync::Arc;
use std::time::Duration;

use lotse_clock::SystemClock;
use lotse_ids::AgentId;

use super::desk::{CAPACITY, Desk, Size};
use crate::domain::agent::{Agent, Seat};
use crate::domain::channel::Presences;
use crate::domain::codes::{Channel, Presence};
use crate::domain::directory::{Directory, Seats};
use crate::domain::index::Index;
use crate::domain::item::Item;
use crate::domain::queue::{plan, turn};
use crate::domain::weight::Weight;

/// Items that the old way looked at together.
const PAGE: usize = 500;

/// Microseconds, nearest rank.
#[derive(Clone, Copy, Debug, Default)]
pub struct Latency {
    /// The median.
    pub p50: f64,
    /// Of a hundred the slowest but one.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

/// What one size costs.
#[derive(Clone, Copy, Debug)]
pub struct Pure {
    /// The size.
    pub size: Size,
    /// A ticket comes and somebody has room.
    pub arrival: Latency,
    /// A ticket comes and nobody has room: it is told why it waits.
    pub hopeless: Latency,
    /// Somebody becomes free whom nothing fits.
    pub idle: Latency,
    /// Somebody becomes free and gets the first that fits.
    pub freed: Latency,
    /// The same three ways of looking through the queue, from its beginning, in memory.
    pub arrival_before: Latency,
    /// As `hopeless`.
    pub hopeless_before: Latency,
    /// As `freed`.
    pub freed_before: Latency,
    /// Putting in everything that waits.
    pub load_seconds: f64,
    /// Memory of the process that each waiting item took; 0 where it cannot be told.
    pub bytes_per_item: f64,
}

impl Latency {
    /// Of these; zeros when there are none.
    pub fn of(samples: &[Duration]) -> Self {
        let mut micros: Vec<f64> = samples
            .iter()
            .map(|sample| sample.as_secs_f64() * 1e6)
            .collect();
        micros.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            let rank = (micros.len() as f64 * share).ceil() as usize;
            micros.get(rank.max(1) - 1).copied().unwrap_or_default()
        };
        Self {
            p50: rank(0.5),
            p99: rank(0.99),
            max: rank(1.0),
        }
    }
}

/// How long `work` takes.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = SystemClock.monotonic();
    let done = work();
    (done, SystemClock.monotonic().duration_since(start))
}

/// Everybody's seats when the desk opens.
pub(super) fn seats(desk: &Desk) -> Seats {
    let seat = |agent: &Agent| {
        let mut seat = Seat::empty(agent.version, &agent.profile);
        seat.presences = Presences::all(Presence::Online);
        if Desk::is_busy(agent) {
            seat.shift(Channel::Email, Weight::tickets(CAPACITY));
        }
        seat
    };
    let agents = desk.agents.iter();
    agents
        .map(|agent| (agent.id.clone(), seat(agent)))
        .collect()
}

/// A desk in memory.
struct Run {
    desk: Desk,
    directory: Arc<Directory>,
    seats: Seats,
    index: Index,
}

/// Measures one size, so many times each; the old ways `before` times.
pub fn measure(size: Size, times: usize, before: usize) -> Pure {
    let desk = Desk::new(size.agents);
    let directory = Directory::new(desk.groups.clone(), desk.agents.clone(), vec![], None);
    let directory = Arc::new(directory);
    let seats = seats(&desk);
    let mut index = Index::new(directory.clone(), desk.arriving(0).queued_at);
    for (agent, seat) in &seats {
        index.put_seat(agent, seat.clone());
    }
    let memory = resident();
    let now = desk.arriving(0).queued_at;
    let ((), load) = timed(|| {
        for n in 0..size.waiting {
            index.put_item(desk.waiting(n), now);
        }
        index.plan(now);
    });
    let bytes = resident().saturating_sub(memory);
    let mut run = Run {
        desk,
        directory,
        seats,
        index,
    };
    let arrival = run.arrivals(times);
    let hopeless = run.hopeless(times);
    let freed = run.freed(times, true);
    let idle = run.freed(times, false);
    let [arrival_before, hopeless_before, freed_before] = run.before(size.waiting, before);
    Pure {
        size,
        arrival,
        hopeless,
        idle,
        freed,
        arrival_before,
        hopeless_before,
        freed_before,
        load_seconds: load.as_secs_f64(),
        bytes_per_item: bytes as f64 / size.waiting.max(1) as f64,
    }
}

impl Run {
    fn arrivals(&mut self, times: usize) -> Latency {
        let mut samples = Vec::with_capacity(times);
        for n in 0..times {
            let item = self.desk.arriving(n);
            let now = item.queued_at;
            let (planned, took) = timed(|| {
                self.index.put_item(item, now);
                self.index.plan(now)
            });
            if let [one] = &planned[..]
                && let Some((agent, _)) = &one.agent
            {
                samples.push(took);
                // And it is done at once, so that the next finds the same desk.
                self.index.put_seat(agent, self.seats[agent].clone());
            }
        }
        Latency::of(&samples)
    }

    fn hopeless(&mut self, times: usize) -> Latency {
        let mut samples = Vec::with_capacity(times);
        for n in 0..times {
            let mut item = self.desk.waiting(n);
            (item.decision, item.reason) = (None, None);
            let now = item.queued_at;
            let (planned, took) = timed(|| {
                self.index.put_item(item, now);
                self.index.plan(now)
            });
            for one in planned.iter().filter(|one| one.agent.is_none()) {
                samples.push(took);
                self.index.forget_item(&one.ticket);
            }
        }
        Latency::of(&samples)
    }

    /// Somebody puts a ticket away: a busy one, whom many wait for, or one whom nobody waits for.
    fn freed(&mut self, times: usize, busy: bool) -> Latency {
        let agents: Vec<AgentId> = self
            .desk
            .agents
            .iter()
            .filter(|agent| Desk::is_busy(agent) == busy)
            .map(|agent| agent.id.clone())
            .collect();
        let mut samples = Vec::with_capacity(times);
        for (n, agent) in agents.iter().cycle().take(times).enumerate() {
            let full = Seat {
                load: Weight::tickets(CAPACITY),
                ..self.seats[agent].clone()
            };
            self.index.put_seat(agent, full.clone());
            let seat = Seat {
                load: Weight::tickets(CAPACITY - 1),
                ..full
            };
            let now = self.desk.arriving(n).queued_at;
            let (planned, took) = timed(|| {
                self.index.put_seat(agent, seat);
                self.index.plan(now)
            });
            if planned.len() == usize::from(busy) {
                samples.push(took);
            }
        }
        Latency::of(&samples)
    }

    /// The same beginnings, looked through page by page until something can be done.
    fn before(&mut self, waiting: usize, times: usize) -> [Latency; 3] {
        let mut queue: Vec<Item> = (0..waiting).map(|n| self.desk.waiting(n)).collect();
        queue.sort_by_cached_key(turn);
        let agents = self.desk.agents.iter();
        let busy: Vec<AgentId> = agents
            .filter(|agent| Desk::is_busy(agent))
            .map(|agent| agent.id.clone())
            .collect();
        let mut samples = [const { Vec::new() }; 3];
        for n in 0..times {
            let arriving = self.desk.arriving(n);
            let mut hopeless = self.desk.waiting(n);
            (hopeless.decision, hopeless.reason) = (None, None);
            for (kind, newcomer) in [Some(arriving), Some(hopeless), None]
                .into_iter()
                .enumerate()
            {
                let mut seats = self.seats.clone();
                if newcomer.is_none() && !busy.is_empty() {
                    // Somebody in the middle, so that neither the first nor the last fits.
                    let agent = &busy[(busy.len() / 2 + n) % busy.len()];
                    if let Some(seat) = seats.get_mut(agent) {
                        seat.load = Weight::tickets(CAPACITY - 1);
                    }
                }
                let at = newcomer
                    .as_ref()
                    .map(|item| queue.partition_point(|one| turn(one) < turn(item)));
                if let (Some(at), Some(item)) = (at, newcomer) {
                    queue.insert(at, item);
                }
                let now = self.desk.arriving(n).queued_at;
                let (found, took) = timed(|| {
                    let mut pages = queue.chunks(PAGE);
                    pages.any(|page| !plan(page, &self.directory, &mut seats, now).is_empty())
                });
                if found {
                    samples[kind].push(took);
                }
                at.map(|at| queue.remove(at));
            }
        }
        samples.map(|samples| Latency::of(&samples))
    }
}

/// Memory of this process, in bytes (`/proc/self/status`, proc(5)); 0 where there is no such thing.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1_024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_beginning_is_measured_as_often_as_asked() {
        let size = Size {
            agents: 250,
            waiting: 2_000,
        };
        let pure = measure(size, 20, 2);
        for latency in [
            pure.arrival,
            pure.hopeless,
            pure.freed,
            pure.idle,
            pure.arrival_before,
            pure.hopeless_before,
            pure.freed_before,
        ] {
            assert!(latency.p50 > 0.0 && latency.p50 <= latency.max, "{pure:?}");
        }
    }
}
