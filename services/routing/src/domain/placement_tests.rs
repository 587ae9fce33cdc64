use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use lotse_calendar::{Shift, Weekday};
use lotse_ids::DecisionId;
use proptest::prelude::*;

use super::*;
use crate::domain::agent::Agent;
use crate::domain::channel::Presences;
use crate::domain::choice::misfit;
use crate::domain::codes::{Presence, Reason};
use crate::domain::cover::{Cover, CoverWords};
use crate::domain::index::Index;
use crate::domain::samples::{self, agent, group, item, policy};
use crate::domain::shift_plan::ShiftPlan;
use crate::domain::shift_plan::tests::{exception, office, plan};
use crate::domain::way::{OpenHours, PreferredSkills, SkipIf, Terms};
use crate::domain::workflow::{Plan, Workflow};

const MINUTE: Duration = Duration::from_secs(60);

/// Groups 1 to 3 of agents `3(g-1)+1` to `3g`, with a default way of `steps`.
fn directory(steps: Vec<WorkflowStep>, preferred: Vec<PreferredSkills>) -> (Directory, Seats) {
    let mut team = samples::team(9);
    for (at, (agent, _)) in team.agents.iter_mut().enumerate() {
        agent.profile.groups = BTreeSet::from([group(at / 3 + 1)]);
        agent.profile.tier = u8::try_from(at % 3 + 1).unwrap();
        let level = u8::try_from(at % 3 * 2).unwrap();
        if level > 0 {
            agent.profile.skills = BTreeMap::from([("vpn".to_owned(), level)]);
        }
    }
    let groups = (1..=3).map(|n| {
        let mut one = team.group.clone();
        one.id = group(n);
        one.profile.name = format!("group {n}");
        one
    });
    let plan = Plan {
        default: Way {
            steps,
            preferred,
            learned: false,
        },
        ..Plan::to(group(1))
    };
    let workflow = Workflow {
        version: 1,
        plan,
        created_at: Timestamp::EPOCH,
    };
    let agents: Vec<Agent> = team.agents.iter().map(|(agent, _)| agent.clone()).collect();
    let seats = team.agents.iter();
    let seats = seats
        .map(|(agent, seat)| (agent.id.clone(), seat.clone()))
        .collect();
    (
        Directory::new(groups.collect(), agents, vec![], Some(workflow)),
        seats,
    )
}

fn at(n: usize, timeout: Option<u32>) -> WorkflowStep {
    WorkflowStep {
        timeout: timeout.map(|minutes| MINUTE * minutes),
        ..WorkflowStep::at(group(n))
    }
}

/// Where the item is after some minutes: group, step, and when that changes, in minutes.
fn stands(
    item: &Item,
    (directory, seats): &(Directory, Seats),
    minutes: u32,
) -> (GroupId, u32, Option<i64>) {
    let pools = SeatPools { directory, seats };
    let place = place(item, directory, &pools, item.queued_at + MINUTE * minutes).unwrap();
    let changes = place
        .changes_at
        .map(|at| at.millis_since(item.queued_at) / 60_000);
    (
        place.group,
        place.step.map_or(0, |step| step.number),
        changes,
    )
}

#[test]
fn steps_end_by_the_age_of_the_ticket() {
    let there = directory(vec![at(1, Some(5)), at(2, Some(15)), at(3, None)], vec![]);
    let item = item(1);
    assert_eq!(stands(&item, &there, 0), (group(1), 1, Some(5)));
    assert_eq!(stands(&item, &there, 4), (group(1), 1, Some(5)));
    assert_eq!(stands(&item, &there, 5), (group(2), 2, Some(15)));
    assert_eq!(stands(&item, &there, 99), (group(3), 3, None));
}

#[test]
fn a_step_is_passed_over_while_nobody_is_there_and_come_back_to() {
    let mut first = at(1, Some(5));
    first.skip_if.nobody_online = true;
    let mut second = at(2, Some(9));
    second.skip_if.nobody_free = true;
    let mut there = directory(vec![first, second, at(3, None)], vec![]);
    let item = item(1);
    assert_eq!(stands(&item, &there, 0), (group(1), 1, Some(5)));
    for n in 1..=3 {
        there.1.get_mut(&agent(n)).unwrap().presences = Presences::all(Presence::Away);
    }
    assert_eq!(stands(&item, &there, 0), (group(2), 2, Some(9)));
    for n in 4..=6 {
        let seat = there.1.get_mut(&agent(n)).unwrap();
        seat.load = seat.capacity;
    }
    assert_eq!(stands(&item, &there, 0), (group(3), 3, None));
    let pools = SeatPools {
        directory: &there.0,
        seats: &there.1,
    };
    let step = place(&item, &there.0, &pools, item.queued_at)
        .unwrap()
        .step
        .unwrap();
    assert_eq!(
        step.skipped,
        [(1, SkipReason::NobodyOnline), (2, SkipReason::NobodyFree)]
    );
    there.1.get_mut(&agent(2)).unwrap().presences = Presences::all(Presence::Online);
    assert_eq!(stands(&item, &there, 4), (group(1), 1, Some(5)));
}

