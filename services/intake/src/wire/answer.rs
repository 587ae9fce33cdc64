//! Answers: domain values as protobuf messages.

use lotse_clock::Timestamp;
use lotse_proto::intake::v1 as proto;
use lotse_proto::time::to_proto;

use super::enums;
use crate::domain::lifecycle::Life;
use crate::domain::ticket::{Message, Profile, Requester, Ticket};

/// A ticket.
pub(crate) fn ticket(ticket: &Ticket) -> proto::Ticket {
    proto::Ticket {
        subject: ticket.subject.clone(),
        ..wordless(ticket)
    }
}

/// A ticket without its subject: what is stored as a command's answer, so that personal data
/// stays in intake's own tables.
pub(crate) fn wordless(ticket: &Ticket) -> proto::Ticket {
    let Ticket {
        id,
        number,
        external_id,
        requester_id,
        subject: _,
        channel,
        category,
        tags,
        priority,
        language,
        attributes,
        required_skills,
        requested_group_id,
        life,
        repeat_of,
        repeat_count,
        follow_up_of,
        merged_into,
        created_at,
        updated_at,
        version,
        assignment,
    } = ticket;
    let Life {
        status,
        hold_reason,
        since,
        solved_at,
        closed_at,
        closes_at,
        generation: _,
        reopen_count,
    } = life;
    proto::Ticket {
        id: id.to_string(),
        number: number.unsigned_abs(),
        external_id: external_id.clone().unwrap_or_default(),
        requester_id: requester_id.to_string(),
        subject: String::new(),
        channel: enums::channel(*channel).into(),
        category: category.clone(),
        tags: tags.clone(),
        priority: enums::priority(*priority).into(),
        language: language.tag.clone(),
        language_confidence: language.confidence,
        language_basis: enums::basis(language.basis).into(),
        attributes: attributes.clone(),
        required_skills: required_skills.clone(),
        requested_group_id: text(requested_group_id.as_ref()),
        status: enums::status(*status).into(),
        hold_reason: hold_reason.clone(),
        assignee_id: text(assignment.agent_id.as_ref()),
        group_id: text(assignment.group_id.as_ref()),
        tier: assignment.tier,
        repeat_of: text(repeat_of.as_ref()),
        repeat_count: *repeat_count,
        follow_up_of: text(follow_up_of.as_ref()),
        merged_into: text(merged_into.as_ref()),
        reopen_count: *reopen_count,
        created_at: Some(to_proto(*created_at)),
        updated_at: Some(to_proto(*updated_at)),
        status_changed_at: Some(to_proto(*since)),
        solved_at: time(*solved_at),
        closed_at: time(*closed_at),
        closes_at: time(*closes_at),
        etag: lotse_grpc::etag::of(*version),
    }
}

/// A message.
pub(crate) fn message(message: Message) -> proto::Message {
    let Message {
        id,
        ticket_id,
        author_kind,
        author_id,
        visibility,
        body,
        composed_at,
        received_at,
        recorded_at,
    } = message;
    proto::Message {
        id: id.into(),
        ticket_id: ticket_id.into(),
        author: Some(proto::Author {
            kind: enums::author_kind(author_kind).into(),
            id: author_id,
        }),
        visibility: enums::visibility(visibility).into(),
        body,
        composed_at: time(composed_at),
        received_at: Some(to_proto(received_at)),
        recorded_at: Some(to_proto(recorded_at)),
    }
}

/// A requester.
pub(crate) fn requester(requester: Requester) -> proto::Requester {
    let Requester {
        id,
        profile,
        created_at,
        updated_at,
    } = requester;
    let Profile {
        external_id,
        email,
        name,
        language,
        organisation,
    } = profile;
    proto::Requester {
        id: id.into(),
        external_id,
        email,
        name,
        language,
        organisation,
        created_at: Some(to_proto(created_at)),
        updated_at: Some(to_proto(updated_at)),
    }
}

fn time(at: Option<Timestamp>) -> Option<prost_types::Timestamp> {
    at.map(to_proto)
}

fn text(id: Option<&impl ToString>) -> String {
    id.map(ToString::to_string).unwrap_or_default()
}
