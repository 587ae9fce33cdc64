//! Covers, in and out.

use std::collections::BTreeSet;

use lotse_errors::{Text, Violations};
use lotse_grpc::etag;
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::get_acknowledgement_request::Subject as About;
use lotse_proto::time::to_proto;

use super::rotas::instant;
use super::{finish, parse, show};
use crate::app::covers::{Acknowledgement, Subject, WantedCover};
use crate::domain::cover::{Cover, CoverWords, Notice};
use crate::domain::language::Language;
use crate::error::Error;

/// Most notices of a cover.
const NOTICES: usize = 32;

/// A cover as a request wants it.
pub(super) fn wanted(request: &proto::PutCoverRequest) -> Result<WantedCover, Error> {
    let proto::PutCoverRequest { cover, request_id } = request;
    let mut wrong = Violations::new();
    let given = wrong.present("cover", cover.as_ref());
    let wanted = given.and_then(|given| {
        let proto::Cover {
            id,
            group_id,
            covered_by_group_id,
            starts_at,
            ends_at,
            notices,
            reason,
            version: _,
            etag,
            created_at: _,
            updated_at: _,
        } = given;
        let wrong = &mut wrong;
        let id = wrong.parse_optional("cover.id", id);
        let group = parse::required_reference(wrong, "cover.group_id", group_id);
        let by = parse::required_reference(wrong, "cover.covered_by_group_id", covered_by_group_id);
        let starts_at = instant(wrong, "cover.starts_at", starts_at.as_ref());
        let ends_at = instant(wrong, "cover.ends_at", ends_at.as_ref());
        if let (Some(starts_at), Some(ends_at)) = (starts_at, ends_at) {
            let message = "must be later than starts_at";
            wrong.require("cover.ends_at", starts_at < ends_at, message);
        }
        let words = CoverWords {
            notices: wanted_notices(wrong, notices),
            reason: wrong.text("cover.reason", reason, Text::line(0..=512)),
        };
        Some(WantedCover {
            id,
            group: group?,
            by: by?,
            starts_at: starts_at?,
            ends_at: ends_at?,
            words,
            etag: etag.clone(),
        })
    });
    finish(wrong, request_id, wanted)
}

fn wanted_notices(wrong: &mut Violations, given: &[proto::CoverNotice]) -> Vec<Notice> {
    parse::at_most(wrong, "cover.notices", given.len(), NOTICES);
    let mut languages = BTreeSet::new();
    let given = given.iter().enumerate();
    let notice = |(at, one): (usize, &proto::CoverNotice)| {
        let proto::CoverNotice { language, text } = one;
        let path = format!("cover.notices[{at}]");
        let field = format!("{path}.language");
        let language = optional_language(wrong, &field, language);
        let first = languages.insert(language.clone());
        wrong.require(&field, first, "has a notice already");
        Notice {
            language,
            text: wrong.text(&format!("{path}.text"), text, Text::body(1..=4_096)),
        }
    };
    given.map(notice).collect()
}

pub(super) fn optional_language(
    wrong: &mut Violations,
    field: &str,
    given: &str,
) -> Option<Language> {
    if given.is_empty() {
        return None;
    }
    parse::language(wrong, field, given)
}

/// What an acknowledgement is asked for, and in which language.
pub(super) fn subject(
    request: &proto::GetAcknowledgementRequest,
) -> Result<(Subject, Option<Language>), Error> {
    let proto::GetAcknowledgementRequest { subject, language } = request;
    let mut wrong = Violations::new();
    let language = optional_language(&mut wrong, "language", language);
    let subject = match subject {
        Some(About::TicketId(ticket)) => wrong.parse("ticket_id", ticket).map(Subject::Ticket),
        Some(About::GroupId(group)) => {
            parse::required_reference(&mut wrong, "group_id", group).map(Subject::Group)
        }
        None => {
            wrong.add("subject", "must name a ticket or a group");
            None
        }
    };
    Ok((wrong.finish_with(subject)?, language))
}

/// A cover as it is answered.
pub(super) fn cover(cover: &Cover) -> proto::Cover {
    let Cover {
        id,
        group,
        by,
        starts_at,
        ends_at,
        words: CoverWords { notices, reason },
        version,
        created_at,
        updated_at,
    } = cover;
    let notice = |Notice { language, text }: &Notice| proto::CoverNotice {
        language: show::id(language.as_ref()),
        text: text.clone(),
    };
    proto::Cover {
        id: id.to_string(),
        group_id: group.to_string(),
        covered_by_group_id: by.to_string(),
        starts_at: Some(to_proto(*starts_at)),
        ends_at: Some(to_proto(*ends_at)),
        notices: notices.iter().map(notice).collect(),
        reason: reason.clone(),
        version: show::version(*version),
        etag: etag::of(*version),
        created_at: Some(to_proto(*created_at)),
        updated_at: Some(to_proto(*updated_at)),
    }
}

/// An acknowledgement as it is answered.
pub(super) fn acknowledgement(told: Acknowledgement) -> proto::GetAcknowledgementResponse {
    let Acknowledgement {
        group,
        cover,
        notice,
    } = told;
    let cover = cover.as_ref();
    let language = notice.as_ref().and_then(|notice| notice.language.as_ref());
    proto::GetAcknowledgementResponse {
        language: show::id(language),
        notice: notice
            .as_ref()
            .map(|one| one.text.clone())
            .unwrap_or_default(),
        group_id: show::id(group.as_ref()),
        cover_id: show::id(cover.map(|cover| &cover.id)),
        covered_by_group_id: show::id(cover.map(|cover| &cover.by)),
        covered_until: show::time(cover.map(|cover| cover.ends_at)),
    }
}
