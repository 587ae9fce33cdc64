//! Reading UpdateTicket: what the mask names, and nothing else.

use lotse_clock::Timestamp;
use lotse_errors::Violations;
use lotse_ids::TicketId;
use lotse_proto::intake::v1 as proto;

use super::time::{When, when};
use super::{check, enums};
use crate::domain::facts::Edit;
use crate::domain::language::Language;

/// Edits to make, checked.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(crate) request_id: String,
    pub(crate) ticket_id: TicketId,
    pub(crate) etag: String,
    pub(crate) edits: Vec<Edit>,
    pub(crate) when: When,
}

/// Reads the request; `None` when something is wrong.
pub(crate) fn read(
    wrong: &mut Violations,
    request: &proto::UpdateTicketRequest,
    now: Timestamp,
) -> Option<Update> {
    let proto::UpdateTicketRequest {
        request_id,
        ticket,
        update_mask,
        occurred_at,
    } = request;
    let request_id = check::request_id(wrong, request_id);
    let when = when(wrong, occurred_at.as_ref(), now);
    let paths = update_mask.as_ref().map_or(&[][..], |mask| &mask.paths);
    wrong.require("update_mask", !paths.is_empty(), "is required");
    // One path per attribute, and the other fields.
    wrong.require(
        "update_mask",
        paths.len() <= 128,
        "must have at most 128 paths",
    );
    let ticket = wrong.present("ticket", ticket.as_ref())?;
    let ticket_id = wrong.parse("ticket.id", &ticket.id);
    let edits = paths
        .iter()
        .take(128)
        .filter_map(|path| edit(wrong, path, ticket))
        .collect();
    Some(Update {
        request_id,
        ticket_id: ticket_id?,
        etag: ticket.etag.clone(),
        edits,
        when,
    })
}

fn edit(wrong: &mut Violations, path: &str, ticket: &proto::Ticket) -> Option<Edit> {
    Some(match path {
        "subject" => Edit::Subject(check::subject(wrong, "ticket.subject", &ticket.subject)),
        "priority" => Edit::Priority(enums::read_priority(
            wrong,
            "ticket.priority",
            ticket.priority,
        )?),
        "category" => Edit::Category(check::category(wrong, "ticket.category", &ticket.category)),
        "tags" => Edit::Tags(check::tags(wrong, "ticket.tags", &ticket.tags)),
        "language" => Edit::Language(Language::given(check::language(
            wrong,
            "ticket.language",
            &ticket.language,
        ))),
        "attributes" => Edit::Attributes(check::attributes(
            wrong,
            "ticket.attributes",
            &ticket.attributes,
        )),
        path => match path.strip_prefix("attributes.") {
            Some(key) => {
                let value = ticket.attributes.get(key).map_or("", String::as_str);
                let (key, value) = check::attribute(wrong, "ticket.attributes", key, value);
                Edit::Attribute(key, value)
            }
            None => {
                let shown: String = path.chars().filter(|c| !c.is_control()).take(64).collect();
                wrong.add("update_mask", format!("{shown:?} cannot be updated"));
                return None;
            }
        },
    })
}
