//! `lotse bench routing-quality`: how often the first group is the right one, on a real incident
//! log, beside simple rules and the people who really did it.
//!
//! The very model that routing uses learns from what was resolved before the split and walks on
//! from there, fitted anew on schedule. [`history`] holds the barrier between what was known and
//! what came later, [`baselines`] the simple rules, [`walk`] asks them all, [`score`] compares.

mod baselines;
mod dice;
mod history;
mod score;
mod table;
mod walk;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lotse_clock::Timestamp;
use lotse_routing::learning::Settings;
use serde::Serialize;

use self::score::{Policy, score};
use self::walk::{Span, walk};
use crate::replay::log;

const HOUR: i64 = 3_600_000;

/// The policies, in the order of the table.
const POLICIES: [&str; 11] = [
    "random",
    "round_robin",
    "least_loaded",
    "largest_group",
    "per_category",
    "per_subcategory",
    "people",
    "oracle",
    "learned_once",
    "learned_refit",
    "rerouter_refit",
];

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The folder with tickets.csv[.gz] and events.csv[.gz].
    pub dir: PathBuf,
    /// Learned from is what was known before this day (YYYY-MM-DD).
    #[arg(long)]
    pub split: Date,
    /// Asked about are the tickets opened from the split until before this day.
    #[arg(long)]
    pub until: Date,
    /// Where to write the figures as JSON too.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Fit anew every so many hours.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(i64).range(1..=8784))]
    pub refit_hours: i64,
}

/// The figures.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Tickets of the log.
    pub tickets: usize,
    /// Rows that could not be read.
    pub set_aside: usize,
    /// Asked about from this day on.
    pub split: String,
    /// Not from this one on.
    pub until: String,
    /// Hours between two fits.
    pub refit_hours: i64,
    /// Tickets resolved before the split.
    pub trained: u64,
    /// Tickets asked about.
    pub tested: usize,
    /// What the models were told of a ticket.
    pub fields: Vec<String>,
    /// How the models were fitted.
    pub settings: Settings,
    /// By policy.
    pub policies: Vec<Policy>,
}

/// Measures, and tells.
///
/// # Errors
/// When the log cannot be read or the figures not be written.
#[allow(clippy::print_stdout, reason = "the figures are the output")]
pub fn run(args: &Args) -> Result<()> {
    let report = measure(args, &Settings::default())?;
    if let Some(path) = &args.json {
        std::fs::write(path, serde_json::to_string_pretty(&report)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("{}", table::text(&report));
    Ok(())
}

/// Walks through the log.
///
/// # Errors
/// When the log cannot be read, or holds nothing to learn from or to ask about.
pub fn measure(args: &Args, settings: &Settings) -> Result<Report> {
    let span = Span {
        split: midnight(args.split)?,
        until: midnight(args.until)?,
        refit: args.refit_hours * HOUR,
    };
    let log = log::read(&args.dir)?;
    let stories = history::stories(&log);
    let walked = walk(&stories, span, settings);
    ensure!(
        walked.trained > 0,
        "no ticket was resolved before {}",
        args.split
    );
    ensure!(
        !walked.asked.is_empty(),
        "no ticket was opened from {} until before {}",
        args.split,
        args.until
    );
    let scored = POLICIES
        .into_iter()
        .filter_map(|name| score(name, &walked.asked, walked.answers.get(name)?));
    let fields = walked
        .asked
        .iter()
        .flat_map(|story| story.intake.fields.keys().cloned());
    Ok(Report {
        tickets: log.incidents.len(),
        set_aside: log.set_aside.len(),
        split: args.split.to_string(),
        until: args.until.to_string(),
        refit_hours: args.refit_hours,
        trained: walked.trained,
        tested: walked.asked.len(),
        fields: fields
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect(),
        settings: settings.clone(),
        policies: scored.collect(),
    })
}

/// The log names no zone: its times are read as UTC.
fn midnight(day: Date) -> Result<Timestamp> {
    let at = day.to_zoned(TimeZone::UTC)?.timestamp();
    Ok(Timestamp::from_millis(at.as_millisecond()))
}
