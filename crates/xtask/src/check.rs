//! `cargo xtask check`: what a change must pass before anybody reads it, the
//! tests apart.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result};
use lotse_throwaway::on_ci;

use crate::codegen;
use crate::test::cargo;

/// Runs every check even when an earlier one fails, so that one run tells all.
pub(crate) fn run(root: &Path) -> Result<ExitCode> {
    let mut failed = Vec::new();
    let mut step = |name: &'static str, passed: bool| {
        if !passed {
            failed.push(name);
        }
    };

    step("format", run_cargo(root, &["fmt", "--all", "--check"])?);
    step(
        "lints",
        run_cargo(
            root,
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ],
        )?,
    );
    // Not `advisories`: their database is a git repository that a build machine may not reach.
    const DENY: [&str; 6] = [
        "deny",
        "--all-features",
        "check",
        "licenses",
        "bans",
        "sources",
    ];
    if deny_is_installed(root) || on_ci() {
        step("dependencies", run_cargo(root, &DENY)?);
    } else {
        println!("left out: dependencies; to check them: cargo install cargo-deny --locked");
    }
    step("generated code", report(codegen::run(root, true)));
    step(
        "architecture",
        run_cargo(
            root,
            &["test", "--package", "xtask", "--test", "it", "--locked"],
        )?,
    );

    if failed.is_empty() {
        println!("all checks passed");
        Ok(ExitCode::SUCCESS)
    } else {
        println!("failed: {}", failed.join(", "));
        Ok(ExitCode::FAILURE)
    }
}

fn run_cargo(root: &Path, arguments: &[&str]) -> Result<bool> {
    println!("cargo {}", arguments.join(" "));
    let status = Command::new(cargo())
        .args(arguments)
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    Ok(status.success())
}

fn deny_is_installed(root: &Path) -> bool {
    Command::new(cargo())
        .args(["deny", "--version"])
        .current_dir(root)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn report(outcome: Result<()>) -> bool {
    match outcome {
        Ok(()) => true,
        Err(error) => {
            println!("{error:#}");
            false
        }
    }
}
