//! What can be chosen about a database.

use std::fmt;
use std::time::Duration;

/// Where the database is and how it is used. [`DbConfig::new`] has the defaults.
#[derive(Clone)]
pub struct DbConfig {
    /// `sqlite://path/to/file` or `postgres://user:password@host/database`.
    pub url: String,
    /// PostgreSQL: connections for transactions. SQLite has one.
    pub max_connections: u32,
    /// Connections for reading outside of transactions.
    pub reader_connections: u32,
    /// How long to wait for a connection before giving up; also for the first one.
    pub acquire_timeout: Duration,
    /// PostgreSQL: longest run of one statement.
    pub statement_timeout: Duration,
    /// PostgreSQL: a transaction idle for longer is ended, so that a stuck process cannot keep the
    /// locks that others wait for.
    pub idle_in_transaction_timeout: Duration,
    /// PostgreSQL: the name shown in `pg_stat_activity`.
    pub application_name: String,
    /// SQLite: how long to wait for another process that writes.
    pub busy_timeout: Duration,
    /// SQLite: what a commit survives.
    pub durability: Durability,
    /// SQLite: page cache of the writer, in MiB; it fills by use. Half as much is written to the
    /// log before it is copied into the database.
    pub cache_mib: u32,
}

/// What a commit on SQLite survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The loss of power (`synchronous = FULL`).
    #[default]
    Power,
    /// The death of the process, but not the loss of power, which may cost the latest commits and
    /// never the order of things (`synchronous = NORMAL`). For bulk work that can be repeated.
    Process,
}

impl DbConfig {
    /// The defaults for the database at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_connections: 16,
            reader_connections: 4,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            idle_in_transaction_timeout: Duration::from_secs(5),
            application_name: "lotse".to_owned(),
            busy_timeout: Duration::from_secs(5),
            durability: Durability::default(),
            cache_mib: 32,
        }
    }
}

/// Without the URL, which may hold a password.
impl fmt::Debug for DbConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            url: _,
            max_connections,
            reader_connections,
            acquire_timeout,
            statement_timeout,
            idle_in_transaction_timeout,
            application_name,
            busy_timeout,
            durability,
            cache_mib,
        } = self;
        f.debug_struct("DbConfig")
            .field("max_connections", max_connections)
            .field("reader_connections", reader_connections)
            .field("acquire_timeout", acquire_timeout)
            .field("statement_timeout", statement_timeout)
            .field("idle_in_transaction_timeout", idle_in_transaction_timeout)
            .field("application_name", application_name)
            .field("busy_timeout", busy_timeout)
            .field("durability", durability)
            .field("cache_mib", cache_mib)
            .finish_non_exhaustive()
    }
}
