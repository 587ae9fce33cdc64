use lotse_clock::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::domain::channel::Presences;
use crate::domain::codes::{Presence, Priority, Status};
use crate::domain::samples::{self, Team, agent, group, item, policy, team};

const NOW: Timestamp = Timestamp::from_millis(5_000);

/// Gives agent `to` of `team` the ticket `n`.
fn give(team: &mut Team, n: usize, to: usize) -> Item {
    let mut item = item(n);
    item.hand_to(Some(group(1)), Some(agent(to)), NOW, &policy());
    team.seat(to).load += item.load;
    item
}

fn moves(items: &[Item], team: Team) -> Vec<Move> {
    let (directory, mut seats) = team.finish();
    suggest(items, &directory, &mut seats, 100, Timestamp::EPOCH)
}

#[test]
fn loads_are_evened_out_and_the_last_in_turn_go() {
    let mut team = team(2);
    let mut items: Vec<Item> = (1..=4).map(|n| give(&mut team, n, 1)).collect();
    items[2].priority = Priority::Urgent;
    let moves = moves(&items, team);
    let tickets: Vec<_> = moves.iter().map(|one| one.ticket.clone()).collect();
    // From 4 beside 0 to 2 beside 2: the two that agent 1 would have come to last.
    assert_eq!(tickets, [samples::ticket(4), samples::ticket(2)]);
    let everything_from_one_to_two = moves
        .iter()
        .all(|one| (&one.from, &one.to) == (&agent(1), &agent(2)));
    assert!(everything_from_one_to_two);
    assert!(
        moves
            .iter()
            .all(|one| one.reason == TransferReason::Capacity)
    );
}

#[test]
fn tickets_of_whoever_is_not_there_go_first_and_the_most_urgent_of_them_before_the_others() {
    let mut team = team(3);
    let mut items = vec![give(&mut team, 1, 1), give(&mut team, 2, 1)];
    items[1].priority = Priority::Urgent;
    items.extend((3..=7).map(|n| give(&mut team, n, 2)));
    team.seat(1).presences = Presences::all(Presence::Offline);
    let moves = moves(&items, team);
    let first: Vec<_> = moves[..2]
        .iter()
        .map(|one| (one.ticket.clone(), one.reason))
        .collect();
    assert_eq!(
        first,
        [
            (samples::ticket(2), TransferReason::ShiftEnd),
            (samples::ticket(1), TransferReason::ShiftEnd)
        ]
    );
    assert!(moves[2..].iter().all(|one| one.from == agent(2)));
}

#[test]
fn nobody_gets_what_they_cannot_answer_or_have_passed_on() {
    let mut team = team(3);
    let mut items: Vec<Item> = (1..=6).map(|n| give(&mut team, n, 1)).collect();
    for item in &mut items {
        item.facts.required_skills.insert("vpn".to_owned());
        item.trail.excluded.insert(agent(3));
    }
    team.skill(3, "vpn", 5);
    assert_eq!(moves(&items, team), []);
}

#[test]
fn a_colleague_with_more_room_but_the_same_share_gets_nothing() {
    let mut team = team(2);
    team.seat(2).capacity = Weight::tickets(20);
    let mut items: Vec<Item> = (1..=2).map(|n| give(&mut team, n, 1)).collect();
    items.extend((3..=6).map(|n| give(&mut team, n, 2)));
    // 2 of 10 beside 4 of 20.
    assert_eq!(moves(&items, team), []);
}

fn busiest(seats: &Seats) -> f64 {
    let shares = seats
        .values()
        .map(|seat| seat.load.as_tickets() / seat.capacity.as_tickets());
    shares.fold(0.0, f64::max)
}

proptest! {
    #[test]
    fn moves_keep_to_capacities_and_make_no_load_worse(
        owners in prop::collection::vec(1..=6_usize, 0..31),
        capacities in prop::collection::vec(1..=12_u32, 6),
        away in prop::collection::vec(prop::bool::weighted(0.2), 6),
        most in 0..40_usize,
    ) {
        let mut team = team(6);
        for (n, capacity) in capacities.iter().enumerate() {
            team.seat(n + 1).capacity = Weight::tickets(*capacity);
            if away[n] {
                team.seat(n + 1).presences = Presences::all(Presence::Away);
            }
        }
        let owned = owners.iter().enumerate();
        let items: Vec<Item> = owned.map(|(n, owner)| give(&mut team, n + 1, *owner)).collect();
        let (directory, before) = team.finish();
        let mut after = before.clone();
        let moves = suggest(&items, &directory, &mut after, most, Timestamp::EPOCH);

        prop_assert!(moves.len() <= most);
        let mut loads: BTreeMap<AgentId, Weight> = BTreeMap::new();
        let mut moved = std::collections::BTreeSet::new();
        for one in &moves {
            prop_assert!(moved.insert(one.ticket.clone()), "each ticket once");
            let item = items.iter().find(|item| item.ticket == one.ticket).unwrap();
            prop_assert_eq!(item.agent.as_ref(), Some(&one.from));
            *loads.entry(one.from.clone()).or_default() += -item.load;
            *loads.entry(one.to.clone()).or_default() += item.load;
        }
        for (agent, seat) in &after {
            let change = loads.get(agent).copied().unwrap_or_default();
            prop_assert_eq!(seat.load, before[agent].load + change);
            let gained = change > Weight::ZERO;
            prop_assert!(!gained || seat.load <= seat.capacity, "nobody is filled above capacity");
            prop_assert!(!gained || seat.presence() == Presence::Online);
        }
        // Of those who are there, nobody ends up busier than the busiest was.
        if !away.contains(&true) {
            prop_assert!(busiest(&after) <= busiest(&before) + 1e-9);
        }
    }

    #[test]
    fn what_is_begun_pending_or_waiting_is_not_untouched(begun: bool, paused: bool, assigned: bool) {
        let mut one = item(1);
        if assigned {
            one.hand_to(Some(group(1)), Some(agent(1)), NOW, &policy());
        }
        one.begun = begun;
        if paused {
            one.follow_status(Status::Paused, one.queued_at, &policy(), &policy().handling);
        }
        prop_assert_eq!(one.is_untouched(), assigned && !begun && !paused);
    }
}
