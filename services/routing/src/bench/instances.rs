//! Several tickets meet several agents: pairs beside one after another, on random instances.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use lotse_clock::Timestamp;
use lotse_ids::AgentId;

use super::desk::Desk;
use super::pure::seats;
use crate::domain::directory::{Directory, Seats};
use crate::domain::index::Index;
use crate::domain::item::Item;
use crate::domain::queue::{Planned, plan, turn};
use crate::domain::weight::Weight;

/// How good one way is, as means over the instances.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way {
    /// Tickets given away.
    pub served: f64,
    /// Levels of skill and language that each ticket given away met.
    pub fit: f64,
    /// Standard deviation of the agents' taken shares, in percentage points.
    pub spread: f64,
}

/// Both ways on the same instances.
#[derive(Clone, Copy, Debug)]
pub struct Compared {
    /// How many.
    pub instances: u32,
    /// One ticket after another takes its best agent.
    pub one_by_one: Way,
    /// All together.
    pub together: Way,
}

/// Numbers that look random, the same each time (Steele, Lea and Flood, 2014: SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// Random instances: 20 agents of one group with three of eight skills, one of two languages and
/// room for none to three; 5 to 40 tickets that need a skill or none, half of them in a language.
pub fn compare(instances: u32) -> Compared {
    let mut numbers = Numbers(1);
    let (mut one_by_one, mut together) = (Way::default(), Way::default());
    for _ in 0..instances {
        let desk = Desk::new(20);
        let mut seats = seats(&desk);
        for agent in &desk.agents {
            if let Some(seat) = seats.get_mut(&agent.id) {
                let free = u32::try_from(numbers.below(4)).unwrap_or_default();
                seat.load = seat.capacity - Weight::tickets(free);
            }
        }
        let count = 5 + numbers.below(36);
        let mut items: Vec<Item> = (0..count).map(|_| item(&desk, &mut numbers)).collect();
        items.sort_by_cached_key(turn);
        let directory = Arc::new(Directory::new(desk.groups, desk.agents, vec![], None));
        let now = Timestamp::from_millis(2_000_000_000_000);
        let planned = plan(&items, &directory, &mut seats.clone(), now);
        one_by_one.add(&planned, &seats);
        let mut index = Index::new(directory, now);
        for (agent, seat) in &seats {
            index.put_seat(agent, seat.clone());
        }
        for item in items {
            index.put_item(item, now);
        }
        let mut planned = Vec::new();
        loop {
            let more = index.plan(now);
            if more.is_empty() {
                break;
            }
            planned.extend(more);
        }
        together.add(&planned, &seats);
    }
    Compared {
        instances,
        one_by_one: one_by_one.mean(instances),
        together: together.mean(instances),
    }
}

fn item(desk: &Desk, numbers: &mut Numbers) -> Item {
    let mut item = desk.arriving(usize::try_from(numbers.below(1_000)).unwrap_or_default());
    if numbers.below(4) == 0 {
        item.facts.required_skills.clear();
    }
    item.facts.language_is_certain = numbers.below(2) == 0;
    item
}

impl Way {
    /// Adds one instance: the fit of a ticket here, and means over instances later.
    fn add(&mut self, planned: &[Planned], seats: &Seats) {
        let mut got: HashMap<&AgentId, u32> = HashMap::new();
        let mut served: BTreeMap<_, f64> = BTreeMap::new();
        for one in planned {
            let (Some((agent, _)), Some(look)) = (&one.agent, &one.look) else {
                continue;
            };
            *got.entry(agent).or_default() += 1;
            let fit = look.candidates.iter().find(|one| one.agent == *agent);
            served.insert(&one.ticket, fit.map_or(0.0, |one| f64::from(one.fit)));
        }
        let shares: Vec<f64> = seats
            .iter()
            .map(|(agent, seat)| {
                let load = seat.load + Weight::tickets(got.get(agent).copied().unwrap_or_default());
                100.0 * load.as_tickets() / seat.capacity.as_tickets()
            })
            .collect();
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        let squares: f64 = shares.iter().map(|share| (share - mean).powi(2)).sum();
        self.served += served.len() as f64;
        self.fit += served.values().sum::<f64>() / served.len().max(1) as f64;
        self.spread += (squares / shares.len() as f64).sqrt();
    }

    fn mean(self, instances: u32) -> Self {
        let mean = |sum: f64| sum / f64::from(instances.max(1));
        Self {
            served: mean(self.served),
            fit: mean(self.fit),
            spread: mean(self.spread),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn together_no_fewer_are_served() {
        let compared = compare(50);
        assert!(
            compared.together.served >= compared.one_by_one.served,
            "{compared:?}"
        );
        assert!(compared.one_by_one.served > 0.0);
    }
}
