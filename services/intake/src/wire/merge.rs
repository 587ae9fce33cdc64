//! Reading MergeTickets.

use lotse_clock::Timestamp;
use lotse_errors::Violations;
use lotse_ids::TicketId;
use lotse_proto::intake::v1 as proto;

use super::check;
use super::time::{When, when};

/// A merge, checked.
#[derive(Clone, Debug)]
pub(crate) struct Merge {
    pub(crate) request_id: String,
    pub(crate) source: TicketId,
    pub(crate) target: TicketId,
    pub(crate) etag: String,
    pub(crate) when: When,
}

/// Reads the request; `None` when something is wrong.
pub(crate) fn read(
    wrong: &mut Violations,
    request: &proto::MergeTicketsRequest,
    now: Timestamp,
) -> Option<Merge> {
    let proto::MergeTicketsRequest {
        request_id,
        source_ticket_id,
        target_ticket_id,
        etag,
    } = request;
    let request_id = check::request_id(wrong, request_id);
    let source = wrong.parse("source_ticket_id", source_ticket_id);
    let target = wrong.parse("target_ticket_id", target_ticket_id);
    let when = when(wrong, None, now);
    Some(Merge {
        request_id,
        source: source?,
        target: target?,
        etag: etag.clone(),
        when,
    })
}
