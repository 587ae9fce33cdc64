//! Automatic routing: the index in memory, and the real service from the queue to the commit.

mod ear;
mod report;
mod service;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use lotse_routing::bench::{Size, compare, measure};

use super::tell;
use report::Report;

/// Agents of the sizes that are compared.
const AGENTS: [usize; 3] = [100, 1_000, 10_000];
/// Waiting tickets of the sizes that are compared.
const WAITING: [usize; 3] = [1_000, 10_000, 100_000];
/// Random instances on which pairs are compared with one after another.
const INSTANCES: u32 = 1_000;
/// How often the old way is measured: it takes a while.
const BEFORE: usize = 5;

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Agents of the largest size.
    #[arg(long, default_value_t = AGENTS[2])]
    agents: usize,
    /// Waiting tickets of the largest size.
    #[arg(long, default_value_t = WAITING[2])]
    waiting: usize,
    /// How often each case is measured.
    #[arg(long, default_value_t = 2_000)]
    times: usize,
    /// Measure the real service too, with its rows in a scratch database: postgres://…/NAME, whose
    /// user may create databases, or sqlite://FOLDER. Can be given several times.
    #[arg(long)]
    database: Vec<String>,
    /// Write the figures as JSON into this file as well.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Measures, and prints the figures.
///
/// # Errors
/// When a database cannot be reached, or the file cannot be written.
#[allow(clippy::print_stdout, reason = "the command's result")]
pub async fn run(args: &Args) -> Result<()> {
    let largest = Size {
        agents: args.agents,
        waiting: args.waiting,
    };
    let mut sizes = Vec::new();
    for agents in AGENTS {
        sizes.push(Size { agents, ..largest });
    }
    for waiting in WAITING {
        sizes.push(Size { waiting, ..largest });
    }
    sizes.retain(|size| size.agents < largest.agents || size.waiting < largest.waiting);
    // First, while the memory that is measured is not used over again.
    sizes.insert(0, largest);
    let mut pure = Vec::new();
    for size in sizes {
        tell(&format!(
            "{} agents, {} waiting, in memory",
            size.agents, size.waiting
        ));
        pure.push(measure(size, args.times, BEFORE));
    }
    let mut services = Vec::new();
    for database in &args.database {
        services.push(service::measure(database, largest, args.times).await?);
    }
    let report = Report::new(&pure, services, &compare(INSTANCES));
    println!("{}", report.lines());
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
