//! `lotse simulate`: a support desk in virtual time, with the real routing.
//!
//! A scenario says who works when, what comes in, how long it takes and how patient people are;
//! the simulation of the routing service plays it, [`tally`] adds up what happened, [`figures`] are
//! what is told of it, and [`table`] shows them. Policies that are compared meet the same tickets.

mod figures;
mod sample;
mod table;
mod tally;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use lotse_clock::SystemClock;
use lotse_routing::simulation::{Policy, Scenario};

pub use figures::Report;
use tally::Tally;

/// What to play.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The scenario (TOML); deploy/scenarios has some.
    pub scenario: PathBuf,
    /// Where to write the figures as JSON, besides the table.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Where chance begins, instead of the scenario's own seed.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Days that are counted, instead of the scenario's own.
    #[arg(long)]
    pub days: Option<u32>,
    /// Steps in which agents are told apart by what they hold, instead of the scenario's own.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub load_steps: Option<u8>,
    /// How tickets are given away: matched (as the service does it), one-by-one, round-robin or
    /// least-loaded.
    #[arg(long, default_value = "matched", value_parser = policy)]
    pub policy: Policy,
    /// Several policies side by side on the same tickets, separated by commas.
    #[arg(long, value_delimiter = ',', value_parser = policy, conflicts_with = "policy")]
    pub compare: Vec<Policy>,
}

fn policy(name: &str) -> Result<Policy, String> {
    name.parse()
}

/// Plays it and tells.
///
/// # Errors
/// When the scenario cannot be read or something is wrong with it, all of it at once; when the
/// figures cannot be written.
#[allow(clippy::print_stdout, reason = "the figures are the output")]
pub fn run(args: &Args) -> Result<()> {
    let report = measure(args)?;
    print!("{}", table::show(&report));
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&report)?;
        std::fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Plays it.
///
/// # Errors
/// When the scenario cannot be read or something is wrong with it.
pub fn measure(args: &Args) -> Result<Report> {
    let path = args.scenario.display();
    let text = std::fs::read_to_string(&args.scenario);
    let text = text.with_context(|| format!("cannot read {path}"))?;
    let mut scenario: Scenario =
        toml::from_str(&text).with_context(|| format!("{path} is no scenario"))?;
    scenario.days = args.days.unwrap_or(scenario.days);
    scenario.seed = args.seed.unwrap_or(scenario.seed);
    let steps = &mut scenario.workflow.load_steps;
    *steps = args.load_steps.unwrap_or(*steps);
    let policies = match args.compare.as_slice() {
        [] => vec![args.policy],
        several => several.to_vec(),
    };
    play(&scenario, &policies).with_context(|| format!("{path} cannot be played"))
}

/// Plays a scenario once with each policy.
///
/// # Errors
/// All that is wrong with the scenario.
pub fn play(scenario: &Scenario, policies: &[Policy]) -> Result<Report> {
    let stage = match scenario.stage() {
        Ok(stage) => stage,
        Err(problems) => {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            bail!("{}", problems.join("\n"));
        }
    };
    let clock = SystemClock;
    let mut outcomes = Vec::new();
    for policy in policies {
        let begun = clock.monotonic();
        let mut tally = Tally::new(scenario, &stage);
        stage.play(*policy, scenario.seed, |at, happened| {
            tally.watch(at, happened);
        });
        let took = clock.monotonic().saturating_duration_since(begun);
        outcomes.push((
            policy.name(),
            tally.finish(),
            took.max(Duration::from_micros(1)),
        ));
    }
    Ok(figures::report(scenario, &stage, outcomes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(scenario: PathBuf) -> Args {
        Args {
            scenario,
            json: None,
            seed: None,
            days: Some(1),
            load_steps: None,
            policy: Policy::Matched,
            compare: Vec::new(),
        }
    }

    #[test]
    fn every_scenario_that_comes_along_plays() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/scenarios");
        let mut played = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let report = measure(&args(path.clone())).unwrap();
            let [outcome] = report.policies.as_slice() else {
                panic!("{report:?}");
            };
            let total = &outcome.total;
            let over = total.solved + total.open;
            assert!(
                total.solved > 0 && over <= total.came,
                "{}: {total:?}",
                path.display()
            );
            assert!(
                outcome
                    .fairness
                    .jain
                    .is_some_and(|jain| jain > 0.5 && jain <= 1.0)
            );
            assert!(table::show(&report).contains(&report.scenario));
            played += 1;
        }
        assert!(played >= 7, "{played}");
    }

    #[test]
    fn policies_are_compared_on_the_same_tickets() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../deploy/scenarios/fair-day.toml"
        );
        let report = measure(&Args {
            compare: Policy::ALL.into(),
            ..args(file.into())
        });
        let report = report.unwrap();
        let came: Vec<u64> = report.policies.iter().map(|one| one.total.came).collect();
        assert_eq!(came, [came[0]; 4]);
        let [ours, one_by_one, others @ ..] = report.policies.as_slice() else {
            panic!("{report:?}");
        };
        assert!(ours.longer_than_first.is_none());
        assert!(one_by_one.total.best_fit.is_some());
        for other in others {
            assert!(other.longer_than_first.is_some());
            assert!(
                other.total.best_fit < ours.total.best_fit,
                "{}",
                other.policy
            );
        }
    }

    #[test]
    fn all_that_is_wrong_with_a_scenario_is_said_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wrong.toml");
        let good = include_str!("../../../../deploy/scenarios/fair-day.toml");
        let wrong = good
            .replace("zone = \"Europe/Berlin\"", "zone = \"Europe/Nowhere\"")
            .replace("default_group = \"desk\"", "default_group = \"desks\"");
        std::fs::write(&file, wrong).unwrap();
        let said = format!("{:#}", measure(&args(file)).unwrap_err());
        assert!(said.contains("zone must be an IANA time zone"), "{said}");
        assert!(
            said.contains("workflow.default_group there is no group \"desks\""),
            "{said}"
        );
    }
}
