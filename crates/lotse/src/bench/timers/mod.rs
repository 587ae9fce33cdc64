//! `lotse bench timers`: timers in Redis beside BullMQ on the same Redis, in one run.
//!
//! Both sides arm the same timers in bulk and handle them with as many worker processes; the effect
//! of a timer is the same for both: its row is taken out of a set of open rows in the same Redis,
//! which also tells a second delivery from the first. [`plan`] says what is due when, [`worker`] is
//! Lotse's worker process and [`bullmq`] starts the other's, [`crew`] keeps processes, [`measure`]
//! runs the passes, [`tally`] counts, and [`report`] tells.

mod bullmq;
mod crew;
mod measure;
mod million;
mod plan;
mod report;
mod server;
mod side;
mod tally;
pub mod worker;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use bullmq::{BullMq, tell};
use measure::Setting;
use report::Report;
use server::Server;
use side::Side;

/// `lotse bench timers`
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The Redis to measure on: redis://[user:password@]host:port[/db].
    #[arg(long)]
    redis: String,
    /// Where to write the figures as JSON; a table goes to standard output in any case.
    #[arg(long)]
    json: Option<PathBuf>,
    /// How many timers are due.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(100..))]
    timers: u64,
    /// In how many seconds they are due, evenly; as in 60 or 60s.
    #[arg(long, default_value = "60", value_parser = seconds)]
    over: Duration,
    /// Worker processes of each side.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    replicas: u8,
    /// How many timers are armed and not due while others are; 0 leaves this part out.
    #[arg(long, default_value_t = 1_000_000)]
    armed: u64,
    /// Measure Lotse alone.
    #[arg(long)]
    without_bullmq: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.strip_suffix('s').unwrap_or(text);
    let seconds: u64 = number.parse().map_err(|_| "a number of seconds")?;
    if seconds == 0 {
        return Err("at least a second".to_owned());
    }
    Ok(Duration::from_secs(seconds))
}

/// Measures, and tells.
///
/// # Errors
/// When Redis cannot be reached, Node or npm is missing, or a worker fails.
#[allow(clippy::print_stdout, reason = "the table is the output")]
pub async fn run(args: &Args) -> Result<()> {
    let server = Server::connect(&args.redis).await?;
    let setting = Setting {
        timers: args.timers,
        over: args.over,
        replicas: usize::from(args.replicas),
        prefix: format!("lotse-bench-{:08x}", rand::random::<u32>()),
    };
    // Its removal also when something fails half-way.
    let measured = compare(args, &server, &setting).await;
    server.clean(&setting.prefix).await?;
    let report = measured?;
    println!("{}", report.table());
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

async fn compare(args: &Args, server: &Server, setting: &Setting) -> Result<Report> {
    ensure!(
        !cfg!(debug_assertions) || args.timers < 100_000,
        "an unoptimized build says nothing: cargo build --release"
    );
    let other = match args.without_bullmq {
        true => None,
        false => Some(BullMq::install(&args.redis).await?),
    };
    let versions = other
        .as_ref()
        .map(|bullmq| (bullmq.version.clone(), bullmq.node.clone()));
    let side = Side::Lotse {
        redis: args.redis.clone(),
    };
    let lotse = measure::measure(&side, server, setting).await?;
    let bullmq = match other {
        Some(bullmq) => Some(measure::measure(&Side::BullMq(bullmq), server, setting).await?),
        None => None,
    };
    let million = match args.armed {
        0 => None,
        armed => Some(million::measure(&side, &args.redis, server, setting, armed).await?),
    };
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    tell("done");
    Ok(Report {
        goals: report::goals(&lotse, bullmq.as_ref()),
        lotse,
        bullmq,
        million,
        machine: json!({
            "cores": cores,
            "load_average": load.trim(),
            "redis": server.version().await?,
            "bullmq": versions.as_ref().map(|(bullmq, _)| bullmq),
            "node": versions.as_ref().map(|(_, node)| node),
            "timers": args.timers,
            "over_seconds": args.over.as_secs(),
            "replicas": args.replicas,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_seconds_with_or_without_their_letter() {
        assert_eq!(seconds("60"), Ok(Duration::from_secs(60)));
        assert_eq!(seconds("5s"), Ok(Duration::from_secs(5)));
        assert!(seconds("0").is_err() && seconds("5m").is_err());
    }
}
