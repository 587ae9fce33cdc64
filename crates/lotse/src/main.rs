//! `lotse`: see `lotse help`.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use lotse::cli::{Cli, Command, Sla};
use lotse::{
    apply, bench, check, explain, migrate, replay, serve, simulate, sla, status, token, up,
};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let outcome = match &command {
        Command::Replay(_) => replay::runtime(),
        _ => Runtime::new(),
    };
    let outcome = outcome
        .context("no asynchronous runtime")
        .and_then(|runtime| runtime.block_on(run(command)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[allow(clippy::print_stderr, reason = "the last word of a command")]
            {
                eprintln!("lotse: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Up(args) => up::run(&args).await,
        Command::Serve(args) => serve::run(&args).await,
        Command::Migrate(args) => migrate::run(&args).await,
        Command::Status(args) => status::run(&args).await,
        Command::Apply(args) => apply::run(&args).await,
        Command::Token(args) => token::run(&args),
        Command::Replay(args) => replay::run_and_tell(&args).await,
        Command::Simulate(args) => simulate::run(&args),
        Command::Bench(args) => bench::run(&args).await,
        Command::Check(args) => Box::pin(check::run(&args)).await,
        Command::ExplainRouting(args) => explain::run(&args).await,
        Command::Sla(Sla::Verify(args)) => sla::verify(&args).await,
    }
}
