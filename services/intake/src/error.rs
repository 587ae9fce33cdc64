//! What can go wrong in intake, split by what the caller should do.

use std::time::Duration;

use lotse_db::TxError;
use lotse_errors::ErrorReason;
use lotse_ids::AgentId;
use lotse_journal::{FeedError, RequestIdReused};
use sea_orm::DbErr;

use crate::domain::lifecycle::Illegal;

/// When to try again while the process stops and another takes over.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why intake did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is wrong, its etag is stale, or its page token is.
    #[error("{0}")]
    Refused(#[source] lotse_errors::Error),
    /// There is no such ticket.
    #[error("there is no ticket {0:?}")]
    NoTicket(String),
    /// There is no such requester.
    #[error("there is no requester {0:?}")]
    NoRequester(String),
    /// Another ticket has the caller's id.
    #[error("another ticket has the external id {0:?}")]
    ExternalIdTaken(String),
    /// The ticket's status does not allow it.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// A public reply needs an approval that it does not have.
    #[error("{0}")]
    Unapproved(Unapproved),
    /// The request id came with another request before.
    #[error(transparent)]
    RequestIdReused(#[from] RequestIdReused),
    /// A time in the past without the scope for it.
    #[error("a time in the past needs the scope tickets.import")]
    PastTimeNotAllowed,
    /// The journal was restored since the token was given.
    #[error(
        "the resume token belongs to another incarnation of the journal; start again without it"
    )]
    StaleResumeToken,
    /// The process stops; nothing was done, or the request id tells.
    #[error("intake is stopping")]
    Stopping,
    /// The database failed.
    #[error("the database failed: {0}")]
    Db(#[from] DbErr),
}

/// A reply that is not approved: by whom it is and who could approve it.
#[derive(Debug, thiserror::Error)]
#[error("a public reply of {agent} needs the approval of {mentor}: it stands at {state:?}")]
pub struct Unapproved {
    /// Who replies.
    pub agent: AgentId,
    /// Their mentor.
    pub mentor: AgentId,
    /// How the approval stands.
    pub state: String,
}

impl From<lotse_errors::Error> for Error {
    fn from(refused: lotse_errors::Error) -> Self {
        Self::Refused(refused)
    }
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
        let message = error.to_string();
        match error {
            Error::Refused(refused) => refused,
            Error::NoTicket(id) => Self::not_found("ticket", id),
            Error::NoRequester(id) => Self::not_found("requester", id),
            Error::ExternalIdTaken(id) => Self::already_exists("ticket", id),
            Error::Illegal(illegal) => {
                Self::failed_precondition(ErrorReason::IllegalTransition, message)
                    .with("status", illegal.status.word().to_uppercase())
                    .with("asked", illegal.asked)
            }
            Error::Unapproved(Unapproved {
                agent,
                mentor,
                state,
            }) => Self::failed_precondition(ErrorReason::ReplyNotApproved, message)
                .with("agent_id", agent)
                .with("mentor_agent_id", mentor)
                .with("state", state),
            Error::RequestIdReused(reused) => Self::already_exists("request", &reused.request_id)
                .because(ErrorReason::RequestIdReused),
            Error::PastTimeNotAllowed => {
                Self::permission_denied(ErrorReason::PastTimeNotAllowed, message)
                    .with("scope", crate::wire::time::PAST_SCOPE)
            }
            Error::StaleResumeToken => {
                Self::failed_precondition(ErrorReason::StaleResumeToken, message)
            }
            Error::Stopping => Self::unavailable(RETRY_AFTER, message),
            Error::Db(error) => Self::database(error),
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        lotse_errors::Error::from(error).into()
    }
}
