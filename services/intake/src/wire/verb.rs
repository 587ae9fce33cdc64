//! Reading the verbs that change a status: they all have the same fields.

use lotse_clock::Timestamp;
use lotse_errors::Violations;
use lotse_ids::{AgentId, TicketId};
use lotse_proto::intake::v1 as proto;
use prost::Message;

use super::check;
use super::time::{When, when};

/// A change of status to make, checked.
#[derive(Clone, Debug)]
pub(crate) struct Verb {
    pub(crate) request_id: String,
    pub(crate) ticket_id: TicketId,
    pub(crate) etag: String,
    pub(crate) reason: String,
    pub(crate) agent_id: String,
    pub(crate) when: When,
}

/// A request of one of the verbs.
pub(crate) trait VerbRequest: Message + Clone {
    /// The RPC's name, under which request ids are kept.
    const METHOD: &'static str;
    /// Least length of the reason.
    const REASON: usize;

    /// All its fields.
    fn fields(&self) -> Fields<'_>;
}

/// The fields of every verb.
pub(crate) struct Fields<'a> {
    request_id: &'a str,
    ticket_id: &'a str,
    etag: &'a str,
    reason: &'a str,
    agent_id: &'a str,
    occurred_at: Option<&'a prost_types::Timestamp>,
}

macro_rules! verbs {
    ($($request:ident = $method:literal, $reason:literal;)+) => {$(
        impl VerbRequest for proto::$request {
            const METHOD: &'static str = $method;
            const REASON: usize = $reason;

            fn fields(&self) -> Fields<'_> {
                let Self { request_id, ticket_id, etag, reason, agent_id, occurred_at } = self;
                let occurred_at = occurred_at.as_ref();
                Fields { request_id, ticket_id, etag, reason, agent_id, occurred_at }
            }
        }
    )+};
}

verbs! {
    WaitForRequesterRequest = "WaitForRequester", 0;
    HoldTicketRequest = "HoldTicket", 1;
    ResumeTicketRequest = "ResumeTicket", 0;
    SolveTicketRequest = "SolveTicket", 0;
    ReopenTicketRequest = "ReopenTicket", 0;
    CloseTicketRequest = "CloseTicket", 0;
}

/// Reads the request; `None` when something is wrong.
pub(crate) fn read<R: VerbRequest>(
    wrong: &mut Violations,
    request: &R,
    now: Timestamp,
) -> Option<Verb> {
    let Fields {
        request_id,
        ticket_id,
        etag,
        reason,
        agent_id,
        occurred_at,
    } = request.fields();
    let request_id = check::request_id(wrong, request_id);
    let ticket_id = wrong.parse("ticket_id", ticket_id);
    let reason = check::reason(wrong, reason, R::REASON);
    wrong.parse_optional::<AgentId>("agent_id", agent_id);
    let when = when(wrong, occurred_at, now);
    Some(Verb {
        request_id,
        ticket_id: ticket_id?,
        etag: etag.to_owned(),
        reason,
        agent_id: agent_id.to_owned(),
        when,
    })
}
