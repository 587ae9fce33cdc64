//! One replica of the real routing service, as a process that may be killed.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lotse_auth::Authenticator;
use lotse_clock::BusinessClock;
use lotse_db::{Db, DbConfig};
use lotse_grpc::Server;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::keys;
use crate::suite::{self, Behaviour, Name, Parts};

/// Longer than a process takes to start, on a busy machine too.
const START: Duration = Duration::from_secs(60);
/// What it says when it works.
const READY: &str = "ready";

/// What a replica is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Where the rows are.
    #[arg(long)]
    pub(super) database: String,
    /// Where timers and wake-ups are.
    #[arg(long)]
    pub(super) redis: String,
    /// What the keys begin with.
    #[arg(long)]
    pub(super) prefix: String,
}

/// Runs the service's jobs until its input ends.
///
/// # Errors
/// When the database cannot be reached.
pub async fn run(args: &Args) -> Result<()> {
    let (parts, mut server) = open(args).await?;
    for job in server.take_jobs().into_iter().chain(parts.journal.jobs()) {
        parts.supervisor.spawn(job);
    }
    #[allow(clippy::print_stdout, reason = "whoever started it waits for this")]
    {
        println!("{READY}");
    }
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    parts.supervisor.shutdown(Duration::from_secs(10)).await?;
    Ok(())
}

/// The service over its database, not yet at work.
pub(super) async fn open(args: &Args) -> Result<(Parts, Server)> {
    let db = Db::connect(&DbConfig::new(&args.database)).await?;
    let clock = BusinessClock::system();
    let parts = Parts::open_under(&args.prefix, db, clock, Some(&args.redis)).await?;
    let mut behaviour = Behaviour::new(keys::throwaway()?);
    behaviour.routing.heartbeat_ttl_seconds = 0;
    let service = suite::service(Name::Routing, &parts, &behaviour);
    let server = Server::new(
        lotse_grpc::Config::default(),
        Authenticator::local(),
        vec![service],
    )?;
    server.readiness().set_all(true);
    Ok((parts, server))
}

/// A replica at work; killed when dropped.
pub(super) struct Replica(Child);

impl Replica {
    /// Starts one and waits until it works.
    pub(super) async fn start(args: &Args) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe().context("where is this program?")?);
        command.args(["check", "routing-replica"]);
        command.args(["--database", &args.database]);
        command.args(["--redis", &args.redis]);
        command.args(["--prefix", &args.prefix]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start a replica")?;
        let out = child.stdout.take().context("a replica without output")?;
        let line = BufReader::new(out).lines().next_line().await;
        let line = tokio::time::timeout(START, async { line }).await??;
        ensure!(
            line.as_deref() == Some(READY),
            "a replica does not start; what it says stands above"
        );
        Ok(Self(child))
    }

    /// kill -9.
    pub(super) async fn kill(mut self) -> Result<()> {
        self.0.kill().await.context("cannot kill a replica")
    }
}
