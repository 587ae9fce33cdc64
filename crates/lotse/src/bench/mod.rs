//! `lotse bench`: figures beside what others use, measured in one run on one machine.

pub mod forecast;
pub mod routing;
pub mod routing_quality;
pub mod timers;

use anyhow::Result;
use clap::Subcommand;

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What to measure.
    #[command(subcommand)]
    bench: Bench,
}

/// The benchmarks, and what they start of themselves.
#[derive(Clone, Debug, Subcommand)]
enum Bench {
    /// Forecasts of breaches on a real incident log, beside simple rules.
    Forecast(forecast::Args),
    /// The right group the first time, on a real incident log, beside simple rules and people.
    RoutingQuality(routing_quality::Args),
    /// Automatic routing: from a ticket in the queue to its assignment's commit.
    ///
    /// The index of what waits and who is free, in memory, by size up to 10,000 agents and 100,000
    /// waiting tickets, beside looking through the queue as it was done before; pairs beside one after
    /// another on random instances. With --database also the real service on a scratch database of its
    /// own. About two minutes without it, four with it.
    Routing(routing::Args),
    /// Timers in Redis, beside BullMQ on the same Redis.
    ///
    /// Arms timers due evenly over a minute in bulk, with Lotse and then with BullMQ, and lets
    /// worker processes handle them: once undisturbed, once with one of them killed in the middle.
    /// Tells the arming rate, lateness from due to done, CPU, bytes of Redis, what was lost or done
    /// twice, and how long the killed worker's timers waited. With --database also the real SLA
    /// service: arming with the rows, and lateness from due to commit with the journal in it, on two
    /// and four replicas and with one killed. About seven minutes without it, thirteen with it.
    ///
    /// Its keys have a prefix of their own and are removed afterwards; nothing else in that Redis is
    /// touched. The rows are in a scratch database of its own. Whatever else that Redis and the machine do is measured along, so give it idle ones.
    /// BullMQ needs Node 20 and npm; it is installed on the first run, into the user's cache.
    Timers(timers::Args),
    /// One worker of `timers`, which starts it.
    #[command(hide = true)]
    TimersWorker(timers::worker::Args),
    /// One replica of `timers`' SLA service, which it starts.
    #[command(hide = true)]
    TimersService(timers::sql::service::Args),
}

/// Measures.
///
/// # Errors
/// When something needed is missing or fails.
pub async fn run(args: &Args) -> Result<()> {
    match &args.bench {
        Bench::Forecast(args) => forecast::run(args),
        Bench::RoutingQuality(args) => routing_quality::run(args),
        Bench::Routing(args) => Box::pin(routing::run(args)).await,
        Bench::Timers(args) => Box::pin(timers::run(args)).await,
        Bench::TimersWorker(args) => timers::worker::run(args).await,
        Bench::TimersService(args) => Box::pin(timers::sql::service::run(args)).await,
    }
}

/// A word on standard error about what happens now.
#[allow(
    clippy::print_stderr,
    reason = "progress of a command that takes minutes"
)]
fn tell(what: &str) {
    eprintln!("lotse bench: {what}");
}
