//! What is told of a simulation.

use std::time::Duration;

use lotse_routing::simulation::{Scenario, Stage};
use serde::Serialize;

use super::sample::{Interval, Times};
use super::tally::{Agent, Counts, Hour, Tally};

/// The figures of a scenario, by policy.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The scenario.
    pub scenario: String,
    /// Where chance began.
    pub seed: u64,
    /// Days that were counted.
    pub days: u32,
    /// One of each policy, on the same tickets.
    pub policies: Vec<Outcome>,
}

/// What a policy made of the scenario. Times in seconds, shares from 0 to 1; absent where there
/// was nothing to measure.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The policy.
    pub policy: &'static str,
    /// All tickets.
    pub total: Class,
    /// How much longer tickets waited on average than with the first policy; by pairs of batches.
    pub longer_than_first: Option<Interval>,
    /// Tickets by class.
    pub classes: Vec<Class>,
    /// By group.
    pub groups: Vec<Group>,
    /// By agent.
    pub agents: Vec<Person>,
    /// How evenly work is spread over those who were there.
    pub fairness: Fairness,
    /// By hour of the day.
    pub hours: Vec<OfDay>,
    /// Tickets played per second, warm-up included; says nothing about the desk.
    pub tickets_per_second: f64,
}

/// What became of the tickets of a class.
#[derive(Clone, Debug, Serialize)]
pub struct Class {
    /// The class.
    pub class: String,
    /// Tickets that came.
    pub came: u64,
    /// Of those, from customers who wrote again.
    pub again: u64,
    /// Until an agent had it.
    pub wait: Times,
    /// Until an agent began.
    pub begin: Times,
    /// The share begun within `begin_within`, of those begun or left.
    pub service_level: Option<f64>,
    /// The share whose promise of an answer was kept.
    pub promise_kept: Option<f64>,
    /// Solved.
    pub solved: u64,
    /// The share with at least one transfer, of those an agent had.
    pub transfer_rate: Option<f64>,
    /// Transfers.
    pub transfers: u64,
    /// The share of customers who left before anybody began.
    pub abandonment: Option<f64>,
    /// Until they left.
    pub patience: Times,
    /// The share of assignments to somebody than whom nobody there knew more of what was needed.
    pub best_fit: Option<f64>,
    /// Not over at the end.
    pub open: u64,
}

/// The people of a group together.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// The group.
    pub group: String,
    /// How many they are.
    pub agents: usize,
    /// The share of their time at work in which they had work; above 1 when they stayed longer.
    pub load: Option<f64>,
    /// Tickets solved.
    pub solved: u64,
}

/// An agent.
#[derive(Clone, Debug, Serialize)]
pub struct Person {
    /// The agent.
    pub agent: String,
    /// Hours at work, breaks included.
    pub hours: f64,
    /// The share of that time with work.
    pub load: Option<f64>,
    /// Tickets they got.
    pub assigned: u64,
    /// Tickets they solved.
    pub solved: u64,
    /// Offers declined.
    pub declined: u64,
    /// Offers not answered.
    pub timed_out: u64,
    /// The longest time online without work.
    pub longest_idle: f64,
}

/// How evenly work is spread, by tickets got in an hour at work.
#[derive(Clone, Debug, Serialize)]
pub struct Fairness {
    /// Jain's index: 1 when all are equal, 1/n when one does everything (R. Jain, D. Chiu,
    /// W. Hawe, "A quantitative measure of fairness", 1984).
    pub jain: Option<f64>,
    /// Gini's coefficient: 0 when all are equal.
    pub gini: Option<f64>,
    /// Jain's index of the shares of time with work.
    pub jain_of_load: Option<f64>,
    /// The longest time that anybody was online without work.
    pub longest_idle: f64,
}

/// An hour of the day, over all days.
#[derive(Clone, Debug, Serialize)]
pub struct OfDay {
    /// 0 to 23.
    pub hour: usize,
    /// Tickets that came.
    pub came: u64,
    /// Tickets waiting, on average over time.
    pub waiting: f64,
    /// The most that waited at once.
    pub most_waiting: i64,
    /// Agents online, on average over time.
    pub online: f64,
    /// How long those who came then waited, on average.
    pub wait: Option<f64>,
}

/// Puts the figures together.
pub(super) fn report(
    scenario: &Scenario,
    stage: &Stage,
    outcomes: Vec<(&'static str, Tally<'_>, Duration)>,
) -> Report {
    let mut policies = Vec::new();
    for (policy, tally, took) in &outcomes {
        let names = scenario.tickets.iter().map(|class| class.class.as_str());
        let classes = names.zip(&tally.classes);
        let first = outcomes.first().filter(|first| first.0 != *policy);
        let promised = scenario.begin_within.is_some();
        policies.push(Outcome {
            policy,
            total: class("all", &tally.all, promised),
            longer_than_first: first
                .map(|(_, first, _)| tally.all.wait.longer_than(&first.all.wait)),
            classes: classes
                .map(|(name, counts)| class(name, counts, promised))
                .collect(),
            groups: groups(scenario, stage, &tally.agents),
            agents: stage
                .agents()
                .iter()
                .zip(&tally.agents)
                .map(|((name, _), agent)| person(name, agent))
                .collect(),
            fairness: fairness(&tally.agents),
            hours: tally.hours.iter().enumerate().map(of_day).collect(),
            tickets_per_second: tally.played as f64 / took.as_secs_f64(),
        });
    }
    Report {
        scenario: scenario.name.clone(),
        seed: scenario.seed,
        days: scenario.days,
        policies,
    }
}

