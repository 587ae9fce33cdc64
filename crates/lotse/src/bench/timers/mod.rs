//! `lotse bench timers`: timers in Redis beside BullMQ on the same Redis, in one run.
//!
//! Both sides arm the same timers in bulk and handle them with as many worker processes; the effect
//! of a timer is the same for both: its row is taken out of a set of open rows in the same Redis,
//! which also tells a second delivery from the first. [`plan`] says what is due when, [`worker`] is
//! Lotse's worker process and [`bullmq`] starts the other's, [`crew`] keeps processes, [`measure`]
//! runs the passes, [`tally`] counts, and [`report`] tells. [`million`] measures a full store, [`sql`] the
//! real service.

mod bullmq;
mod crew;
mod measure;
mod million;
mod plan;
mod report;
mod server;
mod side;
pub mod sql;
mod tally;
pub mod worker;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::tell;
use bullmq::BullMq;
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
    /// Measure the real SLA service too, with its rows in a scratch database: postgres://…/NAME
    /// (one is created beside NAME and dropped afterwards, so the user must be allowed to), or
    /// sqlite://FOLDER (a file in FOLDER, one replica, timers in the process).
    #[arg(long)]
    database: Option<String>,
    /// Measure Lotse alone.
    #[arg(long)]
    without_bullmq: bool,
    /// Measure one part alone.
    #[arg(long, value_enum)]
    only: Option<Part>,
}

/// The parts of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Both sides on Redis.
    Redis,
    /// A store full of timers.
    Armed,
    /// The real service; needs --database.
    Sql,
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
    let wanted = |part| args.only.is_none_or(|only| only == part);
    ensure!(
        args.only != Some(Part::Sql) || args.database.is_some(),
        "the real service needs a --database"
    );
    let lotse = Side::Lotse {
        redis: args.redis.clone(),
    };
    let mut report = Report::default();
    let mut versions = (None, None);
    if wanted(Part::Redis) {
        // First, so that a missing Node is told before minutes have passed.
        let other = match args.without_bullmq {
            true => None,
            false => Some(BullMq::install(&args.redis).await?),
        };
        report.lotse = Some(measure::measure(&lotse, server, setting).await?);
        if let Some(bullmq) = other {
            versions = (Some(bullmq.version.clone()), Some(bullmq.node.clone()));
            let bullmq = measure::measure(&Side::BullMq(bullmq), server, setting).await?;
            report.bullmq = Some(bullmq);
        }
        report.judge();
    }
    if wanted(Part::Armed) && args.armed > 0 {
        let full = million::measure(&lotse, &args.redis, server, setting, args.armed);
        report.million = Some(full.await?);
    }
    if let Some(database) = args.database.as_deref().filter(|_| wanted(Part::Sql)) {
        let real = sql::measure(database, &args.redis, server, setting);
        report.with_sql = Some(Box::pin(real).await?);
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    report.machine = json!({
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "load_average": load.trim(),
        "redis": server.version().await?,
        "bullmq": versions.0,
        "node": versions.1,
        "timers": args.timers,
        "over_seconds": args.over.as_secs(),
        "replicas": args.replicas,
    });
    tell("done");
    Ok(report)
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
