//! Errors of the database, split by what the caller should do.

use std::time::Duration;

use sea_orm::{DbErr, RuntimeErr, SqlxError};

use crate::Error;

/// When a caller may try again while the database is away.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Error {
    /// UNAVAILABLE when the database is away or too busy, else INTERNAL.
    pub fn database(error: DbErr) -> Self {
        if is_away(&error) {
            Self::unavailable(RETRY_AFTER, error)
        } else {
            Self::internal(error)
        }
    }
}

/// Whether the connection was lost, could not be had, or the database gave up under load.
fn is_away(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            match error.as_ref() {
                SqlxError::Io(_)
                | SqlxError::Tls(_)
                | SqlxError::PoolTimedOut
                | SqlxError::PoolClosed
                | SqlxError::WorkerCrashed => true,
                SqlxError::Database(error) => error.code().is_some_and(|code| is_away_code(&code)),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Codes that say "not now". A serialisation failure, a deadlock or a busy SQLite comes here only
/// after `lotse-db` retried it; the transaction certainly did not happen.
fn is_away_code(code: &str) -> bool {
    // PostgreSQL, appendix A: class 08 connection exceptions, class 53 insufficient resources,
    // 57014 statement timeout, 57P01..03 shutdown and start-up, 55P03 lock timeout.
    const POSTGRES: [&str; 7] = [
        "57014", "57P01", "57P02", "57P03", "55P03", "40001", "40P01",
    ];
    if code.len() == 5
        && (POSTGRES.contains(&code) || code.starts_with("08") || code.starts_with("53"))
    {
        return true;
    }
    // SQLite: 5 BUSY, 6 LOCKED, 13 FULL, in the low byte of an extended code.
    code.parse::<u32>()
        .is_ok_and(|code| code < 10_000 && matches!(code & 0xff, 5 | 6 | 13))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn lost_connection_and_full_pool_are_unavailable() {
        for error in [
            DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout),
            DbErr::Conn(RuntimeErr::Internal("refused".to_owned())),
            DbErr::Query(RuntimeErr::SqlxError(SqlxError::PoolTimedOut.into())),
            DbErr::Exec(RuntimeErr::SqlxError(
                SqlxError::Io(std::io::ErrorKind::BrokenPipe.into()).into(),
            )),
        ] {
            assert_eq!(
                *Error::database(error).kind(),
                Kind::Unavailable(RETRY_AFTER)
            );
        }
    }

    #[test]
    fn other_database_errors_are_internal() {
        for error in [
            DbErr::Custom("x".to_owned()),
            DbErr::RecordNotFound("x".to_owned()),
            DbErr::Query(RuntimeErr::SqlxError(SqlxError::RowNotFound.into())),
        ] {
            assert_eq!(*Error::database(error).kind(), Kind::Internal);
        }
    }

    #[test]
    fn codes_that_say_not_now() {
        for code in [
            "08006", "53300", "57P01", "40001", "40P01", "5", "261", "6", "13",
        ] {
            assert!(is_away_code(code), "{code}");
        }
        for code in ["23505", "42P01", "22001", "19", "2067", "1", "", "XX000"] {
            assert!(!is_away_code(code), "{code}");
        }
    }
}
