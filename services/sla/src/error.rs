//! What can go wrong here, split by what the caller should do.

use lotse_db::TxError;
use lotse_errors::ErrorReason;
use lotse_journal::{FeedError, RequestIdReused};
use sea_orm::DbErr;

use crate::domain::UnknownVersion;

/// Every error of this service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Ask for something that exists.
    #[error("there is no {0} {1:?}")]
    NotFound(&'static str, String),
    /// Use another request id.
    #[error(transparent)]
    RequestIdReused(#[from] RequestIdReused),
    /// Already in the caller's terms.
    #[error(transparent)]
    Call(#[from] lotse_errors::Error),
    /// A stored row does not fit this program, or another row: our fault.
    #[error("{table} of {key}: {source}")]
    Stored {
        /// The table.
        table: &'static str,
        /// Which row.
        key: String,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A version that a row names is not there: our fault.
    #[error(transparent)]
    UnknownVersion(#[from] UnknownVersion),
    /// The journal was restored since the token was given: start again without it.
    #[error(
        "the resume token belongs to another incarnation of the journal; start again without it"
    )]
    StaleResumeToken,
    /// The database's.
    #[error(transparent)]
    Db(#[from] DbErr),
}

impl From<FeedError> for Error {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::OtherIncarnation => Self::StaleResumeToken,
            FeedError::Db(error) => Self::Db(error),
        }
    }
}

impl TxError for Error {
    fn db_err(&self) -> Option<&DbErr> {
        match self {
            Self::Db(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Error> for lotse_errors::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(resource, id) => Self::not_found(resource, id),
            Error::RequestIdReused(reused) => Self::already_exists("request", reused.request_id)
                .because(ErrorReason::RequestIdReused),
            Error::Call(error) => error,
            Error::StaleResumeToken => {
                Self::failed_precondition(ErrorReason::StaleResumeToken, error.to_string())
            }
            Error::Db(error) => Self::database(error),
            error @ (Error::Stored { .. } | Error::UnknownVersion(_)) => Self::internal(error),
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        lotse_errors::Error::from(error).into()
    }
}
