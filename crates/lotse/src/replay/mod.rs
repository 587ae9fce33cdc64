//! `lotse replay`: a real incident log, at its own times, through the real services.
//!
//! [`log`] reads the files, [`plan`] turns rows into commands, [`stage`] runs the services on a
//! manual clock, [`calls`] speaks to them over gRPC, [`play`] keeps time, and [`report`] asks the
//! services, never the files, what came out.

mod calls;
pub(crate) mod log;
mod plan;
mod play;
mod report;
mod setting;
mod stage;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use lotse_clock::SystemClock;

use tokio::runtime::{Builder, Runtime};

pub use report::Report;

/// What to replay, and where.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The folder with tickets.csv[.gz] and events.csv[.gz].
    pub dir: PathBuf,
    /// The database: sqlite://FILE or postgres://…. A replay that was cut off goes on where it
    /// was. Without it a fresh SQLite file is used and thrown away.
    #[arg(long)]
    pub database: Option<String>,
    /// Redis for the timers; without it they live in this process.
    #[arg(long)]
    pub redis: Option<String>,
    /// Where to write the report as JSON; without it to standard output.
    #[arg(long)]
    pub report: Option<PathBuf>,
}

/// The runtime of a replay: one thread, kept on one core with those of the database.
///
/// A replay is a conversation of two threads that take turns, statement by statement. Spread over
/// cores, each turn wakes a sleeping one, which costs more than the statement; on one core a turn
/// is a switch.
///
/// # Errors
/// When the system gives no thread or no event queue.
pub fn runtime() -> std::io::Result<Runtime> {
    if let Some(core) = core_affinity::get_core_ids().and_then(|cores| cores.last().copied()) {
        core_affinity::set_for_current(core);
    }
    Builder::new_current_thread().enable_all().build()
}

/// Replays a log and reports what the services then know.
///
/// # Errors
/// When the log cannot be read, the database cannot be used, or a service stays away.
pub async fn run(args: &Args) -> Result<Report> {
    let began = SystemClock.monotonic();
    let log = log::read(&args.dir)?;
    for row in &log.set_aside {
        tracing::warn!(file = row.file, line = row.line, reason = %row.reason, "row set aside");
    }
    let scratch;
    let database = match &args.database {
        Some(url) => url.clone(),
        None => {
            scratch = tempfile::tempdir().context("no folder for a scratch database")?;
            format!("sqlite://{}", scratch.path().join("replay.db").display())
        }
    };
    let schedule = play::Schedule::of(&log);
    let stage = stage::Stage::open(&database, args.redis.as_deref(), schedule.start()).await?;
    let setting = setting::Setting::put(&stage.calls, &log).await?;
    let refused = play::play(&stage, &setting, &log, &schedule).await?;
    let mut report = report::ask(&stage.calls, &setting).await?;
    stage.close().await;
    report.set_aside = log.set_aside.into_iter().chain(refused).collect();
    report.timed(began.elapsed());
    Ok(report)
}

/// Replays, and writes the report where the arguments say.
///
/// # Errors
/// As [`run`]; and when the report cannot be written.
#[allow(clippy::print_stdout, reason = "the report is the output")]
pub async fn run_and_tell(args: &Args) -> Result<()> {
    let quiet = lotse_telemetry::Config {
        log_filter: "warn".to_owned(),
        ..lotse_telemetry::Config::default()
    };
    let _telemetry = lotse_telemetry::init(&quiet)?;
    let report = serde_json::to_string_pretty(&run(args).await?)?;
    match &args.report {
        Some(path) => {
            std::fs::write(path, report).with_context(|| format!("cannot write {}", path.display()))
        }
        None => {
            println!("{report}");
            Ok(())
        }
    }
}
