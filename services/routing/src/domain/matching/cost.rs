//! What it costs to give an item to an agent.
//!
//! For one item the order of agents is settled ([`Candidate::compare`]): who had it before, then, by
//! best fit, the step of what they hold, chance of resolving it, fit, spare share, longest idle; the
//! workflow may want idleness or the spare share first. The cost of a pair is made of how far the agent
//! falls short in each of these, in this order, as digits of one number whose places are wide enough
//! that [`MOST`] of them added up do not carry into the next place. Therefore:
//!
//! - Of one item's agents the cheapest is the one whom the order puts first.
//! - Of many pairs, by best fit, the total is least where, first of all, the sum of steps of load is
//!   least; among those, the sum of lost chances; then the sum of missing levels of skill and
//!   language; then the sum of the capacity that is taken already, in shares; then the sum of the places in the order of idleness. The order of the
//!   criteria is the same; only each of them is now judged for everybody together. No rate of
//!   exchange between a skill level and a percentage of load has to be invented.
//!
//! Sums mean something only where all digits stand in the same places, so a table has one order.
//!
//! Room for a second item of an agent is a column of its own, at the share that is left after the
//! first. The shares of one agent add up steeper with each item, so the sum is least where the load
//! is spread.

use super::MOST;
use crate::domain::choice::{Candidate, Criterion};
use crate::domain::codes::Order;

/// What a pair costs. Sums of up to [`MOST`] are compared.
pub(crate) type Cost = i128;

/// Greatest chance, in thousandths.
const CHANCE: Cost = 1_000;
/// Greatest fit told apart: a dozen skills at level 5 have 60.
const FIT: Cost = 1_023;
/// Shares of a capacity are told apart to this part: exact for capacities below 1,000 tickets.
const SHARE: Cost = 1 << 40;

/// The cost of `candidate` by `order`, which is that of the whole table. `returns` is false where
/// the item should go back to another agent, whose the candidate is not. `idle` and `place` are where
/// the candidate stands, below [`MOST`], among all in the table: by the time without a ticket, where
/// equal times share a place, and in an order that ends with the id.
pub(crate) fn cost(
    candidate: &Candidate,
    order: Order,
    returns: bool,
    idle: usize,
    place: usize,
) -> Cost {
    let most_idle = MOST as Cost;
    let part = |criterion| match criterion {
        Criterion::Load => (Cost::from(candidate.load_step), Cost::from(u8::MAX)),
        Criterion::Chance => {
            let chance = candidate.chance.map_or(CHANCE, Cost::from);
            (CHANCE - chance.min(CHANCE), CHANCE)
        }
        Criterion::Fit => (FIT - Cost::from(candidate.fit).min(FIT), FIT),
        Criterion::Spare => {
            let spare = Cost::from(candidate.spare.thousandths());
            let capacity = Cost::from(candidate.capacity.thousandths()).max(1);
            let share = (spare * SHARE).div_euclid(capacity);
            (SHARE - share.clamp(0, SHARE), SHARE)
        }
        Criterion::LongestIdle => (idle as Cost, most_idle),
        Criterion::Id => (place as Cost, most_idle),
    };
    let criteria = order.criteria().iter().copied().chain([Criterion::Id]);
    criteria
        .map(part)
        .fold(Cost::from(!returns), |cost, (part, most)| {
            cost * (most * MOST as Cost + 1) + part
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples::agent;
    use crate::domain::weight::Weight;
    use proptest::prelude::*;

    fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
        let one = (
            prop::option::of(0..4_u16),
            (0..3_u8, 0..3_u32),
            0..4_u32,
            4..7_u32,
            prop::option::of(0..3_i64),
        );
        prop::collection::vec(one, 1..20).prop_map(|all| {
            let learned = all.iter().all(|one| one.0.is_some());
            let all = all.into_iter().enumerate();
            all.map(|(n, one)| {
                let (chance, (load_step, fit), spare, capacity, last_assigned_at) = one;
                Candidate {
                    agent: agent(n),
                    load_step,
                    chance: chance.filter(|_| learned),
                    fit,
                    spare: Weight::tickets(spare),
                    capacity: Weight::tickets(capacity),
                    last_assigned_at,
                }
            })
            .collect()
        })
    }

    proptest! {
        #[test]
        fn the_cheapest_agent_of_an_item_is_the_first_in_the_order(candidates in candidates()) {
            let mut idle: Vec<_> = candidates.iter().map(|one| one.last_assigned_at).collect();
            idle.sort_unstable();
            idle.dedup();
            let idle = |one: &Candidate| idle.iter().position(|at| *at == one.last_assigned_at);
            let place = |one: &Candidate| candidates.iter().position(|at| at.agent == one.agent);
            for order in [Order::BestFit, Order::LongestIdle, Order::MostSpare] {
                let price = |one: &Candidate| {
                    cost(one, order, true, idle(one).unwrap(), place(one).unwrap())
                };
                let mut by_cost = candidates.clone();
                by_cost.sort_by_key(price);
                let mut by_order = candidates.clone();
                by_order.sort_by(|a, b| a.compare(b, order).1);
                prop_assert_eq!(by_cost, by_order);
            }
        }

        #[test]
        fn an_agent_who_had_it_before_costs_less_than_any_other(candidates in candidates()) {
            for (a, b) in candidates.iter().zip(candidates.iter().skip(1)) {
                let (order, last) = (Order::BestFit, MOST - 1);
                prop_assert!(cost(a, order, true, last, last) < cost(b, order, false, 0, 0));
            }
        }
    }

    #[test]
    fn a_full_table_of_the_worst_does_not_overflow() {
        let worst = Candidate {
            agent: agent(1),
            load_step: u8::MAX,
            chance: Some(0),
            fit: 0,
            spare: Weight::ZERO,
            capacity: Weight::TICKET,
            last_assigned_at: None,
        };
        let one = cost(&worst, Order::BestFit, false, MOST - 1, MOST - 1);
        assert!(one.checked_mul(4 * MOST as Cost).is_some());
    }
}
