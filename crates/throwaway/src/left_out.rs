//! What is said when a test cannot run because a server is not installed.

use std::io::Write as _;
use std::sync::Mutex;

use crate::Part;

/// The environment variable naming a file to which each test that is left out
/// is appended: `cargo xtask test` sets it and sums up at its end.
pub const LEFT_OUT_LIST: &str = "LOTSE_TEST_LEFT_OUT_LIST";

/// Whether this is a build machine (`CI` is set and not empty), where nothing
/// may be left out unnoticed.
pub fn on_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty())
}

/// Notes that the calling test needs `part`, which is not installed, and will
/// return at once. Said once per process, or listed for `cargo xtask test`.
///
/// Panics where `CI` is set.
pub fn leave_out(part: Part) {
    static SAID: Mutex<Vec<Part>> = Mutex::new(Vec::new());
    if on_ci() {
        panic!("{}", crate::Error::NotInstalled(part));
    }
    if let Some(list) = std::env::var_os(LEFT_OUT_LIST) {
        // The runner names each test's thread after the test.
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("a test");
        let binary = std::env::args().next().unwrap_or_default();
        let line = format!("{}\t{binary} {test}\n", part.name());
        let written = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(list)
            .and_then(|mut file| file.write_all(line.as_bytes()));
        if let Err(error) = written {
            panic!("cannot note that {test} was left out: {error}");
        }
        return;
    }
    let mut said = SAID.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if !said.contains(&part) {
        said.push(part);
        // Written past the test runner, which keeps what tests print to itself.
        let line = format!(
            "\nleft out: tests that need {}; to run them: {}\n",
            part.name(),
            part.install_line()
        );
        let _shown = std::io::stderr().write_all(line.as_bytes());
    }
}
