//! What can go wrong here, split by what the caller should do.

use lotse_db::TxError;
use lotse_errors::ErrorReason;
use lotse_journal::{ConsumerError, RequestIdReused};
use sea_orm::DbErr;

use crate::domain::invitation::Refusal;

/// Every error of this service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Ask for something that exists.
    #[error("there is no {0} {1:?}")]
    NotFound(&'static str, String),
    /// The survey has asked somebody: make another one for another kind.
    #[error("survey {0:?} has invitations: its kind cannot change")]
    KindInUse(String),
    /// The invitation takes no answer.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Read again and repeat.
    #[error("somebody else changed the same thing first")]
    LostRace,
    /// Use another request id.
    #[error(transparent)]
    RequestIdReused(#[from] RequestIdReused),
    /// Already in the caller's terms.
    #[error(transparent)]
    Call(#[from] lotse_errors::Error),
    /// The journal could not be read up to the present.
    #[error("{0}")]
    Unread(ConsumerError),
    /// The database's.
    #[error(transparent)]
    Db(#[from] DbErr),
}

impl TxError for Error {
    fn db_err(&self) -> Option<&DbErr> {
        match self {
            Self::Db(error) => Some(error),
            Self::Unread(error) => error.db_err(),
            _ => None,
        }
    }
}

impl From<ConsumerError> for Error {
    fn from(error: ConsumerError) -> Self {
        Self::Unread(error)
    }
}

impl From<Error> for lotse_errors::Error {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::NotFound(resource, id) => Self::not_found(resource, id),
            Error::KindInUse(id) => {
                Self::failed_precondition(ErrorReason::ResourceInUse, text).about("survey", id)
            }
            Error::Refused(Refusal::Closed(state)) => {
                Self::failed_precondition(ErrorReason::InvitationClosed, text)
                    .with("state", state.as_str())
            }
            Error::Refused(Refusal::Final) => {
                Self::failed_precondition(ErrorReason::AnswerFinal, text)
            }
            Error::LostRace => Self::aborted(ErrorReason::LostRace, text),
            Error::RequestIdReused(reused) => Self::already_exists("request", reused.request_id)
                .because(ErrorReason::RequestIdReused),
            Error::Unread(error) => match error.db_err() {
                Some(error) => Self::database(error.clone()),
                None => Self::internal(error.into_source()),
            },
            Error::Call(error) => error,
            Error::Db(error) => Self::database(error),
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        lotse_errors::Error::from(error).into()
    }
}
