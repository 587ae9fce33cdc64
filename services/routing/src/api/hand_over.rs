//! Tickets that change hands: assigned, transferred, escalated, and what was said with them.

use lotse_auth::Caller;
use lotse_errors::{Text, Violations};
use lotse_ids::TicketId;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::to_proto;
use prost::Message;
use tonic::{Response, Status};

use super::{Api, finish, origin, parse, show};
use crate::app::hand_over::{HandOver, HandedOver, TICKET, What, shown};
use crate::domain::codes::{DecisionKind, TransferReason};
use crate::domain::decision::{ByHand, Decision, Missing, Summary};
use crate::domain::words;
use crate::error::Error;

/// Notes and each part of a summary, in bytes.
const NOTE: usize = 2_000;

/// What assigning, transferring and escalating have in common.
struct Given<'a> {
    ticket_id: &'a str,
    group_id: &'a str,
    agent_id: &'a str,
    missing: Missing,
    note: String,
    summary: Option<Summary>,
    etag: &'a str,
    occurred_at: Option<&'a prost_types::Timestamp>,
    request_id: &'a str,
}

impl Api {
    pub(super) async fn assign(
        &self,
        caller: &Caller,
        request: proto::AssignTicketRequest,
    ) -> Result<Response<proto::AssignTicketResponse>, Status> {
        let proto::AssignTicketRequest {
            ticket_id,
            group_id,
            agent_id,
            note,
            etag,
            occurred_at,
            request_id,
        } = &request;
        let mut wrong = Violations::new();
        let given = Given {
            ticket_id,
            group_id,
            agent_id,
            missing: Missing::default(),
            note: wrong.text("note", note, Text::body(0..=NOTE)),
            summary: None,
            etag,
            occurred_at: occurred_at.as_ref(),
            request_id,
        };
        let wish = &self.wish(caller, wrong, What::Assign, given)?;
        self.hand_over(
            caller,
            "AssignTicket",
            request_id,
            &request,
            wish,
            |handed| proto::AssignTicketResponse {
                route: Some(show::route(&handed.item, handed.tier)),
                over_capacity: handed.over_capacity,
            },
        )
        .await
    }

    pub(super) async fn transfer(
        &self,
        caller: &Caller,
        request: proto::TransferTicketRequest,
    ) -> Result<Response<proto::TransferTicketResponse>, Status> {
        let proto::TransferTicketRequest {
            ticket_id,
            group_id,
            agent_id,
            reason,
            note,
            etag,
            occurred_at,
            request_id,
            missing_skill,
            missing_language,
            summary: said,
        } = &request;
        let mut wrong = Violations::new();
        let reason = parse::transfer_reason(&mut wrong, "reason", *reason);
        let note = wrong.text("note", note, Text::body(0..=NOTE));
        let said = summary(&mut wrong, "summary", said.as_ref());
        let silent = note.is_empty() && said.is_none();
        wrong.require(
            "summary",
            !(silent && self.app.requires_summary()),
            "must say something, or the note",
        );
        let given = Given {
            ticket_id,
            group_id,
            agent_id,
            missing: missing(&mut wrong, reason, missing_skill, missing_language),
            note,
            summary: said,
            etag,
            occurred_at: occurred_at.as_ref(),
            request_id,
        };
        let wish = &self.wish(caller, wrong, What::Transfer(reason), given)?;
        self.hand_over(
            caller,
            "TransferTicket",
            request_id,
            &request,
            wish,
            |handed| {
                let record = &handed.decision.record;
                let guard = record.by_hand.as_ref().and_then(|by_hand| by_hand.guard);
                proto::TransferTicketResponse {
                    route: Some(show::route(&handed.item, handed.tier)),
                    over_capacity: handed.over_capacity,
                    hop: handed.item.transfers,
                    // Whoever passes it on from triage only chose its group.
                    misroute: record.kind == DecisionKind::Transfer && reason.is_misroute(),
                    guard: show::id(guard.as_ref()),
                    words: words::tell(record, &handed.directory),
                }
            },
        )
        .await
    }

    pub(super) async fn escalate(
        &self,
        caller: &Caller,
        request: proto::EscalateTicketRequest,
    ) -> Result<Response<proto::EscalateTicketResponse>, Status> {
        let proto::EscalateTicketRequest {
            ticket_id,
            summary: note,
            group_id,
            agent_id,
            etag,
            occurred_at,
            request_id,
            hand_over,
        } = &request;
        let mut wrong = Violations::new();
        let said = summary(&mut wrong, "hand_over", hand_over.as_ref());
        let known = said.as_ref().is_some_and(|said| !said.known.is_empty());
        let least = usize::from(!known);
        let given = Given {
            ticket_id,
            group_id,
            agent_id,
            missing: Missing::default(),
            note: wrong.text("summary", note, Text::body(least..=NOTE)),
            summary: said,
            etag,
            occurred_at: occurred_at.as_ref(),
            request_id,
        };
        let wish = &self.wish(caller, wrong, What::Escalate, given)?;
        self.hand_over(
            caller,
            "EscalateTicket",
            request_id,
            &request,
            wish,
            |handed| proto::EscalateTicketResponse {
                route: Some(show::route(&handed.item, handed.tier)),
                over_capacity: handed.over_capacity,
                from_tier: handed.from_tier.into(),
            },
        )
        .await
    }

