use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::codes::RotationUnit;
use crate::domain::rota::Plan;
use crate::domain::samples::{self, agent, group};
use crate::domain::shift_plan::Shifts;
use crate::domain::shift_plan::tests::{MINUTE, any_shifts, exception, hours, naive, office, plan};
use crate::domain::turns::tests::{at, layer, rota, rotation};

fn needs(skill: &str, agents: u32) -> Requirement {
    Requirement {
        skill: Some(skill.to_owned()).filter(|skill| !skill.is_empty()),
        language: None,
        min_level: 2,
        agents,
        hours: Vec::new(),
    }
}

/// A team of the size of `plans`; agents with an odd number know "vpn" well, the others a little.
fn directory(plans: Vec<Shifts>) -> Directory {
    let mut team = samples::team(plans.len());
    for n in 1..=plans.len() {
        team.skill(n, "vpn", if n % 2 == 1 { 3 } else { 1 });
    }
    let (directory, _) = team.finish();
    directory.with_shift_plans(plans.into_iter().map(plan).collect())
}

fn find(directory: &Directory, all: Vec<Requirement>, window: Stretch) -> Vec<Gap> {
    let requirements = Requirements {
        group: group(1),
        zone: "Europe/Berlin".to_owned(),
        all,
    };
    let hours = requirements.hours().unwrap();
    let (rosters, _) = rosters(directory, &group(1), &[], &[], window);
    gaps(&requirements.all, &hours, &rosters, window)
}

/// A Monday in summer, two hours before UTC.
fn monday() -> Stretch {
    Stretch {
        from: at("2026-06-01T00:00:00Z"),
        until: at("2026-06-02T00:00:00Z"),
    }
}

#[test]
fn a_break_and_an_absence_make_one_gap_that_names_both() {
    let mut second = office(2);
    let (noon, two) = (at("2026-06-01T10:30:00Z"), at("2026-06-01T12:00:00Z"));
    second.absences.push(exception(noon, two));
    second.breaks.clear();
    let directory = directory(vec![office(1), second]);
    let mut one = needs("", 2);
    one.hours = vec![hours(0, "09:00", "17:00")];
    let found = find(&directory, vec![one], monday());
    let [gap] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(gap.stretch.from, at("2026-06-01T10:00:00Z"));
    assert_eq!(gap.stretch.until, two);
    assert_eq!(gap.fewest, 0, "both away from half past ten to eleven");
    assert_eq!(gap.missing[&agent(1)].standing, Standing::OnBreak);
    let training = &gap.missing[&agent(2)];
    assert_eq!(
        (training.standing, training.note.as_str()),
        (Standing::Absent, "training")
    );
    assert_eq!(gap.there, BTreeSet::from([agent(1), agent(2)]));
}

#[test]
fn only_who_knows_enough_counts() {
    let directory = directory(vec![office(1), office(2)]);
    let mut skilled = needs("vpn", 1);
    skilled.hours = vec![hours(0, "09:00", "10:00")];
    let met = find(&directory, vec![skilled.clone()], monday());
    assert_eq!(met, []);
    skilled.agents = 2;
    let [gap] = &find(&directory, vec![skilled], monday())[..] else {
        panic!("one gap")
    };
    assert_eq!(gap.there, BTreeSet::from([agent(1)]));
}

#[test]
fn duty_counts_outside_of_shifts_and_not_on_breaks() {
    let directory = directory(vec![office(1)]);
    let window = monday();
    let mut duty = rotation(1, RotationUnit::Days, 1);
    duty.agents = vec![agent(1), agent(9)];
    let rota = rota("Europe/Berlin", vec![layer(Plan::Rotation(duty))]);
    let stretches = rota.duty(&[], |who| directory.is_active(who), window);
    let (rosters, unplanned) = rosters(&directory, &group(1), &[], &stretches, window);
    assert_eq!(unplanned, []);
    let one = needs("", 1);
    let gaps = gaps(&[one], &[None], &rosters, window);
    let [gap] = gaps.as_slice() else {
        panic!("{gaps:?}")
    };
    assert_eq!(gap.stretch.from, at("2026-06-01T10:00:00Z"));
    assert_eq!(gap.stretch.until, at("2026-06-01T11:00:00Z"));
}

#[test]
fn a_member_without_a_plan_is_named_and_counts_for_nothing() {
    let (directory, _) = samples::team(1).finish();
    let window = monday();
    let (rosters, unplanned) = rosters(&directory, &group(1), &[], &[], window);
    assert_eq!((rosters.len(), unplanned), (0, vec![agent(1)]));
    let gaps = gaps(&[needs("", 1)], &[None], &rosters, window);
    assert_eq!(gaps[0].stretch, window);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn gaps_are_those_of_a_walk_by_minutes(
        one in any_shifts(1),
        two in any_shifts(2),
        three in any_shifts(3),
        required in 1u32..3,
        skill in any::<bool>(),
        autumn in any::<bool>(),
    ) {
        let from = at(if autumn { "2026-10-23T00:00:00Z" } else { "2026-03-27T00:00:00Z" });
        let window = Stretch { from, until: from + Duration::from_secs(4 * 86_400) };
        let plans = [one, two, three];
        let directory = directory(plans.to_vec());
        let found = find(&directory, vec![needs(if skill { "vpn" } else { "" }, required)], window);
        for pair in found.windows(2) {
            prop_assert!(pair[0].stretch.until < pair[1].stretch.from, "adjacent gaps are one");
        }
        let mut fewest: BTreeMap<usize, usize> = BTreeMap::new();
        let mut minute = window.from;
        while minute < window.until {
            let there = (1..=3)
                .filter(|n| !skill || n % 2 == 1)
                .filter(|n| naive(&plans[n - 1], minute) == Standing::AtWork)
                .count();
            let gap = found.iter().position(|gap| gap.stretch.contains(minute));
            prop_assert_eq!(gap.is_some(), there < required as usize, "{}", minute);
            if let Some(gap) = gap {
                let least = fewest.entry(gap).or_insert(there);
                *least = there.min(*least);
            }
            minute = Timestamp::from_millis(minute.as_millis() + MINUTE);
        }
        for (at, gap) in found.iter().enumerate() {
            prop_assert_eq!(fewest[&at], gap.fewest as usize);
        }
    }
}
