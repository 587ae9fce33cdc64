//! The simulation keeps the rules of the desk that it plays.

use std::collections::{BTreeMap, BTreeSet};

use lotse_routing::simulation::{Happened, Policy, Scenario, There};

/// A week of a desk with everything: shifts, breaks, offers that are declined or ignored, impatient
/// customers, mistaken categories, wrap-up.
const BUSY: &str = r#"
name = "busy"
start = "2026-03-02"
days = 7
zone = "Europe/Berlin"

[[groups]]
name = "desk"
[[groups]]
name = "network"
required_skills = { vpn = 2 }

[shifts.early]
days = ["mon", "tue", "wed", "thu", "fri"]
from = "07:00"
to = "15:00"
breaks = [{ from = "11:00", to = "11:30" }]
[shifts.night]
from = "22:00"
to = "06:00"

[[agents]]
name = "Anna"
count = 4
groups = ["desk"]
shifts = ["early"]
capacity = 3
declines = 0.1
ignores = 0.05
languages = { de = 5, en = 3 }
[[agents]]
name = "Bruno"
count = 2
groups = ["desk", "network"]
skills = { vpn = 4 }
shifts = ["early", "night"]
capacity = 2
at_once = 2
speed = 1.5
wrap_up = { fixed = "2m" }
[[agents]]
name = "Clara"
groups = ["network"]
skills = { vpn = 5 }

[[tickets]]
class = "general"
per_hour = 12.0
by_weekday = { sat = 0.2, sun = 0.1 }
handling = { log_normal = { mean = "9m", deviation = "7m" } }
patience = { exponential = "2h" }
write_again = 0.5
told = { channel = "chat", language = "de", category = "question" }
really = [{ share = 0.2, category = "network" }]
[[tickets]]
class = "network"
per_hour = 2.0
handling = { exponential = "15m" }
told = { category = "network", priority = "high" }

[workflow]
default_group = "desk"
[[workflow.rules]]
name = "network"
group = "network"
categories = ["network"]

[offers]
channels = ["chat"]
"#;

fn scenario(toml: &str) -> Scenario {
    toml::from_str(toml).unwrap()
}

fn told(policy: Policy, seed: u64) -> Vec<(i64, Happened)> {
    let mut told = Vec::new();
    let stage = scenario(BUSY).stage().unwrap();
    stage.play(policy, seed, |at, happened| {
        told.push((at.as_millis(), happened));
    });
    told
}

#[test]
fn the_same_seed_tells_the_same_story() {
    assert_eq!(told(Policy::Matched, 7), told(Policy::Matched, 7));
    assert_ne!(told(Policy::Matched, 7), told(Policy::Matched, 8));
}

#[test]
fn every_policy_meets_the_same_tickets() {
    let came = |policy| {
        let mut told = told(policy, 7);
        told.retain(|(_, happened)| matches!(happened, Happened::Arrived { again: false, .. }));
        told
    };
    let ours = came(Policy::Matched);
    assert!(ours.len() > 1_000, "{}", ours.len());
    for other in [Policy::OneByOne, Policy::RoundRobin, Policy::LeastLoaded] {
        assert_eq!(came(other), ours);
    }
}

/// Where a ticket is, as an onlooker follows it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Waiting,
    Offered(usize),
    Held(usize),
}

