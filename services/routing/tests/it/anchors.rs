//! The simulation against queueing theory.
//!
//! Waits of customers who come one after another depend on each other: the plain mean of the six
//! classes is known to 3 % only after tens of millions of tickets. So that seconds are enough, the
//! same tickets go through a queue whose mean wait is known, and only the difference is measured:
//! the method of control variates (A. Law, "Simulation Modeling and Analysis", 5th ed., 11.4).

use std::collections::BTreeMap;

use lotse_routing::simulation::{Happened, Policy, Scenario, Stage};

use crate::naive::{self, Begun, Ticket, erlang_a, erlang_c};

const ONE_SKILL: &str = include_str!("../../../../deploy/scenarios/anchor-one-skill.toml");
const TWO_SKILLS: &str = include_str!("../../../../deploy/scenarios/anchor-two-skills.toml");
const ALL_SKILLS: &str = include_str!("../../../../deploy/scenarios/anchor-all-skills.toml");

/// The mean time that a ticket takes in all scenarios here, in milliseconds.
const SERVICE: f64 = 600_000.0;

/// What an onlooker sees of a run.
struct Seen {
    tickets: Vec<Ticket>,
    begun: Vec<Begun>,
    left: usize,
    /// Sum over time of the tickets waiting.
    waiting: i64,
    /// Sum over tickets of the time that each waited.
    waited: i64,
}

fn scenario(toml: &str, days: u32) -> (Scenario, Stage) {
    let mut scenario: Scenario = toml::from_str(toml).unwrap();
    scenario.days = days;
    let stage = scenario.stage().unwrap();
    (scenario, stage)
}

fn watch(toml: &str, days: u32) -> Seen {
    let (scenario, stage) = scenario(toml, days);
    let mut seen = Seen {
        tickets: Vec::new(),
        begun: Vec::new(),
        left: 0,
        waiting: 0,
        waited: 0,
    };
    let (mut last, mut queue) = (0, BTreeMap::new());
    stage.play(Policy::Matched, scenario.seed, |at, happened| {
        let now = at.as_millis();
        seen.waiting += i64::try_from(queue.len()).unwrap() * (now - last);
        last = now;
        match happened {
            Happened::Arrived { ticket, class, .. } => {
                queue.insert(ticket, now);
                // What is not done at the end takes longer than the simulation lasts.
                let takes = i64::MAX / 2;
                seen.tickets.push(Ticket {
                    came: now,
                    class,
                    takes,
                });
                seen.begun.push(None);
            }
            Happened::Begun { ticket, agent, .. } => {
                seen.waited += now - queue.remove(&ticket).unwrap();
                seen.begun[usize::try_from(ticket).unwrap()] = Some((now, agent));
            }
            Happened::Left { ticket, .. } => {
                seen.waited += now - queue.remove(&ticket).unwrap();
                seen.left += 1;
            }
            Happened::Solved { ticket, .. } => {
                let ticket = usize::try_from(ticket).unwrap();
                let (begun, _) = seen.begun[ticket].unwrap();
                seen.tickets[ticket].takes = now - begun;
            }
            _ => {}
        }
    });
    seen.waited += queue.into_values().map(|came| last - came).sum::<i64>();
    seen
}

