//! Throwaway PostgreSQL and Redis servers, started from installed programs and
//! gone with the process that started them.
//!
//! Tests and `cargo xtask` need a real server on a machine that may have none
//! running, must not touch one that is, and must leave nothing behind even when
//! they are killed. So each server lives in a temporary folder, listens on a
//! loopback port nobody asked for, and is held by a small shell ([`keeper`])
//! that reads a pipe from us: when this process ends, however it ends, the pipe
//! closes, and the keeper stops the server and removes the folder.
//!
//! This crate knows nothing of Lotse and depends on next to nothing, so that
//! `cargo xtask` stays quick to build; `lotse-testkit` builds on it.

mod keeper;
mod left_out;
mod part;
mod postgres;
mod redis;

pub use left_out::{LEFT_OUT_LIST, leave_out, on_ci};
pub use part::Part;
pub use postgres::Postgres;
pub use redis::Redis;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program is not on this machine; [`Part::install_line`] brings it.
    #[error("{} is not installed; install it with: {}", .0.name(), .0.install_line())]
    NotInstalled(Part),
    /// The program is there and would not do as told; `log` is what it said.
    #[error("{} did not {action}:\n{log}", part.name())]
    Failed {
        /// Whose server it was.
        part: Part,
        /// What it was asked to do: `start`, `stop`, …
        action: String,
        /// The last lines of the server's own log.
        log: String,
    },
    /// The shell around the server could not be run or spoken to.
    #[error("cannot run {}", part.name())]
    Io {
        /// Whose server it was.
        part: Part,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
}
