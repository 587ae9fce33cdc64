//! Which servers this test process has.

use std::sync::OnceLock;

use lotse_throwaway::{Error, Part, Postgres, Redis, leave_out};

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
        Err(Error::NotInstalled(part)) => {
            leave_out(*part);
            None
        }
        Err(error) => panic!("{error}"),
    }
}
