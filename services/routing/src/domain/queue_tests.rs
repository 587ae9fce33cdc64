use super::*;
use crate::domain::agent::Seat;
use crate::domain::channel::Presences;
use crate::domain::codes::Presence;
use crate::domain::samples::{agent, group, item, team, ticket};
use crate::domain::weight::Weight;
use lotse_ids::DecisionId;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(9_000);

fn waiting(n: usize) -> Item {
    let mut item = item(n);
    item.group = Some(group(1));
    item
}

#[test]
fn priority_goes_before_deadline_and_deadline_before_age() {
    let mut urgent = waiting(1);
    urgent.priority = Priority::Urgent;
    urgent.queued_at = Timestamp::from_millis(9_000);
    let mut due = waiting(2);
    due.trail.deadlines.insert("clk".to_owned(), 50_000);
    due.queued_at = Timestamp::from_millis(8_000);
    let mut old = waiting(3);
    old.queued_at = Timestamp::from_millis(10);
    let young = waiting(4);
    let mut items = vec![young, old, due, urgent];
    items.sort_by_key(turn);
    let order: Vec<_> = items.into_iter().map(|item| item.ticket).collect();
    assert_eq!(order, [ticket(1), ticket(2), ticket(3), ticket(4)]);
}

#[test]
fn load_is_spread_over_equal_agents() {
    let items: Vec<_> = (1..=6).map(waiting).collect();
    let (directory, mut seats) = team(3).finish();
    let planned = plan(&items, &directory, &mut seats, NOW);
    assert_eq!(planned.len(), 6);
    for n in 1..=3 {
        assert_eq!(seats[&agent(n)].load, Weight::tickets(2), "agent {n}");
    }
}

#[test]
fn an_item_that_waits_is_planned_once_to_say_why_and_then_only_to_be_given_away() {
    let mut team = team(1);
    team.seat(1).presences = Presences::all(Presence::Offline);
    let (directory, mut seats) = team.finish();
    let mut item = waiting(1);
    let planned = plan(std::slice::from_ref(&item), &directory, &mut seats, NOW);
    assert_eq!(
        (planned[0].agent.as_ref(), planned[0].reason),
        (None, Reason::NobodyOnline)
    );
    item.decision = Some(DecisionId::generate(NOW));
    assert_eq!(
        plan(std::slice::from_ref(&item), &directory, &mut seats, NOW),
        []
    );
    seats.get_mut(&agent(1)).unwrap().presences = Presences::all(Presence::Online);
    let planned = plan(&[item], &directory, &mut seats, NOW);
    assert_eq!(planned[0].agent, Some((agent(1), 1)));
}

#[test]
fn without_a_workflow_a_ticket_waits_unless_its_group_was_asked_for() {
    let (directory, mut seats) = team(1).finish();
    let nowhere = item(1);
    let mut asked = item(2);
    asked.facts.requested_group = Some(group(1));
    let mut elsewhere = item(3);
    elsewhere.facts.requested_group = Some(group(7));
    let planned = plan(&[nowhere, asked, elsewhere], &directory, &mut seats, NOW);
    assert_eq!(
        (planned[0].group.as_ref(), planned[0].reason),
        (None, Reason::NoWorkflow)
    );
    assert_eq!(planned[1].agent, Some((agent(1), 1)));
    assert_eq!(planned[2].group, None, "there is no such group");
}

proptest! {
    #[test]
    fn a_plan_never_exceeds_capacity_and_leaves_no_free_agent_beside_a_waiting_item(
        capacities in proptest::collection::vec(0..4_u32, 1..6),
        items in 0..20_usize,
    ) {
        let mut team = team(capacities.len());
        for (at, capacity) in capacities.iter().enumerate() {
            team.seat(at + 1).capacity = Weight::tickets(*capacity);
        }
        let items: Vec<_> = (0..items).map(waiting).collect();
        let (directory, mut seats) = team.finish();
        let planned = plan(&items, &directory, &mut seats, NOW);
        prop_assert_eq!(planned.len(), items.len());
        let given = planned.iter().filter(|one| one.agent.is_some()).count();
        let room: u32 = capacities.iter().sum();
        prop_assert_eq!(given, items.len().min(room as usize));
        prop_assert!(seats.values().all(|seat| seat.spare() >= Weight::ZERO));
        prop_assert!(given == items.len() || !seats.values().any(Seat::is_free));
    }
}
