//! Which servers this test process has, and what is said when it has none.

use std::io::Write as _;
use std::sync::{Mutex, OnceLock};

use lotse_throwaway::{Error, Part, Postgres, Redis};

/// Where to append the name of each test that is left out; `cargo xtask test`
/// sets it and sums up at its end.
const LIST_VARIABLE: &str = "LOTSE_TEST_LEFT_OUT_LIST";

/// The URL of the PostgreSQL server of this process; `None` when the calling
/// test has to be left out.
pub(crate) fn postgres_url() -> Option<&'static str> {
    static SERVER: OnceLock<Result<(String, Option<Postgres>), Error>> = OnceLock::new();
    server(Part::Postgres, &SERVER, || {
        Postgres::start().map(|server| (server.url(), Some(server)))
    })
}

/// The URL of the Redis server of this process, as for [`postgres_url`].
pub(crate) fn redis_url() -> Option<&'static str> {
    static SERVER: OnceLock<Result<(String, Option<Redis>), Error>> = OnceLock::new();
    server(Part::Redis, &SERVER, || {
        Redis::start().map(|server| (server.url(), Some(server)))
    })
}

/// The server lives in a static, so it is never dropped: its keeper ends it
/// with this process.
fn server<S>(
    part: Part,
    cell: &'static OnceLock<Result<(String, Option<S>), Error>>,
    start: impl FnOnce() -> Result<(String, Option<S>), Error>,
) -> Option<&'static str> {
    let started = cell.get_or_init(|| match std::env::var(part.url_variable()) {
        Ok(url) => Ok((url, None)),
        Err(_) => start(),
    });
    match started {
        Ok((url, _)) => Some(url),
        Err(Error::NotInstalled(part)) if !on_ci() => {
            leave_out(*part);
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// On a build machine nothing may be left out unnoticed.
pub(crate) fn on_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty())
}

pub(crate) fn leave_out(part: Part) {
    static SAID: Mutex<Vec<Part>> = Mutex::new(Vec::new());
    let mut said = SAID.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(list) = std::env::var_os(LIST_VARIABLE) {
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
    } else if !said.contains(&part) {
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
