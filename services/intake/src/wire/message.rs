//! Reading AddMessage.

use lotse_clock::Timestamp;
use lotse_errors::Violations;
use lotse_ids::{AgentId, MessageId, RequesterId, TicketId};
use lotse_proto::intake::v1 as proto;

use super::time::{When, not_after, when};
use super::{check, enums};
use crate::domain::words::{AuthorKind, Visibility};

/// A message to add, checked.
#[derive(Clone, Debug)]
pub(crate) struct NewMessage {
    pub(crate) ticket_id: TicketId,
    pub(crate) author_kind: AuthorKind,
    /// Empty for a requester means the ticket's own.
    pub(crate) author_id: String,
    pub(crate) visibility: Visibility,
    pub(crate) body: String,
    pub(crate) composed_at: Option<Timestamp>,
    pub(crate) when: When,
    /// The note that was approved to be sent as this.
    pub(crate) approved_note: Option<MessageId>,
    /// Whom the caller's token acts for.
    pub(crate) sender: Option<AgentId>,
}

/// Reads the request; `None` when something is wrong.
pub(crate) fn read(
    wrong: &mut Violations,
    request: &proto::AddMessageRequest,
    sender: Option<&AgentId>,
    now: Timestamp,
) -> Option<NewMessage> {
    let proto::AddMessageRequest {
        request_id,
        ticket_id,
        author,
        visibility,
        body,
        composed_at,
        occurred_at,
        approved_note_id,
    } = request;
    check::request_id(wrong, request_id);
    let when = when(wrong, occurred_at.as_ref(), now);
    let ticket_id = wrong.parse("ticket_id", ticket_id);
    let author = wrong
        .present("author", author.as_ref())
        .and_then(|author| read_author(wrong, author));
    let visibility = enums::read_visibility(wrong, *visibility);
    let body = check::body(wrong, body, 1);
    let approved_note = wrong.parse_optional("approved_note_id", approved_note_id);
    let composed_at = not_after(
        wrong,
        "composed_at",
        composed_at.as_ref(),
        when.at,
        "must not be after the arrival",
    );
    if visibility == Some(Visibility::Internal)
        && matches!(author, Some((AuthorKind::Requester, _)))
    {
        wrong.add(
            "visibility",
            "must be PUBLIC for a message of the requester",
        );
    }
    let (author_kind, author_id) = author?;
    Some(NewMessage {
        ticket_id: ticket_id?,
        author_kind,
        author_id,
        visibility: visibility?,
        body,
        composed_at,
        when,
        approved_note,
        sender: sender.cloned(),
    })
}

fn read_author(wrong: &mut Violations, author: &proto::Author) -> Option<(AuthorKind, String)> {
    let proto::Author { kind, id } = author;
    let kind = enums::read_author_kind(wrong, *kind)?;
    const FIELD: &str = "author.id";
    match kind {
        AuthorKind::Requester => {
            wrong.parse_optional::<RequesterId>(FIELD, id);
        }
        AuthorKind::Human => {
            wrong.parse_optional::<AgentId>(FIELD, id);
        }
        AuthorKind::Bot | AuthorKind::Automation => {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
            let good = id.len() <= 64 && id.bytes().all(allowed);
            wrong.require(
                FIELD,
                good,
                "must be a name of `[A-Za-z0-9_.:-]`, at most 64 of them",
            );
        }
        AuthorKind::System => wrong.require(FIELD, id.is_empty(), "must be empty"),
    }
    Some((kind, id.clone()))
}
