//! Reading CreateTicket.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_errors::{Text, Violations};
use lotse_ids::{GroupId, RequesterId, TicketId};
use lotse_proto::intake::v1 as proto;
use lotse_proto::intake::v1::create_ticket_request::Requester;

use super::time::{When, not_after, when};
use super::{check, enums};
use crate::domain::ticket::Profile;
use crate::domain::words::{Channel, Priority};

/// A ticket to take in, checked.
#[derive(Clone, Debug)]
pub(crate) struct NewTicket {
    pub(crate) who: Who,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) composed_at: Option<Timestamp>,
    pub(crate) channel: Channel,
    pub(crate) category: String,
    pub(crate) tags: Vec<String>,
    pub(crate) priority: Priority,
    pub(crate) language: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) external_id: Option<String>,
    pub(crate) required_skills: Vec<String>,
    pub(crate) requested_group_id: Option<GroupId>,
    pub(crate) when: When,
    /// The closed ticket that it continues; no caller says so.
    pub(crate) follow_up_of: Option<TicketId>,
    /// Who wrote the body, where it is not the one who asks.
    pub(crate) written_by: Option<RequesterId>,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) enum Who {
    /// Somebody known.
    Known(RequesterId),
    /// Somebody by their own key; see [`Profile::key`].
    Described {
        /// The key.
        key: String,
        /// What the caller knows about them.
        profile: Profile,
    },
}

impl NewTicket {
    /// Bytes of text that it brings into a transaction.
    pub(crate) fn bytes(&self) -> usize {
        self.subject.len() + self.body.len()
    }
}

/// Reads the request; `None` when something is wrong.
pub(crate) fn read(
    wrong: &mut Violations,
    request: &proto::CreateTicketRequest,
    now: Timestamp,
) -> Option<NewTicket> {
    let proto::CreateTicketRequest {
        request_id,
        requester,
        subject,
        body,
        composed_at,
        channel,
        category,
        tags,
        priority,
        language,
        attributes,
        external_id,
        required_skills,
        requested_group_id,
        occurred_at,
    } = request;
    check::request_id(wrong, request_id);
    let when = when(wrong, occurred_at.as_ref(), now);
    let who = who(wrong, requester.as_ref());
    let subject = check::subject(wrong, "subject", subject);
    let body = check::body(wrong, body, 0);
    let composed_at = not_after(
        wrong,
        "composed_at",
        composed_at.as_ref(),
        when.at,
        "must not be after the ticket",
    );
    let channel = enums::read_channel(wrong, *channel);
    let category = check::category(wrong, "category", category);
    let tags = check::tags(wrong, "tags", tags);
    let priority = enums::read_priority(wrong, "priority", *priority);
    let language = check::language(wrong, "language", language);
    let attributes = check::attributes(wrong, "attributes", attributes);
    let external_id = wrong.text("external_id", external_id, Text::line(0..=128));
    let required_skills = check::skills(wrong, required_skills);
    let requested_group_id = wrong.parse_optional("requested_group_id", requested_group_id);
    Some(NewTicket {
        who: who?,
        subject,
        body,
        composed_at,
        channel: channel?,
        category,
        tags,
        priority: priority?,
        language,
        attributes,
        external_id: (!external_id.is_empty()).then_some(external_id),
        required_skills,
        requested_group_id,
        when,
        follow_up_of: None,
        written_by: None,
    })
}

fn who(wrong: &mut Violations, requester: Option<&Requester>) -> Option<Who> {
    match wrong.present("requester", requester)? {
        Requester::RequesterId(id) => wrong.parse("requester_id", id).map(Who::Known),
        Requester::RequesterProfile(given) => {
            let proto::RequesterProfile {
                external_id,
                email,
                name,
                language,
                organisation,
            } = given;
            let mut text = |field: &str, given: &str, most| {
                wrong.text(
                    &format!("requester_profile.{field}"),
                    given,
                    Text::line(0..=most),
                )
            };
            let profile = Profile {
                external_id: text("external_id", external_id, 128),
                email: text("email", email, 254),
                name: text("name", name, 256),
                organisation: text("organisation", organisation, 256),
                language: check::language(wrong, "requester_profile.language", language),
            };
            // Not a check of addresses, which only a mail server can do; it catches a name put there.
            let plausible = profile.email.is_empty()
                || profile
                    .email
                    .split_once('@')
                    .is_some_and(|(local, host)| !local.is_empty() && !host.is_empty());
            wrong.require(
                "requester_profile.email",
                plausible,
                "must be an e-mail address",
            );
            let key = profile.key();
            wrong.require(
                "requester_profile",
                key.is_some(),
                "must have an external_id or an email",
            );
            Some(Who::Described { key: key?, profile })
        }
    }
}
