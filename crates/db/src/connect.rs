//! Opening a database, with errors that say what to do.

use std::path::PathBuf;
use std::time::Duration;

use crate::{Db, DbConfig, postgres, sqlite};

/// First pause between attempts to reach a database.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Longest pause between attempts to reach a database.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL names no database that Lotse runs on.
    #[error("the database URL must begin with sqlite:// or postgres://{0}")]
    Scheme(&'static str),
    /// The URL does not parse. It is not shown, because it may hold a password.
    #[error("the database URL is wrong: {0}")]
    Url(#[source] sqlx::Error),
    /// The folder of the SQLite file is missing.
    #[error("the folder of the database {} does not exist", .0.display())]
    NoFolder(PathBuf),
    /// The SQLite file cannot be opened or written.
    #[error("cannot open the database {} for writing: {source}; is its folder writable?", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// Nobody answers, or only to say that it is not ready.
    #[error("cannot reach the database at {target}: {source}")]
    Unreachable {
        /// Host, port and database.
        target: String,
        /// What the driver says.
        source: sqlx::Error,
    },
    /// Somebody answers but does not let us in.
    #[error("the database at {target} refuses us: {source}")]
    Refused {
        /// Host, port and database.
        target: String,
        /// What the server says.
        source: sqlx::Error,
    },
    /// The server is older than what Lotse is tested with.
    #[error("the database at {target} is PostgreSQL {version}; 15 or later is needed")]
    TooOld {
        /// Host, port and database.
        target: String,
        /// The version, as the server writes it.
        version: String,
    },
}

impl ConnectError {
    /// Whether waiting may help.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

impl Db {
    /// Opens the database once.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect(config: &DbConfig) -> Result<Self, ConnectError> {
        if config.url.starts_with("sqlite:") {
            sqlite::open(config).await
        } else if config.url.starts_with("postgres:") || config.url.starts_with("postgresql:") {
            postgres::open(config).await
        } else {
            Err(ConnectError::Scheme(""))
        }
    }

    /// Opens the database, and while it cannot be reached says so in the log and tries again. It
    /// waits for ever: the caller stays alive but not ready, and drops the future to give up.
    ///
    /// # Errors
    /// What waiting does not mend.
    pub async fn connect_patiently(config: &DbConfig) -> Result<Self, ConnectError> {
        let mut pause = FIRST_PAUSE;
        loop {
            match Self::connect(config).await {
                Err(error) if error.is_temporary() => {
                    tracing::warn!(%error, retry_in = ?pause, "waiting for the database");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                outcome => return outcome,
            }
        }
    }
}