/// An agent who is absent at first and at work from an instant on.
fn absent(n: usize, until: Timestamp) -> ShiftPlan {
    let mut shifts = office(n);
    shifts.absences = vec![exception(Timestamp::EPOCH, until)];
    shifts.extra_shifts = vec![exception(Timestamp::EPOCH, until + MINUTE * 90)];
    plan(shifts)
}

#[test]
fn who_is_on_a_break_is_not_counted_and_who_covers_is() {
    let mut first = at(1, Some(50));
    first.skip_if.nobody_online = true;
    let mut second = at(2, Some(50));
    second.skip_if.nobody_free = true;
    let (mut there, seats) = directory(vec![first, second, at(3, None)], vec![]);
    let item = item(1);
    let until = item.queued_at + MINUTE * 10;
    there = there.with_shift_plans((1..=6).map(|n| absent(n, until)).collect());
    let cover = Cover {
        id: "cov_01h455vb4pex5vsknk084sn02q".parse().unwrap(),
        group: group(2),
        by: group(3),
        starts_at: item.queued_at + MINUTE * 5,
        ends_at: until,
        words: CoverWords {
            notices: Vec::new(),
            reason: String::new(),
        },
        version: 1,
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    };
    let there = (there.with_covers(vec![cover]), seats);
    let step = |minutes| stands(&item, &there, minutes).1;
    assert_eq!([4, 5, 9, 10].map(step), [3, 2, 2, 1]);
}

#[test]
fn the_end_of_an_absence_leads_what_waits_back_to_the_step() {
    let mut first = at(1, Some(50));
    first.skip_if.nobody_online = true;
    let (there, mut seats) = directory(vec![first, at(2, None)], vec![]);
    let item = item(1);
    let until = item.queued_at + MINUTE * 10;
    let there = there.with_shift_plans((1..=3).map(|n| absent(n, until)).collect());
    for n in 4..=6 {
        seats.get_mut(&agent(n)).unwrap().presences = Presences::all(Presence::Away);
    }
    let mut index = Index::new(Arc::new(there), item.queued_at);
    for (agent, seat) in seats {
        index.put_seat(&agent, seat);
    }
    index.put_item(item.clone(), item.queued_at);
    let told = index.plan(item.queued_at);
    assert_eq!((&told[0].group, &told[0].agent), (&Some(group(2)), &None));
    assert_eq!(index.next_due(), Some(until));
    let given = index.plan(until);
    assert_eq!(given[0].group, Some(group(1)));
    assert!(given[0].agent.is_some());
}

fn open_from_ten_to_twenty_past() -> SkipIf {
    // The epoch was a Thursday; the sample items are queued one second later.
    let time = |text: &str| text.parse().unwrap();
    let shift = Shift {
        day: Weekday::Thursday,
        from: time("00:10"),
        to: time("00:20"),
    };
    SkipIf {
        outside: Some(OpenHours::new("UTC".to_owned(), vec![shift]).unwrap()),
        ..SkipIf::default()
    }
}

#[test]
fn a_step_is_passed_over_outside_its_hours() {
    let mut first = at(1, Some(30));
    first.skip_if = open_from_ten_to_twenty_past();
    let there = directory(vec![first, at(2, None)], vec![]);
    let mut item = item(1);
    item.queued_at = Timestamp::EPOCH;
    assert_eq!(stands(&item, &there, 0), (group(2), 2, Some(10)));
    assert_eq!(stands(&item, &there, 10), (group(1), 1, Some(20)));
    assert_eq!(stands(&item, &there, 20).0, group(2));
}

#[test]
fn what_a_person_decided_the_workflow_does_not_move() {
    let there = directory(vec![at(1, Some(5)), at(2, None)], vec![]);
    let mut item = item(1);
    item.wait(
        Some(group(1)),
        DecisionId::generate(item.queued_at),
        Reason::AllBusy,
        None,
        &policy(),
    );
    assert_eq!(
        stands(&item, &there, 9).0,
        group(2),
        "the workflow put it there"
    );
    item.hand_to(Some(group(1)), None, item.queued_at, &policy());
    item.wait(
        Some(group(1)),
        DecisionId::generate(item.queued_at),
        Reason::AllBusy,
        None,
        &policy(),
    );
    assert_eq!(stands(&item, &there, 9), (group(1), 0, None));
    item.hand_to(None, None, item.queued_at, &policy());
    assert_eq!(
        stands(&item, &there, 9).0,
        group(2),
        "it was sent back to the workflow"
    );
    item.facts.requested_group = Some(group(3));
    assert_eq!(stands(&item, &there, 9), (group(3), 0, None));
}

