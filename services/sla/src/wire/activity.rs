//! What on a ticket says that somebody takes care of it.

use lotse_journal::{Body, Recorded};
use lotse_proto::common::v1::AuthorKind;

use super::enums;
use crate::domain::Resolution;

/// What the request ids of reactions begin with, and so the causes of what they bring about.
pub(crate) const REACTION: &str = "sla-reaction:";

/// Whether a reaction brought this event about. It is no human's doing then, whoever seems to have
/// called.
pub(crate) fn is_reaction(event: &Recorded) -> bool {
    event.cause.starts_with(REACTION)
}

/// Why the alerts of the event's ticket are over with it; `None` when they are not.
pub(crate) fn activity(event: &Recorded) -> Option<Resolution> {
    if is_reaction(event) {
        return None;
    }
    let acted = match &event.body {
        Body::MessageAdded(message) => message.author_kind() == AuthorKind::Human,
        Body::TicketStatusChanged(changed) => {
            if enums::status(changed.to)?.is_solved() {
                return Some(Resolution::Solved);
            }
            !changed.agent_id.is_empty()
        }
        Body::TicketMerged(_) => return Some(Resolution::Merged),
        Body::TicketAssigned(assigned) => assigned.manual,
        Body::TicketTransferred(_) | Body::TicketEscalated(_) => true,
        _ => false,
    };
    acted.then_some(Resolution::Activity)
}
