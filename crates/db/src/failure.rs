//! What a failure of the database means for the transaction it hit.
//!
//! `DbErr::sql_err()` knows only violated constraints, so the codes are read here: SQLSTATE on
//! PostgreSQL (appendix A of its manual), the extended result code on SQLite.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use sea_orm::{DbErr, RuntimeErr};
use sqlx::postgres::{PgDatabaseError, PgSeverity};
use sqlx::sqlite::SqliteError;

/// SQLite's primary result codes, the low byte of the extended ones.
/// 7 is NOMEM, 8 READONLY, 13 FULL, 14 CANTOPEN.
const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_IOERR: u32 = 10;

/// A COMMIT was sent and no answer came: the transaction may or may not have happened. It is not
/// run again by [`Db::in_tx`](crate::Db::in_tx); the caller asks, or repeats the command with the
/// same request id.
#[derive(Debug, thiserror::Error)]
#[error("the outcome of the commit is unknown: {0}")]
pub struct OutcomeUnknown(#[source] DbErr);

impl OutcomeUnknown {
    pub(crate) fn new(cause: DbErr) -> Self {
        Self(cause)
    }

    /// `DbErr` has no such case and cannot be extended, so the error travels inside an I/O error
    /// of the connection, which to everybody else is what it is.
    pub(crate) fn into_db_err(self) -> DbErr {
        DbErr::Conn(RuntimeErr::SqlxError(Arc::new(sqlx::Error::Io(
            io::Error::other(self),
        ))))
    }
}

/// The transaction may or may not have happened.
pub fn outcome_unknown(error: &DbErr) -> Option<&OutcomeUnknown> {
    match driver_error(error)? {
        sqlx::Error::Io(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    }
}

/// The database's own code of an error: SQLSTATE on PostgreSQL, the extended result code in
/// decimal on SQLite.
pub fn sqlstate(error: &DbErr) -> Option<Cow<'_, str>> {
    driver_error(error)?.as_database_error()?.code()
}

/// The transaction certainly did not happen and would probably succeed if run again:
/// serialisation failure, deadlock, or SQLite busy with another process.
pub fn retryable(error: &DbErr) -> bool {
    let Some(database) = driver_error(error).and_then(sqlx::Error::as_database_error) else {
        return false;
    };
    if database.try_downcast_ref::<SqliteError>().is_some() {
        matches!(sqlite_code(database), Some(SQLITE_BUSY | SQLITE_LOCKED))
    } else {
        matches!(database.code().as_deref(), Some("40001" | "40P01"))
    }
}

/// The connection broke, or could not be had.
pub fn connection_lost(error: &DbErr) -> bool {
    match driver_error(error) {
        Some(sqlx::Error::Database(error)) => error.code().is_some_and(|code| {
            // Connection exceptions, too many connections, shutting down, starting up; 25P03 and
            // 57P05 end a session that idles.
            code.len() == 5
                && (code.starts_with("08")
                    || code.starts_with("57P")
                    || code == "53300"
                    || code == "25P03")
        }),
        Some(error) => matches!(
            error,
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::BeginFailed
        ),
        None => matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)),
    }
}

/// The trouble is the database's or the machine's and not the statement's: a lost connection, no
/// memory, no room on the disk, a file that cannot be written. It passes, or an operator ends it.
pub fn environmental(error: &DbErr) -> bool {
    const SQLITE: [u32; 5] = [7, 8, SQLITE_IOERR, 13, 14];
    if connection_lost(error) || retryable(error) {
        return true;
    }
    let Some(database) = driver_error(error).and_then(sqlx::Error::as_database_error) else {
        return false;
    };
    if database.try_downcast_ref::<SqliteError>().is_some() {
        sqlite_code(database).is_some_and(|code| SQLITE.contains(&code))
    } else {
        // Insufficient resources, system error, a server that has become a standby.
        let code = database.code().unwrap_or_default();
        code.starts_with("53") || code.starts_with("58") || code == "25006"
    }
}

/// Whether an error that COMMIT answered with says that nothing was committed.
pub(crate) fn certainly_rolled_back(error: &DbErr) -> bool {
    let Some(database) = driver_error(error).and_then(sqlx::Error::as_database_error) else {
        return false;
    };
    if let Some(error) = database.try_downcast_ref::<PgDatabaseError>() {
        // ERROR ends the transaction and the session lives: rolled back. FATAL ends the session,
        // and may come just after the commit. Two codes say themselves that they do not know.
        matches!(error.severity(), PgSeverity::Error) && !matches!(error.code(), "40003" | "08007")
    } else {
        // A failed write or fsync of the WAL may leave the commit in it.
        sqlite_code(database).is_some_and(|code| code != SQLITE_IOERR)
    }
}

fn sqlite_code(error: &dyn sqlx::error::DatabaseError) -> Option<u32> {
    Some(error.code()?.parse::<u32>().ok()? & 0xff)
}

fn driver_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_connection_at_commit_leaves_the_outcome_open() {
        let broken = DbErr::Query(RuntimeErr::SqlxError(Arc::new(sqlx::Error::Io(
            io::ErrorKind::UnexpectedEof.into(),
        ))));
        assert!(!certainly_rolled_back(&broken));
        assert!(outcome_unknown(&broken).is_none());
        let told = OutcomeUnknown(broken).into_db_err();
        assert!(outcome_unknown(&told).is_some());
        assert!(!retryable(&told));
        assert!(
            told.to_string()
                .contains("outcome of the commit is unknown")
        );
    }
}