#[test]
fn a_step_asks_beside_what_ticket_and_group_ask() {
    let mut first = at(1, None);
    first.terms = Terms {
        skills: BTreeMap::from([("vpn".to_owned(), 2), ("mac".to_owned(), 1)]),
        language_level: 3,
        min_tier: 2,
        order: Default::default(),
    };
    let (mut there, seats) = directory(vec![first], vec![]);
    let required = &mut there
        .groups
        .get_mut(&group(1))
        .unwrap()
        .profile
        .required_skills;
    required.insert("vpn".to_owned(), 4);
    let pools = SeatPools {
        directory: &there,
        seats: &seats,
    };
    let needs = place(&item(1), &there, &pools, Timestamp::EPOCH)
        .unwrap()
        .needs;
    assert_eq!(
        needs.skills,
        BTreeMap::from([("vpn".to_owned(), 4), ("mac".to_owned(), 1)])
    );
    assert_eq!((needs.language_level, needs.min_tier), (3, 2));
}

prop_compose! {
    fn any_step()(group in 1..=3_usize, level in 0..=4_u8, tier in 0..=3_u8, span in 1..20_u32,
                  nobody_online in any::<bool>(), nobody_free in any::<bool>(), hours in any::<bool>())
        -> (u32, WorkflowStep) {
        let mut step = at(group, None);
        if level > 0 { step.terms.skills.insert("vpn".to_owned(), level); }
        step.terms.min_tier = tier;
        if hours { step.skip_if = open_from_ten_to_twenty_past(); }
        step.skip_if.nobody_online = nobody_online;
        step.skip_if.nobody_free = nobody_free;
        (span, step)
    }
}

prop_compose! {
    fn any_way()(steps in proptest::collection::vec(any_step(), 1..5),
                 preferred in proptest::collection::vec((1..=5_u8, 1..60_u32), 0..4))
        -> (Vec<WorkflowStep>, Vec<PreferredSkills>) {
        let mut end = 0;
        let last = steps.len() - 1;
        let steps = steps.into_iter().enumerate().map(|(at, (span, mut step))| {
            end += span;
            if at == last { step.skip_if = SkipIf::default(); } else { step.timeout = Some(MINUTE * end); }
            step
        });
        let preferred = preferred.into_iter().map(|(level, minutes)| PreferredSkills {
            skills: BTreeMap::from([("vpn".to_owned(), level)]),
            drop_after: MINUTE * minutes,
        });
        (steps.collect(), preferred.collect())
    }
}

/// Some seats away, some full.
fn with_seats(there: &mut (Directory, Seats), away: &[bool], full: &[bool]) {
    for n in 1..=9 {
        let seat = there.1.get_mut(&agent(n)).unwrap();
        if away[n - 1] {
            seat.presences = Presences::all(Presence::Away);
        }
        if full[n - 1] {
            seat.load = seat.capacity;
        }
    }
}

fn eligible(
    place: &Placement,
    (directory, seats): &(Directory, Seats),
) -> BTreeSet<lotse_ids::AgentId> {
    let members = directory.members(&place.group);
    let able = members.filter(|agent| misfit(agent, &seats[&agent.id], &place.needs).is_none());
    able.map(|agent| agent.id.clone()).collect()
}

proptest! {
    /// Minute by minute: up to `changes_at` nothing changes, and while the step stays the same, the
    /// agents who may get the ticket only become more.
    #[test]
    fn nothing_changes_before_it_is_said_to_and_relaxation_only_widens(
        (steps, preferred) in any_way(),
        away in proptest::collection::vec(any::<bool>(), 9),
        full in proptest::collection::vec(any::<bool>(), 9),
    ) {
        let mut there = directory(steps, preferred);
        with_seats(&mut there, &away, &full);
        let mut item = item(1);
        item.queued_at = Timestamp::EPOCH;
        let pools = SeatPools { directory: &there.0, seats: &there.1 };
        let place_at = |minute: u32| {
            place(&item, &there.0, &pools, item.queued_at + MINUTE * minute).unwrap()
        };
        let asks = |place: &Placement| {
            (place.group.clone(), place.step.as_ref().unwrap().number, place.needs.clone())
        };
        let mut before = place_at(0);
        for minute in 1..=90_u32 {
            let now = item.queued_at + MINUTE * minute;
            let after = place_at(minute);
            let due = before.changes_at.is_some_and(|at| at <= now);
            prop_assert_eq!(asks(&before) != asks(&after), due, "at minute {}", minute);
            if asks(&before).1 == asks(&after).1 {
                prop_assert!(eligible(&before, &there).is_subset(&eligible(&after, &there)));
            }
            before = after;
        }
    }

    /// A ticket that was placed, or offered and declined, or restarted with, stands where one does
    /// that nobody touched.
    #[test]
    fn the_place_depends_on_the_age_only(
        (steps, preferred) in any_way(), first in 0..60_u32, later in 0..60_u32,
    ) {
        let there = directory(steps, preferred);
        let untouched = item(1);
        let mut touched = item(1);
        let (group, _, _) = stands(&touched, &there, first);
        touched.wait(Some(group), DecisionId::generate(touched.queued_at), Reason::AllBusy, None, &policy());
        prop_assert_eq!(stands(&touched, &there, first + later), stands(&untouched, &there, first + later));
    }
}