fn class(name: &str, counts: &Counts, judged: bool) -> Class {
    let (wait, begin, patience) = (
        counts.wait.times(),
        counts.begin.times(),
        counts.patience.times(),
    );
    Class {
        class: name.to_owned(),
        came: counts.came,
        again: counts.again,
        service_level: share(counts.begun_in_time, begin.n + counts.left).filter(|_| judged),
        promise_kept: share(counts.kept, counts.promised),
        solved: counts.solved,
        transfer_rate: share(counts.transferred, wait.n),
        transfers: counts.transfers,
        abandonment: share(counts.left, begin.n + counts.left),
        best_fit: share(counts.best, counts.judged),
        open: counts.open,
        wait,
        begin,
        patience,
    }
}

fn groups(scenario: &Scenario, stage: &Stage, agents: &[Agent]) -> Vec<Group> {
    let groups = scenario.groups.iter().enumerate();
    groups
        .map(|(at, group)| {
            let people = stage.agents().iter().zip(agents);
            let members: Vec<&Agent> = people
                .filter(|((_, groups), _)| groups.contains(&at))
                .map(|(_, agent)| agent)
                .collect();
            let sum = |of: fn(&Agent) -> i64| members.iter().map(|agent| of(agent)).sum::<i64>();
            Group {
                group: group.name.clone(),
                agents: members.len(),
                load: ratio(sum(|agent| agent.busy), sum(|agent| agent.online)),
                solved: members.iter().map(|agent| agent.solved).sum(),
            }
        })
        .collect()
}

fn person(name: &str, agent: &Agent) -> Person {
    Person {
        agent: name.to_owned(),
        hours: hours(agent),
        load: ratio(agent.busy, agent.online),
        assigned: agent.assigned,
        solved: agent.solved,
        declined: agent.declined,
        timed_out: agent.timed_out,
        longest_idle: agent.longest_idle as f64 / 1_000.0,
    }
}

fn fairness(agents: &[Agent]) -> Fairness {
    let there: Vec<&Agent> = agents.iter().filter(|agent| agent.online > 0).collect();
    let got: Vec<f64> = there
        .iter()
        .map(|agent| agent.assigned as f64 / hours(agent))
        .collect();
    let loads: Vec<f64> = there
        .iter()
        .filter_map(|agent| ratio(agent.busy, agent.online))
        .collect();
    let longest = agents.iter().map(|agent| agent.longest_idle).max();
    Fairness {
        jain: jain(&got),
        gini: gini(&got),
        jain_of_load: jain(&loads),
        longest_idle: longest.unwrap_or(0) as f64 / 1_000.0,
    }
}

fn of_day((hour, of): (usize, &Hour)) -> OfDay {
    let average = |sum: f64| {
        if of.millis > 0 {
            sum / of.millis as f64
        } else {
            0.0
        }
    };
    OfDay {
        hour,
        came: of.came,
        waiting: average(of.waiting),
        most_waiting: of.most_waiting,
        online: average(of.online),
        wait: (of.assigned > 0).then(|| of.wait / of.assigned as f64),
    }
}

fn hours(agent: &Agent) -> f64 {
    agent.online as f64 / 3_600_000.0
}

fn share(of: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| of as f64 / all as f64)
}

fn ratio(of: i64, all: i64) -> Option<f64> {
    (all > 0).then(|| of as f64 / all as f64)
}

/// (sum x)^2 / (n sum x^2).
fn jain(values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().sum();
    let squares: f64 = values.iter().map(|value| value * value).sum();
    (squares > 0.0).then(|| sum * sum / (values.len() as f64 * squares))
}

/// sum (2 i - n - 1) x_i / (n sum x), with x in ascending order and i from 1.
fn gini(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let sum: f64 = values.iter().sum();
    let ranked = values.iter().enumerate();
    let weighted: f64 = ranked
        .map(|(at, value)| (2.0 * (at as f64 + 1.0) - n - 1.0) * value)
        .sum();
    (sum > 0.0).then(|| weighted / (n * sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_shares_are_fair_and_one_for_all_is_not() {
        let equal = [2.0; 4];
        assert_eq!((jain(&equal), gini(&equal)), (Some(1.0), Some(0.0)));
        let one = [0.0, 0.0, 0.0, 8.0];
        assert_eq!((jain(&one), gini(&one)), (Some(0.25), Some(0.75)));
        assert_eq!((jain(&[]), gini(&[0.0])), (None, None));
    }
}
