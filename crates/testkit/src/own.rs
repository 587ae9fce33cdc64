//! Servers of one test alone, to be killed, flushed and started again.
//!
//! They cost a start each, so only tests of faults use them.

use lotse_throwaway::{Error, Postgres, Redis, leave_out};

/// An empty PostgreSQL server for the calling test alone; `None` as for
/// [`postgres`](crate::postgres).
pub fn own_postgres() -> Option<Postgres> {
    started(Postgres::start())
}

/// An empty Redis server for the calling test alone; `None` as for
/// [`redis`](crate::redis()).
pub fn own_redis() -> Option<Redis> {
    started(Redis::start())
}

fn started<S>(server: Result<S, Error>) -> Option<S> {
    match server {
        Ok(server) => Some(server),
        Err(Error::NotInstalled(part)) => {
            leave_out(part);
            None
        }
        Err(error) => panic!("{error}"),
    }
}
