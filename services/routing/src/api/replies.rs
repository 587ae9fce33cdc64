//! Replies that mentors look at, in and out.

use lotse_errors::{Text, Violations};
use lotse_ids::MessageId;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::to_proto;

use super::{finish, parse, show};
use crate::app::replies::{Decided, Reply};
use crate::domain::codes::ReviewState;
use crate::domain::review::Review;
use crate::error::Error;

/// A reply that a request asks about.
pub(super) fn to_check(
    request: &proto::CheckReplyRequest,
) -> Result<Reply<Option<MessageId>>, Error> {
    let proto::CheckReplyRequest {
        agent_id,
        ticket_id,
        message_id,
    } = request;
    let mut wrong = Violations::new();
    let agent = parse::required_reference(&mut wrong, "agent_id", agent_id);
    let ticket = wrong.parse("ticket_id", ticket_id);
    let message = wrong.parse_optional("message_id", message_id);
    let (agent, ticket) = wrong.finish_with(agent.zip(ticket))?;
    Ok(Reply {
        agent,
        ticket,
        message,
    })
}

/// A reply that a request wants approved.
pub(super) fn to_approve(
    request: &proto::RequestReplyApprovalRequest,
) -> Result<Reply<MessageId>, Error> {
    let proto::RequestReplyApprovalRequest {
        agent_id,
        ticket_id,
        message_id,
        request_id,
    } = request;
    let mut wrong = Violations::new();
    let agent = parse::required_reference(&mut wrong, "agent_id", agent_id);
    let ticket = wrong.parse("ticket_id", ticket_id);
    let message = wrong.parse("message_id", message_id);
    let found = agent.zip(ticket).zip(message);
    let ((agent, ticket), message) = finish(wrong, request_id, found)?;
    Ok(Reply {
        agent,
        ticket,
        message,
    })
}

/// What a request decides.
pub(super) fn decided(request: &proto::DecideReplyRequest) -> Result<Decided, Error> {
    let proto::DecideReplyRequest {
        message_id,
        agent_id,
        approved,
        note,
        request_id,
    } = request;
    let mut wrong = Violations::new();
    let message = wrong.parse("message_id", message_id);
    let by = parse::required_reference(&mut wrong, "agent_id", agent_id);
    let note = wrong.text("note", note, Text::line(0..=512));
    let (message, by) = finish(wrong, request_id, message.zip(by))?;
    Ok(Decided {
        message,
        by,
        state: if *approved {
            ReviewState::Approved
        } else {
            ReviewState::Declined
        },
        note,
    })
}

/// How a reply stands, as it is answered.
pub(super) fn review(review: &Review) -> proto::ReplyReview {
    let Review {
        message,
        ticket,
        agent,
        mentor,
        state,
        note,
        requested_at,
        decided_at,
    } = review;
    let state = match state {
        ReviewState::Pending => proto::ReplyReviewState::Pending,
        ReviewState::Approved => proto::ReplyReviewState::Approved,
        ReviewState::Declined => proto::ReplyReviewState::Declined,
    };
    proto::ReplyReview {
        message_id: message.to_string(),
        ticket_id: ticket.to_string(),
        agent_id: agent.to_string(),
        mentor_agent_id: mentor.to_string(),
        state: state.into(),
        note: note.clone(),
        requested_at: Some(to_proto(*requested_at)),
        decided_at: show::time(*decided_at),
    }
}
