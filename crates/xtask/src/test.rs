//! `cargo xtask test`: one PostgreSQL and one Redis for the whole run, and one
//! line at its end that counts every test of every binary.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, bail};
use lotse_throwaway::{Error, LEFT_OUT_LIST, Part, Postgres, Redis, on_ci};

/// Runs the tests. The code is that of `cargo test`.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<ExitCode> {
    let notes = tempfile::tempdir()?;
    let list = notes.path().join("left-out");
    let mut command = Command::new(cargo());
    command
        .args(cargo_arguments(arguments))
        .current_dir(root)
        .env(LEFT_OUT_LIST, &list)
        .stdout(Stdio::piped());

    // Held until the tests are over; a server given from outside is used as it is.
    let postgres = given_or(Part::Postgres, Postgres::start)?;
    let redis = given_or(Part::Redis, Redis::start)?;
    if let Some(server) = &postgres {
        command.env(Part::Postgres.url_variable(), server.url());
    }
    if let Some(server) = &redis {
        command.env(Part::Redis.url_variable(), server.url());
    }

    let mut tests = command.spawn().context("cannot run cargo")?;
    let output = tests.stdout.take().context("cargo has no output")?;
    let mut counts = Counts::default();
    let mut screen = std::io::stdout();
    for line in BufReader::new(output).split(b'\n') {
        let mut line = line?;
        counts.add(&String::from_utf8_lossy(&line));
        line.push(b'\n');
        screen.write_all(&line)?;
    }
    let status = tests.wait()?;
    drop((postgres, redis));

    let left_out = LeftOut::parse(&std::fs::read_to_string(&list).unwrap_or_default());
    println!();
    for line in left_out.lines() {
        println!("{line}");
    }
    if !status.success() && counts.failed == 0 {
        println!("cargo test failed before or beside the tests: {status}");
    }
    println!("{}", counts.summary(left_out.tests()));
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The cargo that runs us, or the one in `PATH`.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// All of the workspace, unless the caller names packages.
fn cargo_arguments(arguments: &[String]) -> Vec<String> {
    let names_packages = arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"));
    let mut all = vec!["test".to_owned(), "--no-fail-fast".to_owned()];
    if !names_packages {
        all.push("--workspace".to_owned());
    }
    all.extend_from_slice(arguments);
    all
}

/// Starts a server, unless the environment names one. Not installed is no
/// error: the tests that need it say that they are left out. Where `CI` is set
/// it is one, and better told before the build than after it.
fn given_or<S>(part: Part, start: impl FnOnce() -> Result<S, Error>) -> Result<Option<S>> {
    if std::env::var_os(part.url_variable()).is_some() {
        return Ok(None);
    }
    match start() {
        Ok(server) => Ok(Some(server)),
        Err(error @ Error::NotInstalled(_)) => {
            if on_ci() {
                bail!(error);
            }
            Ok(None)
        }
        Err(error) => bail!(error),
    }
}

/// What the test binaries said they ran.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
    ignored: usize,
}

impl Counts {
    /// Adds a line such as
    /// `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; …`.
    fn add(&mut self, line: &str) {
        let Some((_, results)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for result in results.split("; ") {
            let Some((number, what)) = result.split_once(' ') else {
                continue;
            };
            let Ok(number) = number.parse::<usize>() else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }

    /// The last line of a run. A test that left itself out has passed for its
    /// runner; here it has not.
    fn summary(&self, left_out: usize) -> String {
        let passed = self.passed.saturating_sub(left_out);
        let skipped = self.ignored + left_out;
        let mut line = format!("{passed} passed, {} failed", self.failed);
        if skipped > 0 {
            line.push_str(&format!(", {skipped} skipped"));
        }
        line
    }
}

/// The tests left out, by the part that they need.
#[derive(Debug, Default)]
struct LeftOut(BTreeMap<String, BTreeSet<String>>);

impl LeftOut {
    /// Each line is a part's name, a tab, and the test with its binary.
    fn parse(list: &str) -> LeftOut {
        let mut left_out = LeftOut::default();
        for (part, test) in list.lines().filter_map(|line| line.split_once('\t')) {
            left_out
                .0
                .entry(part.to_owned())
                .or_default()
                .insert(test.to_owned());
        }
        left_out
    }

    /// How many tests; one that lacks two parts counts once.
    fn tests(&self) -> usize {
        self.0.values().flatten().collect::<BTreeSet<_>>().len()
    }

    fn lines(&self) -> Vec<String> {
        Part::ALL
            .iter()
            .filter_map(|part| {
                let tests = self.0.get(part.name())?.len();
                Some(format!(
                    "left out {tests} tests: {} is not installed; to run them: {}",
                    part.name(),
                    part.install_line()
                ))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_binaries_are_summed() {
        let mut counts = Counts::default();
        counts.add("running 3 tests");
        counts.add("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.10s");
        counts.add("test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s");
        assert_eq!(
            counts,
            Counts {
                passed: 7,
                failed: 2,
                ignored: 1
            }
        );
        assert_eq!(counts.summary(0), "7 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn a_test_left_out_does_not_count_as_passed() {
        let left_out = LeftOut::parse("PostgreSQL\tit a\nRedis\tit a\nRedis\tit b\nRedis\tit b\n");
        let counts = Counts {
            passed: 5,
            ..Counts::default()
        };
        assert_eq!(
            counts.summary(left_out.tests()),
            "3 passed, 0 failed, 2 skipped"
        );
        assert_eq!(
            left_out.lines(),
            [
                "left out 1 tests: PostgreSQL is not installed; to run them: sudo apt-get install -y postgresql",
                "left out 2 tests: Redis is not installed; to run them: sudo apt-get install -y redis-server",
            ]
        );
    }

    #[test]
    fn a_named_package_is_tested_alone() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            cargo_arguments(&words("-p lotse-db -- pool")),
            words("test --no-fail-fast -p lotse-db -- pool")
        );
        assert_eq!(
            cargo_arguments(&words("-- --package")),
            words("test --no-fail-fast --workspace -- --package")
        );
    }
}
