//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{apply, bench, check, explain, replay, simulate};

/// Brings each support ticket to the right person, keeps time on every promise, asks the customer
/// how it went, and tells the team where it stands.
#[derive(Parser)]
#[command(name = "lotse", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run all services in this process on an embedded database.
    Up(Up),
    /// Run one service of a cluster: intake, routing, sla, survey, insight or gateway.
    Serve(Serve),
    /// Bring the database to the schema of this program.
    Migrate(Configured),
    /// Tell how the journal's consumers stand: lag, parked events, stopped buckets.
    Status(Status),
    /// Bring groups, agents, workflow, policies, calendars and surveys to what a file says.
    Apply(apply::Args),
    /// Mint a token from a local key, for compose files, tests and small installations.
    Token(Token),
    /// Replay a real incident log through the services.
    Replay(replay::Args),
    /// Play a support desk in virtual time, with the real routing.
    Simulate(simulate::Args),
    /// Measure, beside what others use.
    Bench(bench::Args),
    /// Look for broken promises while everything goes wrong.
    Check(check::Args),
    /// Tell why a ticket is where it is, and why an agent got it or did not.
    ExplainRouting(explain::Args),
    /// Work with what was promised.
    #[command(subcommand)]
    Sla(Sla),
}

/// `lotse sla`
#[derive(Subcommand)]
pub enum Sla {
    /// Recompute every clock from the journal and compare: exit code 1 when anything differs.
    Verify(VerifyClocks),
}

/// `lotse sla verify`
#[derive(Clone, Debug, clap::Args)]
pub struct VerifyClocks {
    /// How it is configured.
    #[command(flatten)]
    pub configured: Configured,
    /// The folder of a `lotse up`, instead of a configuration.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// The database itself, instead of a configuration: sqlite://FILE or postgres://….
    #[arg(long)]
    pub database: Option<String>,
    /// Only this ticket (tkt_…).
    #[arg(long)]
    pub ticket: Option<String>,
}

/// `lotse up`
#[derive(Clone, Debug, clap::Args)]
pub struct Up {
    /// Where the database and keys are kept; created when missing. By default `lotse-data` here;
    /// a demo keeps nothing unless told where.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// Where gRPC listens.
    #[arg(long, default_value = "127.0.0.1:7070")]
    pub grpc: SocketAddr,
    /// Where the console listens.
    #[arg(long, default_value = "127.0.0.1:7080")]
    pub http: SocketAddr,
    /// Where survey pages are answered.
    #[arg(long, default_value = "127.0.0.1:7081")]
    pub public_http: SocketAddr,
    /// Show a day of support work: a day is filled in at once, then time goes on 60 times as fast.
    #[arg(long)]
    pub demo: bool,
}

/// A configuration file.
#[derive(Clone, Debug, clap::Args)]
pub struct Configured {
    /// The configuration file (TOML); every key can also be set as LOTSE__SECTION__KEY.
    #[arg(long)]
    pub config: Option<PathBuf>,
}

/// `lotse serve`
#[derive(Clone, Debug, clap::Args)]
pub struct Serve {
    /// intake, routing, sla, survey, insight or gateway.
    pub service: String,
    /// How it is configured.
    #[command(flatten)]
    pub configured: Configured,
}

/// `lotse status`
#[derive(Clone, Debug, clap::Args)]
pub struct Status {
    /// How it is configured.
    #[command(flatten)]
    pub configured: Configured,
    /// The folder of a `lotse up`, instead of a configuration.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
}

/// `lotse token`
#[derive(Clone, Debug, clap::Args)]
pub struct Token {
    /// The private key; made when it is missing.
    #[arg(long, default_value = "lotse.key")]
    pub key: PathBuf,
    /// Where the public half is written, for `auth.jwks_file`.
    #[arg(long)]
    pub jwks: Option<PathBuf>,
    /// Where the token is written, instead of to standard output.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Who the token is for.
    #[arg(long, default_value = "local")]
    pub subject: String,
    /// What it allows, such as tickets.write; may be repeated. By default everything.
    #[arg(long = "scope")]
    pub scopes: Vec<String>,
    /// The agent that the token acts for (agt_…).
    #[arg(long)]
    pub agent: Option<String>,
    /// The audience, as in `auth.audience`.
    #[arg(long, default_value = "lotse")]
    pub audience: String,
    /// How many days it is valid.
    #[arg(long, default_value_t = 1)]
    pub days: u32,
}
