use super::*;
use crate::domain::samples::{self, agent, group, item};

const NOW: Timestamp = Timestamp::from_millis(5_000);

fn loads(before: &Item, after: &Item) -> Vec<(AgentId, i64)> {
    let mut loads = Loads::new();
    shift_loads(Some(before), after, &mut loads);
    let changed = loads
        .into_iter()
        .filter(|(_, weight)| *weight != Weight::ZERO);
    changed
        .map(|((agent, _), weight)| (agent, weight.thousandths()))
        .collect()
}

#[test]
fn a_pending_ticket_counts_by_its_fraction_and_a_solved_one_not_at_all() {
    let policy = samples::policy();
    let mut item = item(1);
    let waiting = item.clone();
    item.hand_to(Some(group(1)), Some(agent(1)), NOW, &policy);
    assert_eq!(loads(&waiting, &item), [(agent(1), 1_000)]);
    let open = item.clone();
    item.follow_status(Status::Paused, NOW, &policy, &policy.handling);
    assert_eq!(loads(&open, &item), [(agent(1), -750)]);
    let paused = item.clone();
    item.follow_status(Status::Solved, NOW, &policy, &policy.handling);
    assert_eq!(loads(&paused, &item), [(agent(1), -250)]);
    assert_eq!(item.state(), State::Done);
}

#[test]
fn a_transfer_moves_the_load() {
    let policy = samples::policy();
    let mut item = item(1);
    item.hand_to(Some(group(1)), Some(agent(1)), NOW, &policy);
    let before = item.clone();
    item.hand_to(Some(group(1)), Some(agent(2)), NOW, &policy);
    assert_eq!(
        loads(&before, &item),
        [(agent(1), -1_000), (agent(2), 1_000)]
    );
}

#[test]
fn a_reopened_ticket_waits_for_its_agent_with_its_original_age() {
    let policy = samples::policy();
    let mut item = item(1);
    let queued_at = item.queued_at;
    item.hand_to(Some(group(1)), Some(agent(1)), NOW, &policy);
    item.follow_status(Status::Solved, NOW, &policy, &policy.handling);
    item.follow_status(Status::Open, NOW, &policy, &policy.handling);
    assert_eq!(item.state(), State::Waiting);
    assert_eq!(item.trail.preferred, Some(agent(1)));
    assert_eq!((item.queued_at, item.decision.as_ref()), (queued_at, None));
}

#[test]
fn where_routing_only_keeps_record_a_reopened_ticket_is_its_agents_again() {
    let policy = Policy {
        recorded: true,
        ..samples::policy()
    };
    let mut item = item(1);
    item.hand_to(Some(group(1)), Some(agent(1)), NOW, &policy);
    item.follow_status(Status::Solved, NOW, &policy, &policy.handling);
    item.follow_status(Status::Open, NOW, &policy, &policy.handling);
    assert_eq!(item.state(), State::Assigned);
    assert_eq!(item.load, Weight::TICKET);
}

#[test]
fn a_solved_ticket_can_change_owner_without_occupying_anybody() {
    let policy = samples::policy();
    let mut item = item(1);
    item.follow_status(Status::Solved, NOW, &policy, &policy.handling);
    item.hand_to(Some(group(1)), Some(agent(1)), NOW, &policy);
    assert_eq!((item.state(), item.load), (State::Done, Weight::ZERO));
}
