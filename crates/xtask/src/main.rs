//! The project's chores: `cargo xtask <command>`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what these commands print is what they are for"
)]

mod check;
mod codegen;
mod services;
mod test;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's chores")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Generate Rust from the protos.
    Codegen {
        /// Only check that the committed code is up to date.
        #[arg(long)]
        check: bool,
    },
    /// Run the tests against a PostgreSQL and a Redis of their own.
    Test {
        /// Handed to `cargo test`; without `-p` the whole workspace is tested.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Start a throwaway PostgreSQL and Redis, print their URLs, and hold them until Ctrl-C.
    Services,
    /// Run every check but the tests: format, lints, dependencies, generated code, architecture.
    Check,
}

fn main() -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .context("the workspace root is two folders up")?;
    match Cli::parse().command {
        Command::Codegen { check } => codegen::run(root, check).map(|()| ExitCode::SUCCESS),
        Command::Test { arguments } => test::run(root, &arguments),
        Command::Services => services::run(),
        Command::Check => check::run(root),
    }
}
