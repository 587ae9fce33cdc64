//! Queues to compare the simulation with: a desk written down without any of routing's code, and
//! what queueing theory says of desks that it has formulas for.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// A ticket: when it came, what it is about, how long it takes; in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    pub(crate) came: i64,
    pub(crate) class: usize,
    pub(crate) takes: i64,
}

/// When somebody began with a ticket, and who.
pub(crate) type Begun = Option<(i64, usize)>;

/// Gives tickets away in the order in which they came, each to the idle agent who knows its class
/// best, of those to who has been without a new one for the longest. `levels` has a level of each
/// class for each agent, 0 for none.
pub(crate) fn desk(tickets: &[Ticket], levels: &[Vec<u8>]) -> Vec<Begun> {
    let classes = levels.first().map_or(0, Vec::len);
    // Idle agents of each class, the best first: level, last assignment, number.
    let mut idle: Vec<BTreeSet<(Reverse<u8>, i64, usize)>> = vec![BTreeSet::new(); classes];
    let mut last = vec![i64::MIN; levels.len()];
    let mut waiting: BTreeSet<(i64, usize)> = BTreeSet::new();
    let mut ends: BinaryHeap<Reverse<(i64, usize)>> = BinaryHeap::new();
    let mut begun = vec![None; tickets.len()];
    let mut next = 0;
    let rest = |idle: &mut Vec<BTreeSet<_>>, last: &[i64], agent: usize| {
        for (class, level) in levels[agent]
            .iter()
            .enumerate()
            .filter(|(_, level)| **level > 0)
        {
            idle[class].insert((Reverse(*level), last[agent], agent));
        }
    };
    for agent in 0..levels.len() {
        rest(&mut idle, &last, agent);
    }
    loop {
        let end = ends.peek().map(|Reverse((at, _))| *at);
        let arrival = tickets.get(next).map(|ticket| ticket.came);
        let Some(now) = end.into_iter().chain(arrival).min() else {
            return begun;
        };
        while let Some(Reverse((at, agent))) = ends.peek().copied()
            && at == now
        {
            ends.pop();
            rest(&mut idle, &last, agent);
        }
        while tickets.get(next).is_some_and(|ticket| ticket.came == now) {
            waiting.insert((now, next));
            next += 1;
        }
        let mut given = Vec::new();
        for (came, number) in &waiting {
            let ticket = tickets[*number];
            let Some((_, _, agent)) = idle[ticket.class].first().copied() else {
                continue;
            };
            for (class, level) in levels[agent].iter().enumerate() {
                idle[class].remove(&(Reverse(*level), last[agent], agent));
            }
            last[agent] = now;
            begun[*number] = Some((now, agent));
            ends.push(Reverse((now.saturating_add(ticket.takes), agent)));
            given.push((*came, *number));
        }
        for one in given {
            waiting.remove(&one);
        }
    }
}

/// How long each ticket waits when `servers` who can do everything take them as they come
/// (J. Kiefer, J. Wolfowitz, "On the theory of queues with many servers", 1955).
pub(crate) fn pooled(tickets: impl Iterator<Item = Ticket>, servers: usize) -> Vec<i64> {
    let mut free: BinaryHeap<Reverse<i64>> = vec![Reverse(i64::MIN); servers].into();
    let mut waits = Vec::new();
    for ticket in tickets {
        let Reverse(soonest) = free.pop().unwrap();
        let begins = soonest.max(ticket.came);
        free.push(Reverse(begins.saturating_add(ticket.takes)));
        waits.push(begins - ticket.came);
    }
    waits
}

/// The probability that a customer waits for one of `servers` at `load` (in service times), and
/// the mean wait in service times (A. K. Erlang, 1917; by way of Erlang B's recursion: L. Kleinrock,
/// "Queueing Systems", volume 1, section 3.5).
pub(crate) fn erlang_c(servers: u32, load: f64) -> (f64, f64) {
    let blocked = (1..=servers).fold(1.0, |blocked, n| {
        load * blocked / (f64::from(n) + load * blocked)
    });
    let servers = f64::from(servers);
    let waits = servers * blocked / (servers - load * (1.0 - blocked));
    (waits, waits / (servers - load))
}

/// The share of customers who leave, and the mean time that customers wait until they are served
/// or leave, in service times, when patience is exponential with mean `patience` service times:
/// the stationary distribution of the birth and death process (C. Palm, 1957; O. Garnett,
/// A. Mandelbaum, M. Reiman, "Designing a call center with impatient customers", 2002).
pub(crate) fn erlang_a(servers: u32, load: f64, patience: f64) -> (f64, f64) {
    let servers = f64::from(servers);
    let (mut weight, mut total, mut waiting, mut n) = (1.0, 1.0, 0.0, 0.0);
    while n < servers + 200.0 * load {
        n += 1.0;
        weight *= load / (n.min(servers) + (n - servers).max(0.0) / patience);
        total += weight;
        waiting += weight * (n - servers).max(0.0);
    }
    let waiting = waiting / total;
    // Customers leave at the rate of those waiting; by Little's law they wait waiting / load.
    (waiting / patience / load, waiting / load)
}
