//! What can go wrong in insight.

use lotse_db::TxError;
use sea_orm::DbErr;

/// An error of a use case.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The question is wrong; the caller is told everything that is.
    #[error("{0}")]
    Question(#[source] lotse_errors::Error),
    /// The database failed.
    #[error("the database failed: {0}")]
    Db(#[from] DbErr),
}

impl From<lotse_errors::Error> for Error {
    fn from(error: lotse_errors::Error) -> Self {
        Self::Question(error)
    }
}

impl From<Error> for lotse_errors::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Question(error) => error,
            Error::Db(error) => Self::database(error),
        }
    }
}

impl TxError for Error {
    fn db_err(&self) -> Option<&DbErr> {
        match self {
            Self::Question(_) => None,
            Self::Db(error) => Some(error),
        }
    }
}