#[test]
fn nobody_holds_too_much_or_gets_anything_while_away_and_no_ticket_is_held_twice() {
    let capacity = [3, 3, 3, 3, 2, 2, 1];
    for policy in Policy::ALL {
        let mut places: BTreeMap<u64, Place> = BTreeMap::new();
        let mut there = [There::Offline; 7];
        let mut working = [0; 7];
        let mut kinds = BTreeSet::new();
        for (at, happened) in told(policy, 7) {
            let case = format!("{} {at} {happened:?}", policy.name());
            kinds.insert(case.split([' ', '{']).nth(2).unwrap_or_default().to_owned());
            let before = match happened {
                Happened::Arrived { ticket, .. } => {
                    assert_eq!(places.insert(ticket, Place::Waiting), None, "{case}");
                    continue;
                }
                Happened::Offered { ticket, agent } => {
                    assert_eq!(there[agent], There::Online, "{case}");
                    places.insert(ticket, Place::Offered(agent))
                }
                Happened::Declined { ticket, agent } | Happened::TimedOut { ticket, agent } => {
                    let before = places.insert(ticket, Place::Waiting);
                    assert_eq!(before, Some(Place::Offered(agent)), "{case}");
                    continue;
                }
                Happened::Assigned { ticket, agent, .. } => {
                    let before = places.insert(ticket, Place::Held(agent));
                    if before == Some(Place::Offered(agent)) {
                        continue;
                    }
                    assert_eq!(there[agent], There::Online, "{case}");
                    before
                }
                Happened::Requeued { ticket, .. } => {
                    let before = places.insert(ticket, Place::Waiting);
                    assert!(matches!(before, Some(Place::Held(_))), "{case}");
                    continue;
                }
                Happened::Solved { ticket, agent, .. } => {
                    assert_eq!(places.remove(&ticket), Some(Place::Held(agent)), "{case}");
                    continue;
                }
                Happened::Left { ticket, .. } => {
                    assert!(places.remove(&ticket).is_some(), "{case}");
                    continue;
                }
                Happened::Present { agent, there: now } => {
                    there[agent] = now;
                    continue;
                }
                Happened::Working { agent, tickets } => {
                    working[agent] = tickets;
                    assert!(tickets <= capacity[agent], "{case}");
                    continue;
                }
                Happened::Begun { .. } | Happened::Transferred { .. } => continue,
            };
            // Only what waits is given away, and only to who has room.
            assert_eq!(before, Some(Place::Waiting), "{case}");
            for (agent, most) in capacity.iter().enumerate() {
                let of = |place: &&Place| matches!(place, Place::Offered(who) | Place::Held(who) if *who == agent);
                let held = places.values().filter(of).count();
                assert!(held <= usize::try_from(*most).unwrap(), "{case}");
            }
        }
        assert_eq!(kinds.len(), 12, "everything happens: {kinds:?}");
    }
}

#[test]
fn all_that_is_wrong_with_a_scenario_is_said_at_once_with_its_keys() {
    let mut wrong = scenario(BUSY);
    wrong.days = 0;
    wrong.zone = "Europe/Nowhere".to_owned();
    wrong.agents[1].groups[0] = "desks".to_owned();
    wrong.agents[0].shifts[0] = "late".to_owned();
    wrong.tickets[0].told.channel = "fax".to_owned();
    wrong.tickets[1].by_hour = vec![1.0; 23];
    wrong.workflow.rules[0].group = String::new();
    let problems = wrong.stage().err().unwrap();
    let mut keys: Vec<_> = problems.into_iter().map(|problem| problem.key).collect();
    keys.sort();
    let expected = [
        "agents[0].shifts[0]",
        "agents[1].groups[0]",
        "days",
        "tickets[0].told.channel",
        "tickets[1].by_hour",
        "workflow.rules[0].group",
        "zone",
    ];
    assert_eq!(keys, expected);
}

/// A day: the mean wait until an agent begins, in seconds; the share of assignments to whom nobody
/// there fits better; and Jain's index of tickets by agent.
fn day(policy: Policy, load_steps: u8) -> (f64, f64, f64) {
    let mut day = scenario(include_str!("../../../../deploy/scenarios/fair-day.toml"));
    day.workflow.load_steps = load_steps;
    let (mut waits, mut fits, mut got) = (Vec::new(), Vec::new(), [0.0_f64; 16]);
    for seed in 1..=5 {
        day.stage()
            .unwrap()
            .play(policy, seed, |_, happened| match happened {
                Happened::Begun {
                    waited,
                    first: true,
                    ..
                } => waits.push(waited.as_secs_f64()),
                Happened::Assigned {
                    agent, best_fit, ..
                } => {
                    got[agent] += 1.0;
                    fits.extend(best_fit.map(|best| f64::from(u8::from(best))));
                }
                _ => {}
            });
    }
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let squares: Vec<f64> = got.iter().map(|got| got * got).collect();
    (
        mean(&waits),
        mean(&fits),
        mean(&got).powi(2) / mean(&squares),
    )
}

#[test]
fn telling_agents_apart_by_what_they_hold_halves_the_wait_and_keeps_most_of_the_fit() {
    let (wait, _, even) = day(Policy::Matched, 1);
    let (spread_wait, spread_fit, spread_even) = day(Policy::Matched, 4);
    let (_, blind_fit, _) = day(Policy::LeastLoaded, 1);
    assert!(spread_wait < wait / 2.0, "{spread_wait} against {wait}");
    assert!(spread_fit > blind_fit, "{spread_fit} against {blind_fit}");
    assert!(spread_even > even, "{spread_even} against {even}");
}
