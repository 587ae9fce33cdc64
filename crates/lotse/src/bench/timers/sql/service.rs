//! One replica of the real service as a process.

use std::time::Duration;

use anyhow::{Context as _, Result};
use lotse_auth::Authenticator;
use lotse_clock::BusinessClock;
use lotse_db::{Db, DbConfig};
use lotse_grpc::Server;

use super::ear::Ear;
use crate::bench::timers::worker::{say, wait_for_the_end};
use crate::keys;
use crate::suite::{self, Behaviour, Name, Parts};

/// What the benchmark tells its replica.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Where the rows are.
    #[arg(long)]
    database: String,
    /// Where the timers are; in this process without it.
    #[arg(long)]
    redis: Option<String>,
    /// What the keys begin with.
    #[arg(long)]
    prefix: String,
}

/// Runs the service's jobs until its input ends, then says what it heard.
///
/// # Errors
/// When the database cannot be reached.
pub async fn run(args: &Args) -> Result<()> {
    let ear = Ear::default();
    metrics::set_global_recorder(ear.clone()).context("another recorder is there")?;
    let parts = open(&args.database, args.redis.as_deref(), &args.prefix).await?;
    let service = suite::service(Name::Sla, &parts, &Behaviour::new(keys::throwaway()?));
    let mut server = Server::new(
        lotse_grpc::Config::default(),
        Authenticator::local(),
        vec![service],
    )?;
    for job in server.take_jobs().into_iter().chain(parts.journal.jobs()) {
        parts.supervisor.spawn(job);
    }
    say("ready\n")?;
    wait_for_the_end().await;
    parts.supervisor.shutdown(Duration::from_secs(10)).await?;
    say(&ear.lines())?;
    Ok(())
}

/// The parts over a migrated database, on real time, with keys of the benchmark's own.
pub(super) async fn open(database: &str, redis: Option<&str>, prefix: &str) -> Result<Parts> {
    let db = Db::connect(&DbConfig::new(database)).await?;
    Parts::open_under(prefix, db, BusinessClock::system(), redis).await
}
