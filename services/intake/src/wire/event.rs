//! The events of intake, as drafts for the journal: ids, facts and measures.

use lotse_clock::Timestamp;
use lotse_ids::{MessageId, RequesterId, TicketId, organisation};
use lotse_journal::{Body, Draft};
use lotse_proto::intake::v1::EraseRequesterResponse;
use lotse_proto::journal::v1 as proto;
use lotse_proto::time::to_proto;

use super::enums;
use crate::domain::lifecycle::Transition;
use crate::domain::ticket::{Message, Ticket};

/// A ticket was taken in, of a requester of that organisation (empty when not known).
pub(crate) fn created(ticket: &Ticket, organisation: &str, past: Option<Timestamp>) -> Draft {
    let text = |id: Option<&TicketId>| id.map(ToString::to_string).unwrap_or_default();
    let body = Body::TicketCreated(proto::TicketCreated {
        number: ticket.number.unsigned_abs(),
        requester_id: ticket.requester_id.to_string(),
        channel: enums::channel(ticket.channel).into(),
        category: ticket.category.clone(),
        tags: ticket.tags.clone(),
        priority: enums::priority(ticket.priority).into(),
        language: ticket.language.tag.clone(),
        language_confidence: ticket.language.confidence,
        attributes: ticket.attributes.clone(),
        required_skills: ticket.required_skills.clone(),
        requested_group_id: ticket
            .requested_group_id
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        repeat_of: text(ticket.repeat_of.as_ref()),
        follow_up_of: text(ticket.follow_up_of.as_ref()),
        organisation_key: organisation::key(organisation),
    });
    draft(ticket, past, body)
}

/// A ticket went into another one.
pub(crate) fn merged(source: &Ticket, target: &Ticket) -> Draft {
    let body = Body::TicketMerged(proto::TicketMerged {
        into_ticket_id: target.id.to_string(),
    });
    draft(source, None, body)
}

/// A ticket took in another one.
pub(crate) fn absorbed(target: &Ticket, source: &Ticket) -> Draft {
    let body = Body::TicketAbsorbed(proto::TicketAbsorbed {
        source_ticket_id: source.id.to_string(),
    });
    draft(target, None, body)
}

/// Words of a ticket are gone, among them those of so many messages.
pub(crate) fn ticket_erased(ticket: &TicketId, messages: u64) -> Draft {
    let body = Body::TicketErased(proto::TicketErased { messages });
    Draft::ticket(ticket.as_str(), body)
}

/// Somebody is not known any more.
pub(crate) fn requester_erased(id: &RequesterId, what: &EraseRequesterResponse) -> Draft {
    let EraseRequesterResponse { tickets, messages } = what;
    let body = Body::RequesterErased(proto::RequesterErased {
        requester_id: id.to_string(),
        tickets: *tickets,
        messages: *messages,
    });
    Draft::resource(id.as_str(), body)
}

/// Facts of a ticket changed.
pub(crate) fn updated(ticket: &Ticket, changed: &[&'static str], past: Option<Timestamp>) -> Draft {
    let body = Body::TicketUpdated(proto::TicketUpdated {
        changed: changed.iter().map(|name| (*name).to_owned()).collect(),
        priority: enums::priority(ticket.priority).into(),
        category: ticket.category.clone(),
        tags: ticket.tags.clone(),
        language: ticket.language.tag.clone(),
        attributes: ticket.attributes.clone(),
    });
    draft(ticket, past, body)
}

/// A ticket's status changed, for a reason (a code), by an agent where one is named.
pub(crate) fn status_changed(
    ticket: &Ticket,
    transition: &Transition,
    reason: &str,
    agent_id: &str,
    past: Option<Timestamp>,
) -> Draft {
    let body = Body::TicketStatusChanged(proto::TicketStatusChanged {
        from: enums::status(transition.from).into(),
        to: enums::status(transition.life.status).into(),
        change: enums::change(transition.change).into(),
        reason: reason.to_owned(),
        agent_id: agent_id.to_owned(),
        episode: transition.life.reopen_count,
    });
    draft(ticket, past, body)
}

/// A message or note was added, as a note was approved to be sent where one is named.
pub(crate) fn message_added(
    ticket: &Ticket,
    message: &Message,
    approved_note: Option<&MessageId>,
    past: Option<Timestamp>,
) -> Draft {
    let body = Body::MessageAdded(proto::MessageAdded {
        message_id: message.id.to_string(),
        author_kind: enums::author_kind(message.author_kind).into(),
        author_id: message.author_id.clone(),
        visibility: enums::visibility(message.visibility).into(),
        composed_at: message.composed_at.map(to_proto),
        received_at: Some(to_proto(message.received_at)),
        body_bytes: message.body.len() as u64,
        approved_note_id: approved_note.map(ToString::to_string).unwrap_or_default(),
    });
    draft(ticket, past, body)
}

fn draft(ticket: &Ticket, past: Option<Timestamp>, body: Body) -> Draft {
    Draft {
        occurred_at: past,
        ..Draft::ticket(ticket.id.as_str(), body)
    }
}
