//! A shadow's reply that a mentor looks at before it is sent.

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, MessageId, TicketId};

use super::codes::ReviewState;

/// How a reply stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Review {
    /// The internal note that the reply waits as.
    pub(crate) message: MessageId,
    /// On which ticket.
    pub(crate) ticket: TicketId,
    /// Who wrote it.
    pub(crate) agent: AgentId,
    /// Who was asked, or who decided.
    pub(crate) mentor: AgentId,
    /// How it stands.
    pub(crate) state: ReviewState,
    /// What whoever decided says to the author.
    pub(crate) note: String,
    /// When the mentor was asked.
    pub(crate) requested_at: Timestamp,
    /// When it was decided.
    pub(crate) decided_at: Option<Timestamp>,
}