/// Waits in service times, of those that came in the first 29 of 30 parts: the last may not have
/// been begun yet.
fn waits(tickets: &[Ticket], begun: &[Begun]) -> Vec<f64> {
    let both = tickets.iter().zip(begun).take(tickets.len() * 29 / 30);
    both.map(|(ticket, begun)| (begun.unwrap().0 - ticket.came) as f64 / SERVICE)
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn pooled(tickets: &[Ticket], servers: usize) -> Vec<f64> {
    let waits = naive::pooled(tickets.iter().copied(), servers);
    waits
        .into_iter()
        .map(|wait| wait as f64 / SERVICE)
        .collect()
}

/// Crews of twelve: the own class best, `others` of each agent a little.
fn crews(others: impl Fn(usize, usize) -> Vec<usize>) -> Vec<Vec<u8>> {
    let agents = (0..6).flat_map(|crew| (0..12).map(move |nth| (crew, nth)));
    agents
        .map(|(crew, nth)| {
            let mut levels = vec![0; 6];
            for other in others(crew, nth) {
                levels[(crew + other) % 6] = 3;
            }
            levels[crew] = 5;
            levels
        })
        .collect()
}

/// The two skills of the scenario: three agents for each of the next two classes, two for each of
/// the other three.
fn second_skill(_: usize, nth: usize) -> Vec<usize> {
    vec![[1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5][nth]]
}

/// Tickets of the six classes, without any of the simulation's code.
fn drawn(many: usize) -> Vec<Ticket> {
    // A linear congruential generator (D. Knuth, "The Art of Computer Programming", 3.3.4).
    let mut state = 1_u64;
    let mut share = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut now = 0.0;
    let mut tickets = Vec::new();
    for _ in 0..many {
        now -= (1.0 - share()).ln() * SERVICE / 60.0;
        tickets.push(Ticket {
            came: now as i64,
            class: (share() * 6.0) as usize,
            takes: (-(1.0 - share()).ln() * SERVICE) as i64,
        });
    }
    tickets
}

#[track_caller]
fn assert_within_3_percent(found: f64, expected: f64) {
    let off = (found / expected - 1.0).abs();
    assert!(
        off < 0.03,
        "{found} instead of {expected}: {:.2} % off",
        off * 100.0
    );
}

#[test]
fn the_formulas_give_the_anchors() {
    assert!((erlang_c(12, 10.0).1 - 0.2247).abs() < 0.000_05);
    assert!((erlang_c(72, 60.0).1 - 0.00746).abs() < 0.000_005);
    // One server: the load is the probability of waiting.
    assert!((erlang_c(1, 0.5).0 - 0.5).abs() < 1e-12);
    // Endless patience: nobody leaves, and waits are those of Erlang C.
    let (left, wait) = erlang_a(12, 10.0, 1e9);
    assert!(
        left < 1e-6 && (wait / erlang_c(12, 10.0).1 - 1.0).abs() < 1e-3,
        "{left} {wait}"
    );
}

#[test]
fn twelve_agents_with_one_skill_each_wait_as_erlang_c_says() {
    let seen = watch(ONE_SKILL, 1);
    let mut own = vec![0.0; seen.tickets.len()];
    for class in 0..6 {
        let numbers = (0..own.len()).filter(|number| seen.tickets[*number].class == class);
        let numbers: Vec<usize> = numbers.collect();
        let tickets: Vec<Ticket> = numbers.iter().map(|number| seen.tickets[*number]).collect();
        for (number, wait) in numbers.into_iter().zip(pooled(&tickets, 12)) {
            own[number] = wait;
        }
    }
    let found = waits(&seen.tickets, &seen.begun);
    let alone = naive::desk(&seen.tickets, &crews(|_, _| vec![]));
    assert_eq!(seen.begun, until_the_end(&alone, &seen));
    let expected = erlang_c(12, 10.0).1;
    assert_within_3_percent(
        mean(&found) - mean(&own[..found.len()]) + expected,
        expected,
    );
}

#[test]
fn seventy_two_agents_with_every_skill_wait_as_erlang_c_says() {
    let seen = watch(ALL_SKILLS, 1);
    let all = naive::desk(&seen.tickets, &vec![vec![3; 6]; 72]);
    assert_eq!(seen.begun, until_the_end(&all, &seen));
    assert_waits_as_pooled(&seen, 72, erlang_c(72, 60.0).1);
}

#[test]
fn two_skills_per_agent_give_nearly_all_that_one_pool_gives() {
    let seen = watch(TWO_SKILLS, 1);
    let levels = crews(second_skill);
    let same = naive::desk(&seen.tickets, &levels);
    assert_eq!(seen.begun, until_the_end(&same, &seen));
    // The simulation does what the naive desk does, so the naive desk may go on alone.
    let tickets = drawn(300_000);
    let found = waits(&tickets, &naive::desk(&tickets, &levels));
    let known = &pooled(&tickets, 72)[..found.len()];
    let found = mean(&found) - slope(&found, known) * (mean(known) - erlang_c(72, 60.0).1);
    assert_within_3_percent(found, 0.015);
}

/// What has happened by the end of a simulation.
fn until_the_end(begun: &[Begun], seen: &Seen) -> Vec<Begun> {
    let end = seen.begun.iter().flatten().map(|(at, _)| *at).max();
    let of = |begun: &Begun| begun.filter(|(at, _)| Some(*at) <= end);
    begun.iter().map(of).collect()
}

/// By how much one grows with the other, by the means of thirty batches.
fn slope(of: &[f64], by: &[f64]) -> f64 {
    let batches = |values: &[f64]| -> Vec<f64> {
        values.chunks(values.len().div_ceil(30)).map(mean).collect()
    };
    let (of, by) = (batches(of), batches(by));
    let (mean_of, mean_by) = (mean(&of), mean(&by));
    let both = of
        .iter()
        .zip(&by)
        .map(|(of, by)| (of - mean_of) * (by - mean_by));
    both.sum::<f64>() / by.iter().map(|by| (by - mean_by).powi(2)).sum::<f64>()
}

/// A desk of a few agents who can do everything, with tickets of ten minutes.
fn small(agents: u32, per_hour: f64, patience: &str) -> String {
    format!(
        r#"
        name = "small"
        start = "2026-03-02"
        days = 1
        groups = [{{ name = "desk" }}]
        agents = [{{ name = "agent", count = {agents}, groups = ["desk"] }}]
        workflow = {{ default_group = "desk" }}
        [[tickets]]
        class = "all"
        per_hour = {per_hour}
        handling = {{ exponential = "10m" }}
        {patience}
        "#
    )
}

/// Against a queue before which all wait for whoever is free first, with the same tickets.
#[track_caller]
fn assert_waits_as_pooled(seen: &Seen, agents: usize, expected: f64) {
    let found = waits(&seen.tickets, &seen.begun);
    let known = pooled(&seen.tickets, agents);
    let found = mean(&found) - mean(&known[..found.len()]) + expected;
    assert_within_3_percent(found, expected);
}

#[test]
fn a_single_agent_at_half_load_keeps_customers_waiting_for_one_service_time() {
    let seen = watch(&small(1, 3.0, ""), 200);
    assert!(seen.tickets.len() > 14_000);
    assert_waits_as_pooled(&seen, 1, erlang_c(1, 0.5).1);
}

#[test]
fn several_agents_wait_as_erlang_c_says() {
    let seen = watch(&small(4, 14.4, ""), 40);
    assert_waits_as_pooled(&seen, 4, erlang_c(4, 2.4).1);
}

#[test]
fn impatient_customers_leave_as_erlang_a_says_and_littles_law_holds() {
    let patience = r#"patience = { exponential = "20m" }"#;
    let seen = watch(&small(4, 24.0, patience), 100);
    let (left, wait) = erlang_a(4, 4.0, 2.0);
    let tickets = seen.tickets.len() as f64;
    assert_within_3_percent(seen.left as f64 / tickets, left);
    assert_within_3_percent(seen.waited as f64 / SERVICE / tickets, wait);
    // Both sums count the same minutes: once by the clock, once by the customers.
    assert_eq!(seen.waiting, seen.waited);
}