    pub(super) async fn hand_overs(
        &self,
        request: proto::GetHandOverRequest,
    ) -> Result<Response<proto::GetHandOverResponse>, Status> {
        let proto::GetHandOverRequest { ticket_id } = request;
        let mut wrong = Violations::new();
        let ticket: Option<TicketId> = wrong.parse("ticket_id", &ticket_id);
        let ticket = wrong.finish_with(ticket).map_err(Error::from)?;
        let decisions = self.app.hand_overs(&ticket).await?;
        Ok(Response::new(proto::GetHandOverResponse {
            hand_overs: decisions.into_iter().map(hand_over).collect(),
        }))
    }

    fn wish(
        &self,
        caller: &Caller,
        mut wrong: Violations,
        what: What,
        given: Given<'_>,
    ) -> Result<HandOver, Error> {
        let now = self.app.clock.now();
        let ticket: Option<TicketId> = wrong.parse("ticket_id", given.ticket_id);
        let at = parse::occurred_at(&mut wrong, given.occurred_at, now);
        let group = wrong.parse_optional("group_id", given.group_id);
        let agent = wrong.parse_optional("agent_id", given.agent_id);
        let wish = ticket.map(|ticket| HandOver {
            ticket,
            what,
            group,
            agent,
            guarded: true,
            model: None,
            missing: given.missing,
            note: given.note,
            summary: given.summary,
            etag: given.etag.to_owned(),
            at,
        });
        let wish = finish(wrong, given.request_id, wish)?;
        parse::may_tell(caller, wish.at, now)?;
        Ok(wish)
    }

    /// Carries a wish out in one transaction, at most once per request id.
    async fn hand_over<Req: Message, Resp: Message + Default>(
        &self,
        caller: &Caller,
        method: &'static str,
        request_id: &str,
        request: &Req,
        wish: &HandOver,
        told: impl Fn(HandedOver) -> Resp + Send + Sync,
    ) -> Result<Response<Resp>, Status> {
        let (journal, told) = (&self.app.journal, &told);
        let origin = origin(caller, request_id);
        let attempt = || {
            journal.command(&origin, method, request_id, request, |tx| async move {
                self.app.hand_over(&tx, wish).await.map(told)
            })
        };
        let response = match attempt().await {
            Err(Error::NoSuch {
                resource: TICKET, ..
            }) => {
                self.app.hear_of(&wish.ticket, &origin).await?;
                attempt().await?
            }
            outcome => outcome?,
        };
        self.app.changed().await;
        Ok(Response::new(response))
    }
}

/// A summary; none when nothing was written.
fn summary(
    wrong: &mut Violations,
    field: &str,
    given: Option<&proto::HandOverSummary>,
) -> Option<Summary> {
    let proto::HandOverSummary {
        known,
        tried,
        asked,
    } = given?;
    let mut part = |name, text| wrong.text(&format!("{field}.{name}"), text, Text::body(0..=NOTE));
    let summary = Summary {
        known: part("known", known),
        tried: part("tried", tried),
        asked: part("asked", asked),
    };
    (summary != Summary::default()).then_some(summary)
}

/// What whoever passes a ticket on lacks, where the reason is that they lack something.
fn missing(wrong: &mut Violations, reason: TransferReason, skill: &str, language: &str) -> Missing {
    let of = |named: &str, of: TransferReason| named.is_empty() || reason == of;
    let (lacks_skill, lacks_language) = (
        of(skill, TransferReason::WrongSkill),
        of(language, TransferReason::WrongLanguage),
    );
    wrong.require("missing_skill", lacks_skill, "goes with WRONG_SKILL only");
    wrong.require(
        "missing_language",
        lacks_language,
        "goes with WRONG_LANGUAGE only",
    );
    Missing {
        skill: (!skill.is_empty()).then(|| parse::skill(wrong, "missing_skill", skill)),
        language: (!language.is_empty())
            .then(|| parse::language(wrong, "missing_language", language))
            .flatten(),
    }
}

/// A summary as it is answered.
pub(super) fn shown_summary(summary: Summary) -> proto::HandOverSummary {
    let Summary {
        known,
        tried,
        asked,
    } = summary;
    proto::HandOverSummary {
        known,
        tried,
        asked,
    }
}

fn hand_over(decision: Decision) -> proto::HandOver {
    let Decision { at, record, .. } = decision;
    let ByHand {
        principal: _,
        note,
        transfer_reason,
        over_capacity: _,
        summary,
        missing,
        guard,
        wanted: _,
        undone: _,
    } = record.by_hand.unwrap_or_default();
    proto::HandOver {
        decision_id: record.id.to_string(),
        handed_over_at: Some(to_proto(at)),
        escalation: record.kind == DecisionKind::Escalation,
        from_group_id: show::id(record.from_group.as_ref()),
        from_agent_id: show::id(record.from_agent.as_ref()),
        to_group_id: show::id(record.group.as_ref()),
        to_agent_id: show::id(record.agent.as_ref()),
        reason: transfer_reason.map_or(0, |reason| shown(reason).into()),
        note,
        summary: summary.map(shown_summary),
        missing_skill: missing.skill.unwrap_or_default(),
        missing_language: show::id(missing.language.as_ref()),
        guard: show::id(guard.as_ref()),
    }
}
