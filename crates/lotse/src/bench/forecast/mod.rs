//! `lotse bench forecast`: forecasts of breaches, back-tested on a real incident log.
//!
//! The very code that answers `ForecastBreaches` walks through the log: every few hours it learns
//! from what was known by then and says of every running clock how likely it is to be breached
//! within the horizon; what came is compared with that, and with what simple rules would have said.
//! Whoever changes settings looks at the earlier part only; the later part is what counts.

mod history;
mod score;
mod walk;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use lotse_clock::Timestamp;
use lotse_sla::domain::forecast::Settings;
use lotse_sla::domain::{Priority, ResolutionEnd};
use serde::Serialize;

use self::history::Promise;
use self::score::{Bin, Score, calibration, score};
use self::walk::{Part, Told, walk};
use crate::replay::log;

const HOUR: i64 = 3_600_000;

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The folder with tickets.csv[.gz] and events.csv[.gz].
    pub dir: PathBuf,
    /// Where to write the figures as JSON; without it to standard output.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Forecast every so many hours of the log.
    #[arg(long, default_value_t = 4)]
    pub every: i64,
    /// Horizons, in hours.
    #[arg(long, value_delimiter = ',', default_values_t = [4, 24])]
    pub horizons: Vec<i64>,
    /// From this probability on a clock is warned of.
    #[arg(long, default_value_t = 0.5)]
    pub threshold: f64,
    /// Days of the log that are only learned from.
    #[arg(long, default_value_t = 21)]
    pub warm_up: i64,
    /// Day of the log at which the later part begins.
    #[arg(long, default_value_t = 42)]
    pub split: i64,
    /// Day of the log at which the later part ends: the last instant that is forecast from.
    #[arg(long, default_value_t = 62)]
    pub end: i64,
    /// Days after which an example weighs half, instead of the service's own setting.
    #[arg(long)]
    pub half_life: Option<i64>,
    /// Examples that a cell needs to be believed as much as the coarser one, instead of the
    /// service's own setting.
    #[arg(long)]
    pub pull: Option<f64>,
}

/// The figures.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Tickets of the log.
    pub tickets: usize,
    /// From which probability on a clock was warned of.
    pub threshold: f64,
    /// By promise, horizon and part of the log.
    pub results: Vec<Results>,
}

/// One promise, one horizon, one part of the log.
#[derive(Debug, Serialize)]
pub struct Results {
    /// What was promised.
    pub promise: &'static str,
    /// In hours.
    pub horizon_hours: i64,
    /// `earlier`, on which settings may be chosen, or `later`.
    pub part: &'static str,
    /// First instant forecast from.
    pub from: String,
    /// No instant from here on.
    pub to: String,
    /// Instants forecast from.
    pub instants: u64,
    /// Clocks that ran, summed over the instants.
    pub running: usize,
    /// Of those, due within the horizon.
    pub due_within: u64,
    /// Of those, breached within it.
    pub breached: usize,
    /// Figures by way of forecasting.
    pub scores: BTreeMap<&'static str, Score>,
    /// How the model's probabilities came true.
    pub calibration: Vec<Bin>,
}

/// Measures.
///
/// # Errors
/// When the log cannot be read or the figures not be written.
#[allow(clippy::print_stdout, reason = "the figures are the output")]
pub fn run(args: &Args) -> Result<()> {
    let report = serde_json::to_string_pretty(&measure(args)?)?;
    match &args.json {
        Some(path) => {
            std::fs::write(path, report).with_context(|| format!("cannot write {}", path.display()))
        }
        None => {
            println!("{report}");
            Ok(())
        }
    }
}

/// Walks through the log with every promise and horizon.
///
/// # Errors
/// When the log cannot be read.
pub fn measure(args: &Args) -> Result<Report> {
    let log = log::read(&args.dir)?;
    let first = log
        .incidents
        .iter()
        .map(|incident| incident.opened_at)
        .min();
    let first = first.context("the log has no tickets")?;
    let day = |day: i64| Timestamp::from_millis(first.as_millis() + day * 24 * HOUR);
    let defaults = Settings::default();
    let settings = Settings {
        half_life: args
            .half_life
            .map_or(defaults.half_life, |days| days * 24 * HOUR),
        pull: args.pull.unwrap_or(defaults.pull),
        ..defaults
    };
    let mut results = Vec::new();
    for promise in promises() {
        let stories = history::stories(&log, &promise)?;
        for (name, from, to) in [
            ("earlier", args.warm_up, args.split),
            ("later", args.split, args.end),
        ] {
            let part = Part {
                from: day(from),
                to: day(to),
                every: args.every.max(1),
            };
            for told in walk(&stories, &promise, part, &args.horizons, settings) {
                results.push(results_of(promise.name, name, part, &told, args.threshold));
            }
        }
    }
    Ok(Report {
        tickets: log.incidents.len(),
        threshold: args.threshold,
        results,
    })
}

