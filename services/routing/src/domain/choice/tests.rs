use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::*;
use crate::domain::channel::Presences;
use crate::domain::codes::{Channel, Order, Presence};
use crate::domain::language::Language;
use crate::domain::samples::{agent, group, team};
use crate::domain::weight::Weight;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(1_000);

fn needs() -> Needs {
    Needs {
        group: group(1),
        skills: BTreeMap::new(),
        preferred_skills: BTreeMap::new(),
        language: None,
        language_level: 1,
        min_tier: 0,
        order: Order::BestFit,
        load_steps: 1,
        channel: Channel::Email,
        weight: Weight::TICKET,
        excluded: BTreeSet::new(),
        declined: BTreeSet::new(),
        preferred: None,
        repeats: false,
    }
}

fn skilled(level: u8) -> Needs {
    let mut needs = needs();
    needs.skills.insert("vpn".to_owned(), level);
    needs
}

#[test]
fn fit_goes_before_load_and_load_before_rest() {
    let mut team = team(3);
    team.skill(1, "vpn", 2);
    team.skill(2, "vpn", 5);
    team.skill(3, "vpn", 5);
    team.seat(2).load = Weight::tickets(9);
    let (directory, seats) = team.finish();
    let choice = choose(skilled(1), &directory, &seats, NOW);
    let order: Vec<_> = choice
        .look
        .candidates
        .iter()
        .map(|one| one.agent.clone())
        .collect();
    assert_eq!(order, [agent(3), agent(2), agent(1)]);
    assert_eq!(choice.reason, Reason::BestFit);
}

#[test]
fn a_step_of_load_goes_before_fit_and_fit_decides_within_a_step() {
    let mut team = team(3);
    team.skill(1, "vpn", 2);
    team.skill(2, "vpn", 5);
    team.skill(3, "vpn", 4);
    team.seat(2).load = Weight::tickets(9);
    team.seat(3).load = Weight::tickets(2);
    let (directory, seats) = team.finish();
    let needs = Needs {
        load_steps: 4,
        ..skilled(1)
    };
    let candidates = choose(needs, &directory, &seats, NOW).look.candidates;
    let order: Vec<_> = candidates
        .iter()
        .map(|one| (one.agent.clone(), one.load_step))
        .collect();
    assert_eq!(order, [(agent(3), 0), (agent(1), 0), (agent(2), 3)]);
    let ahead = candidates[1].compare(&candidates[2], Order::BestFit);
    assert_eq!(ahead, (Criterion::Load, Ordering::Less));
}

#[test]
fn among_equals_the_longest_without_a_ticket_goes_first() {
    let mut team = team(3);
    team.seat(1).last_assigned_at = Some(Timestamp::from_millis(20));
    team.seat(2).last_assigned_at = Some(Timestamp::from_millis(10));
    team.seat(3).last_assigned_at = Some(Timestamp::from_millis(30));
    let (directory, mut seats) = team.finish();
    assert_eq!(
        choose(needs(), &directory, &seats, NOW).agent,
        Some(agent(2))
    );
    seats.get_mut(&agent(3)).unwrap().last_assigned_at = None;
    assert_eq!(
        choose(needs(), &directory, &seats, NOW).agent,
        Some(agent(3)),
        "never comes first"
    );
}

#[test]
fn spare_is_a_share_of_the_capacity_not_a_number_of_tickets() {
    let mut team = team(2);
    // Agent 1: 4 of 10 free. Agent 2: 1 of 2 free.
    team.seat(1).load = Weight::tickets(6);
    team.seat(2).capacity = Weight::tickets(2);
    team.seat(2).load = Weight::tickets(1);
    let (directory, seats) = team.finish();
    assert_eq!(
        choose(needs(), &directory, &seats, NOW).agent,
        Some(agent(2))
    );
}

#[test]
fn each_misfit_is_counted_by_its_reason() {
    let mut team = team(7);
    for n in 1..=6 {
        team.skill(n, "vpn", 3);
    }
    team.agents[0].0.profile.retired = true;
    team.seat(2).presences = Presences::all(Presence::Away);
    team.language(4, "fr", 5);
    team.seat(5).load = Weight::tickets(10);
    let mut needs = skilled(3);
    needs.excluded.insert(agent(3));
    needs.language = Language::parse("de");
    let (directory, seats) = team.finish();
    let choice = choose(needs, &directory, &seats, NOW);
    assert_eq!(
        (choice.agent, choice.reason),
        (Some(agent(6)), Reason::OnlyCandidate)
    );
    let codes: Vec<_> = choice
        .look
        .rejections
        .iter()
        .map(|(why, n)| (why.as_str(), *n))
        .collect();
    assert_eq!(
        codes,
        [
            ("retired", 1),
            ("not_online", 1),
            ("excluded", 1),
            ("lacks_skill", 1),
            ("lacks_language", 1),
            ("at_capacity", 1)
        ]
    );
}

