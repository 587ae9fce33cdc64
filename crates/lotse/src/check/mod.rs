//! `lotse check`: looks for broken promises of the real software while everything goes wrong.

pub mod routing;

use anyhow::Result;
use clap::Subcommand;

/// What to check.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What to check.
    #[command(subcommand)]
    check: Check,
}

/// The checks, and what they start of themselves.
#[derive(Clone, Debug, Subcommand)]
enum Check {
    /// Nobody over capacity, no ticket with two owners, nobody free beside a ticket they could have.
    ///
    /// Replicas of the real routing service, each a process, give tickets to agents who accept,
    /// decline, keep silent, come and go, while one replica after the other is killed and replaced.
    /// Everything is read back: the rows many times a second, the journal at the end. Ends with exit
    /// code 1 when any promise was broken.
    ///
    /// Works in a scratch database of its own on that server, with keys of its own in that Redis;
    /// both are removed afterwards.
    Routing(routing::Args),
    /// One replica of `routing`, which starts it.
    #[command(hide = true)]
    RoutingReplica(routing::replica::Args),
}

/// Checks.
///
/// # Errors
/// When something needed is missing or fails, or a promise was broken.
pub async fn run(args: &Args) -> Result<()> {
    let _telemetry = lotse_telemetry::init(&lotse_telemetry::Config {
        log_filter: "error".to_owned(),
        ..lotse_telemetry::Config::default()
    })?;
    match &args.check {
        Check::Routing(args) => Box::pin(routing::run(args)).await,
        Check::RoutingReplica(args) => Box::pin(routing::replica::run(args)).await,
    }
}
