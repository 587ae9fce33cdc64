//! What can go wrong in routing, by what the caller should do about it.

use lotse_db::TxError;
use lotse_errors::ErrorReason;
use lotse_ids::{AgentId, GroupId, OfferId, TicketId};
use lotse_journal::{ConsumerError, FeedError, RequestIdReused};
use sea_orm::DbErr;

use crate::domain::codes::OfferState;

/// Why a use case did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbErr),
    /// The request is wrong in itself, stale, or not permitted.
    #[error(transparent)]
    Request(#[from] lotse_errors::Error),
    /// The request id was used before with another body.
    #[error(transparent)]
    RequestIdReused(#[from] RequestIdReused),
    /// Something that the request names does not exist.
    #[error("there is no {resource} {id:?}")]
    NoSuch {
        /// What kind of thing.
        resource: &'static str,
        /// Id or name as given.
        id: String,
    },
    /// Another one has the name.
    #[error("the {resource} {name:?} exists already")]
    Taken {
        /// What kind of thing.
        resource: &'static str,
        /// The name.
        name: String,
    },
    /// The agent no longer works here.
    #[error("agent {0} is retired")]
    Retired(AgentId),
    /// The ticket is over.
    #[error("ticket {0} is closed")]
    Closed(TicketId),
    /// There is nothing above the ticket's group.
    #[error("ticket {ticket} cannot be escalated: {}", .group.as_ref().map_or_else(
        || "it is in no group".to_owned(),
        |group| format!("nothing is above {group}"),
    ))]
    NoNextTier {
        /// The ticket.
        ticket: TicketId,
        /// Its group.
        group: Option<GroupId>,
    },
    /// The token is of a journal that was replaced by a restore.
    #[error(
        "the resume token belongs to another incarnation of the journal; start again without it"
    )]
    StaleResumeToken,
    /// A model could not be read or fitted.
    #[error("learning failed: {0}")]
    Learning(String),
    /// The offer can no longer be answered.
    #[error("offer {offer} is over: {state}")]
    OfferOver {
        /// The offer.
        offer: OfferId,
        /// What became of it.
        state: OfferState,
    },
    /// What has happened to the ticket so far could not be read.
    #[error("cannot catch up with the journal: {0}")]
    CatchUp(ConsumerError),
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
            Self::CatchUp(error) => error.db_err(),
            Self::Request(_)
            | Self::RequestIdReused(_)
            | Self::NoSuch { .. }
            | Self::Taken { .. }
            | Self::Retired(_)
            | Self::Closed(_)
            | Self::Learning(_)
            | Self::NoNextTier { .. }
            | Self::StaleResumeToken
            | Self::OfferOver { .. } => None,
        }
    }
}

impl From<Error> for lotse_errors::Error {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Db(error) => Self::database(error),
            Error::Request(error) => error,
            Error::RequestIdReused(reused) => {
                Self::already_exists("request", reused.request_id.clone())
                    .because(ErrorReason::RequestIdReused)
                    .caused_by(reused)
            }
            Error::NoSuch { resource, id } => Self::not_found(resource, id),
            Error::Taken { resource, name } => Self::already_exists(resource, name),
            Error::Retired(agent) => {
                Self::failed_precondition(ErrorReason::AgentNotEligible, message)
                    .about("agent", agent)
                    .with("why", "retired")
            }
            Error::Closed(ticket) => {
                Self::failed_precondition(ErrorReason::IllegalTransition, message)
                    .about("ticket", ticket)
                    .with("status", "CLOSED")
            }
            Error::NoNextTier { ticket, group } => {
                Self::failed_precondition(ErrorReason::NoNextTier, message)
                    .about("ticket", ticket)
                    .with("group_id", group.map(String::from).unwrap_or_default())
            }
            Error::StaleResumeToken => {
                Self::failed_precondition(ErrorReason::StaleResumeToken, message)
            }
            Error::Learning(failure) => Self::internal(failure),
            Error::OfferOver { offer, state } => {
                Self::failed_precondition(ErrorReason::OfferOver, message)
                    .about("offer", offer)
                    .with("state", state.as_str().to_uppercase())
            }
            Error::CatchUp(error) => match error.db_err() {
                Some(db) => Self::database(db.clone()),
                None => Self::internal(error.into_source()),
            },
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        lotse_errors::Error::from(error).into()
    }
}