#[test]
fn nobody_is_explained_by_the_nearest_miss() {
    let nobody = |setup: &dyn Fn(&mut crate::domain::samples::Team)| {
        let mut team = team(2);
        setup(&mut team);
        let (directory, seats) = team.finish();
        let mut needs = skilled(1);
        needs.language = Language::parse("de");
        let choice = choose(needs, &directory, &seats, NOW);
        assert_eq!(choice.agent, None);
        choice.reason
    };
    assert_eq!(nobody(&|team| team.agents.clear()), Reason::EmptyGroup);
    assert_eq!(
        nobody(&|team| team.seat(1).presences = Presences::all(Presence::Offline)),
        Reason::NobodySkilled
    );
    let speaks = |team: &mut crate::domain::samples::Team| {
        team.skill(1, "vpn", 1);
        team.language(1, "fr", 5);
    };
    assert_eq!(nobody(&speaks), Reason::NobodySpeaksLanguage);
    let busy = |team: &mut crate::domain::samples::Team| {
        team.skill(1, "vpn", 1);
        team.seat(1).load = Weight::tickets(10);
    };
    assert_eq!(nobody(&busy), Reason::AllBusy);
}

#[test]
fn the_agent_of_a_reopened_ticket_goes_before_better_ones_but_needs_room() {
    let mut team = team(3);
    team.skill(2, "vpn", 5);
    team.skill(3, "vpn", 5);
    let mut needs = skilled(1);
    needs.preferred = Some(agent(1));
    let (directory, mut seats) = team.finish();
    let choice = choose(needs.clone(), &directory, &seats, NOW);
    assert_eq!(
        (choice.agent, choice.reason),
        (Some(agent(1)), Reason::SameAgent)
    );
    let others: Vec<_> = choice.look.candidates[1..]
        .iter()
        .map(|one| &one.agent)
        .collect();
    assert_eq!(
        others,
        [&agent(2), &agent(3)],
        "the others keep their order"
    );
    seats.get_mut(&agent(1)).unwrap().load = Weight::tickets(10);
    assert_eq!(choose(needs, &directory, &seats, NOW).agent, Some(agent(2)));
}

fn presence() -> impl Strategy<Value = Presence> {
    prop_oneof![
        Just(Presence::Online),
        Just(Presence::Away),
        Just(Presence::Offline)
    ]
}

prop_compose! {
    /// Per agent: presence, load, capacity, level, language, retired, last assignment.
    fn member()(presence in presence(), load in 0..6_i64, capacity in 0..6_u32, level in 0..=5_u8,
                language in 0..3_usize, retired in proptest::bool::weighted(0.1), last in 0..3_i64)
        -> (Presence, i64, u32, u8, usize, bool, i64) {
        (presence, load, capacity, level, language, retired, last)
    }
}

proptest! {
    /// A second statement of the rules, as plain as possible, must agree on who may get it.
    #[test]
    fn nobody_ineligible_is_ever_chosen_and_nobody_eligible_left_out(
        members in proptest::collection::vec(member(), 0..12),
        level in 1..=5_u8,
        language in proptest::option::of(Just("de")),
        excluded in proptest::option::of(1..12_usize),
        rotate in 0..12_usize,
    ) {
        let mut team = team(members.len());
        let mut may = BTreeSet::new();
        for (at, (presence, load, capacity, has, tongue, retired, last)) in members.iter().enumerate() {
            let n = at + 1;
            if *has > 0 { team.skill(n, "vpn", *has); }
            match tongue { 1 => team.language(n, "de-AT", 3), 2 => team.language(n, "fr", 3), _ => () }
            team.agents[at].0.profile.retired = *retired;
            let seat = team.seat(n);
            seat.presences = Presences::all(*presence);
            seat.load = Weight::from_thousandths(load * 1_000);
            seat.capacity = Weight::tickets(*capacity);
            seat.last_assigned_at = (*last > 0).then(|| Timestamp::from_millis(*last));
            let fits = !retired && *presence == Presence::Online && *has >= level
                && (language.is_none() || *tongue != 2) && *load < i64::from(*capacity)
                && excluded != Some(n);
            if fits { may.insert(agent(n)); }
        }
        let mut needs = skilled(level);
        needs.language = language.and_then(Language::parse);
        needs.excluded.extend(excluded.map(agent));
        let size = team.agents.len();
        // The order in which agents are stored must not matter.
        if size > 0 { team.agents.rotate_left(rotate % size); }
        let (directory, seats) = team.finish();
        let choice = choose(needs, &directory, &seats, NOW);
        let candidates: Vec<_> = choice.look.candidates.clone();
        let found: BTreeSet<_> = candidates.iter().map(|one| one.agent.clone()).collect();
        prop_assert_eq!(&found, &may);
        prop_assert_eq!(choice.agent.is_some(), !may.is_empty());
        let left_out: u32 = choice.look.rejections.iter().map(|(_, agents)| agents).sum();
        prop_assert_eq!(left_out as usize + may.len(), members.len());
        for (at, a) in candidates.iter().enumerate() {
            for b in &candidates[at + 1..] {
                prop_assert_eq!(a.compare(b, Order::BestFit).1, Ordering::Less, "the order is total");
                prop_assert_eq!(b.compare(a, Order::BestFit).1, Ordering::Greater);
            }
        }
    }
}
