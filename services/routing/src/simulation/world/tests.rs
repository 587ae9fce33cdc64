//! A simulation that nobody waits for any more.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::simulation::happened::Happened;
use crate::simulation::router::Policy;
use crate::simulation::scenario::{Scenario, Stage};

const BUSY: &str = r#"
    name = "busy"
    start = "2026-03-02"
    days = 2
    groups = [{ name = "desk" }]
    agents = [{ name = "agent", count = 3, groups = ["desk"], capacity = 2 }]
    workflow = { default_group = "desk" }

    [[tickets]]
    class = "any"
    per_hour = 30
    handling = { exponential = "5m" }
"#;

/// Plays until this many tickets are solved; returns all that happened.
fn play_until_solved(stage: &Stage, wanted: usize) -> Vec<Happened> {
    let called_off = AtomicBool::new(false);
    let (mut seen, mut solved) = (Vec::new(), 0);
    stage.play_on(Policy::OneByOne, 1, &called_off, |_, happened| {
        seen.push(happened);
        solved += usize::from(matches!(happened, Happened::Solved { .. }));
        called_off.store(solved >= wanted, Ordering::Relaxed);
    });
    seen
}

fn count_solved(seen: &[Happened]) -> usize {
    let solved = |happened: &&Happened| matches!(happened, Happened::Solved { .. });
    seen.iter().filter(solved).count()
}

fn in_hand(seen: &[Happened]) -> usize {
    let begun = |happened: &&Happened| matches!(happened, Happened::Begun { .. });
    seen.iter().filter(begun).count() - count_solved(seen)
}

#[test]
fn what_is_called_off_stops_with_what_is_on_its_agenda() {
    let scenario: Scenario = toml::from_str(BUSY).unwrap();
    let stage = scenario.stage().unwrap();
    let all = play_until_solved(&stage, usize::MAX);
    let some = play_until_solved(&stage, 10);
    assert!(
        count_solved(&all) > 100,
        "{} without it",
        count_solved(&all)
    );
    assert_eq!(some[..], all[..some.len()], "up to there it is the same");
    assert_eq!(count_solved(&some), 10);
    assert!(
        in_hand(&some) > 0,
        "tickets that were begun are not solved any more"
    );
}