/// The log's own promise, which a solved ticket keeps or breaks by the day on which it is closed;
/// and one of ours, which is kept by solving: two working days, four for the lowest priority.
fn promises() -> [Promise; 2] {
    let promise = |name, ends_at, normal: i64, low: i64| Promise {
        name,
        ends_at,
        targets: BTreeMap::from([(Priority::Normal, normal), (Priority::Low, low)]),
    };
    let (normal, low) = (153 * HOUR + 24 * 60_000, 345 * HOUR + 36 * 60_000);
    [
        promise(
            "closed (the log's own targets)",
            ResolutionEnd::Closed,
            normal,
            low,
        ),
        promise(
            "solved (48 h and 96 h)",
            ResolutionEnd::Solved,
            48 * HOUR,
            96 * HOUR,
        ),
    ]
}

fn results_of(
    promise: &'static str,
    name: &'static str,
    part: Part,
    told: &Told,
    threshold: f64,
) -> Results {
    let ways = [
        ("model", &told.model),
        ("model without load", &told.without_load),
        ("due within the horizon", &told.due),
        ("due within the horizon and unsolved", &told.due_unsolved),
        ("more than 75 % used", &told.used),
        ("base rate of those due", &told.base_rate),
    ];
    let scores = ways.map(|(way, guesses)| (way, score(guesses, threshold)));
    Results {
        promise,
        horizon_hours: told.horizon,
        part: name,
        from: part.from.to_string(),
        to: part.to.to_string(),
        instants: told.instants,
        running: told.model.len(),
        due_within: told.due_within,
        breached: told.model.iter().filter(|guess| guess.breached).count(),
        scores: scores.into(),
        calibration: calibration(&told.model),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// Sixty days, a ticket every six hours: group A closes within a day, group B never in time.
    fn generated(folder: &std::path::Path) {
        let mut tickets = String::from(
            "number,opened_at,caller_id,contact_type,priority,category,subcategory,u_symptom,location,impact,urgency\n",
        );
        let mut events = String::from(
            "number,sys_updated_at,incident_state,priority,category,subcategory,u_symptom,location,impact,urgency,assignment_group,assigned_to,reassignment_count,reopen_count,made_sla,resolved_at\n",
        );
        let first = jiff::civil::date(2016, 2, 29).at(0, 0, 0, 0);
        for number in 0..240_i64 {
            let opened = first + jiff::Span::new().hours(number * 6);
            let (group, hours) = if number % 2 == 0 {
                ("A", 20)
            } else {
                ("B", 400)
            };
            let closed = opened + jiff::Span::new().hours(hours);
            let facts = "3 - Moderate,?,?,?,?,?,?";
            let at = opened.strftime("%Y-%m-%dT%H:%M");
            writeln!(tickets, "INC{number},{at},?,Phone,{facts}").unwrap();
            for (at, state) in [(opened, "Active"), (closed, "Closed")] {
                let at = at.strftime("%d/%m/%Y %H:%M");
                writeln!(
                    events,
                    "INC{number},{at},{state},{facts},{group},?,0,0,true,?"
                )
                .unwrap();
            }
        }
        std::fs::write(folder.join("tickets.csv"), tickets).unwrap();
        std::fs::write(folder.join("events.csv"), events).unwrap();
    }

    #[test]
    fn the_model_learns_what_a_generated_log_hides() {
        let folder = tempfile::tempdir().unwrap();
        generated(folder.path());
        let report = measure(&Args {
            dir: folder.path().to_owned(),
            json: None,
            every: 12,
            horizons: vec![4, 24],
            threshold: 0.5,
            warm_up: 25,
            split: 35,
            end: 45,
            half_life: None,
            pull: None,
        });
        let report = report.unwrap();
        assert_eq!((report.tickets, report.results.len()), (240, 8));
        for results in &report.results {
            assert_eq!(results.instants, 20);
            let breached = u64::try_from(results.breached).unwrap();
            let of = |way: &str| &results.scores[way];
            // Whoever waits for long here is of group B: all that is due is breached.
            assert_eq!(of("due within the horizon").hits, breached);
            assert_eq!(of("model").recall.unwrap_or(1.0), 1.0, "{results:?}");
            let binned: u64 = results.calibration.iter().map(|bin| bin.forecasts).sum();
            assert_eq!(binned, results.running as u64);
        }
    }
}
