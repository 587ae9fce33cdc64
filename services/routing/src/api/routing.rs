//! `lotse.routing.v1.RoutingService`.

use lotse_auth::Caller;
use lotse_errors::{Text, Violations};
use lotse_grpc::{caller, etag, page};
use lotse_ids::{GroupId, TicketId};
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::routing_service_server::RoutingService;
use lotse_proto::time::to_proto;
use prost::Message;
use tonic::{Request, Response, Status};

use super::{Api, finish, origin, parse, show};
use crate::app::board::Board;
use crate::app::hand_over::{HandOver, HandedOver, TICKET, What, shown};
use crate::config::Mode;
use crate::domain::choice::{Candidate, Look, Needs};
use crate::domain::decision::Decision;
use crate::domain::directory::Directory;
use crate::domain::item::Item;
use crate::domain::words;
use crate::error::Error;

const DEFAULT_WAITING: u32 = 200;
const MAX_WAITING: u32 = 2_000;
/// Notes and summaries, in bytes.
const NOTE: usize = 2_000;

/// What assigning, transferring and escalating have in common.
struct Given<'a> {
    ticket_id: &'a str,
    group_id: &'a str,
    agent_id: &'a str,
    note: (&'a str, &'a str, Text),
    etag: &'a str,
    occurred_at: Option<&'a prost_types::Timestamp>,
    request_id: &'a str,
}

impl Api {
    fn wish(
        &self,
        caller: &Caller,
        mut wrong: Violations,
        what: What,
        given: &Given<'_>,
    ) -> Result<HandOver, Error> {
        let now = self.app.clock.now();
        let ticket: Option<TicketId> = wrong.parse("ticket_id", given.ticket_id);
        let (field, note, limits) = &given.note;
        let note = wrong.text(field, note, limits.clone());
        let at = parse::occurred_at(&mut wrong, given.occurred_at, now);
        let group = wrong.parse_optional("group_id", given.group_id);
        let agent = wrong.parse_optional("agent_id", given.agent_id);
        let wish = ticket.map(|ticket| HandOver {
            ticket,
            what,
            group,
            agent,
            note,
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

#[tonic::async_trait]
impl RoutingService for Api {
    async fn get_queue_state(
        &self,
        request: Request<proto::GetQueueStateRequest>,
    ) -> Result<Response<proto::GetQueueStateResponse>, Status> {
        let proto::GetQueueStateRequest {
            group_ids,
            max_waiting,
        } = request.into_inner();
        let mut wrong = Violations::new();
        parse::at_most(&mut wrong, "group_ids", group_ids.len(), 1_000);
        wrong.require("max_waiting", max_waiting >= 0, "must not be negative");
        let groups = group_ids.iter().enumerate();
        let groups: Vec<GroupId> = groups
            .filter_map(|(at, group)| wrong.parse(&format!("group_ids[{at}]"), group))
            .collect();
        wrong.finish().map_err(Error::from)?;
        let limit = page::size(max_waiting, DEFAULT_WAITING, MAX_WAITING).map_err(Error::from)?;
        let board = self.app.board(&groups, limit).await?;
        Ok(Response::new(queue_state(&board, &groups, self.app.mode())))
    }

    async fn assign_ticket(
        &self,
        request: Request<proto::AssignTicketRequest>,
    ) -> Result<Response<proto::AssignTicketResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let proto::AssignTicketRequest {
            ticket_id,
            group_id,
            agent_id,
            note,
            etag,
            occurred_at,
            request_id,
        } = &request;
        let given = Given {
            ticket_id,
            group_id,
            agent_id,
            note: ("note", note, Text::body(0..=NOTE)),
            etag,
            occurred_at: occurred_at.as_ref(),
            request_id,
        };
        let wish = &self.wish(&caller, Violations::new(), What::Assign, &given)?;
        self.hand_over(
            &caller,
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

    async fn transfer_ticket(
        &self,
        request: Request<proto::TransferTicketRequest>,
    ) -> Result<Response<proto::TransferTicketResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let proto::TransferTicketRequest {
            ticket_id,
            group_id,
            agent_id,
            reason,
            note,
            etag,
            occurred_at,
            request_id,
        } = &request;
        let mut wrong = Violations::new();
        let reason = parse::transfer_reason(&mut wrong, "reason", *reason);
        let given = Given {
            ticket_id,
            group_id,
            agent_id,
            note: ("note", note, Text::body(0..=NOTE)),
            etag,
            occurred_at: occurred_at.as_ref(),
            request_id,
        };
        let wish = &self.wish(&caller, wrong, What::Transfer(reason), &given)?;
        self.hand_over(
            &caller,
            "TransferTicket",
            request_id,
            &request,
            wish,
            |handed| proto::TransferTicketResponse {
                route: Some(show::route(&handed.item, handed.tier)),
                over_capacity: handed.over_capacity,
                hop: handed.item.transfers,
                misroute: reason.is_misroute(),
            },
        )
        .await
    }

    async fn escalate_ticket(
        &self,
        request: Request<proto::EscalateTicketRequest>,
    ) -> Result<Response<proto::EscalateTicketResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let proto::EscalateTicketRequest {
            ticket_id,
            summary,
            group_id,
            agent_id,
            etag,
            occurred_at,
            request_id,
        } = &request;
        let given = Given {
            ticket_id,
            group_id,
            agent_id,
            note: ("summary", summary, Text::body(1..=NOTE)),
            etag,
            occurred_at: occurred_at.as_ref(),
            request_id,
        };
        let wish = &self.wish(&caller, Violations::new(), What::Escalate, &given)?;
        self.hand_over(
            &caller,
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

    async fn explain_routing(
        &self,
        request: Request<proto::ExplainRoutingRequest>,
    ) -> Result<Response<proto::ExplainRoutingResponse>, Status> {
        let proto::ExplainRoutingRequest { ticket_id } = request.into_inner();
        let mut wrong = Violations::new();
        let ticket: Option<TicketId> = wrong.parse("ticket_id", &ticket_id);
        let ticket = wrong.finish_with(ticket).map_err(Error::from)?;
        let told = self.app.explain(&ticket).await?;
        let directory = &told.directory;
        let group = told.item.group.as_ref();
        let group = group.and_then(|group| directory.groups.get(group));
        let tier = group.map_or(0, |group| group.profile.tier);
        let mut current = told.current.as_ref().map(|look| decision(look, directory));
        if let Some(current) = &mut current {
            // It was not recorded, so there is nothing to refer to.
            current.id.clear();
        }
        let decisions = told.decisions.iter();
        Ok(Response::new(proto::ExplainRoutingResponse {
            route: Some(show::route(&told.item, tier)),
            decisions: decisions.map(|one| decision(one, directory)).collect(),
            current,
        }))
    }
}

fn queue_state(board: &Board, groups: &[GroupId], mode: Mode) -> proto::GetQueueStateResponse {
    let directory = &board.directory;
    let mut states: Vec<proto::GroupState> = board
        .groups
        .iter()
        .map(|(id, load)| {
            let group = id.as_ref().and_then(|id| directory.groups.get(id));
            proto::GroupState {
                group_id: show::id(id.as_ref()),
                name: group
                    .map(|group| group.profile.name.clone())
                    .unwrap_or_default(),
                tier: group.map_or(0, |group| group.profile.tier.into()),
                waiting: load.waiting,
                assigned: load.assigned,
                oldest_queued_at: show::time(load.oldest),
                agents_online: load.agents_online,
                agents_free: load.agents_free,
            }
        })
        .collect();
    states.sort_by(|a, b| a.name.cmp(&b.name));
    let shown = |groups_of: &std::collections::BTreeSet<GroupId>| {
        groups.is_empty() || groups.iter().any(|group| groups_of.contains(group))
    };
    let agents = directory.agents_by_name().into_iter().filter_map(|agent| {
        let (profile, seat) = (&agent.profile, board.seats.get(&agent.id)?);
        (!profile.retired && shown(&profile.groups)).then(|| proto::AgentLoad {
            agent_id: agent.id.to_string(),
            name: profile.name.clone(),
            group_ids: profile.groups.iter().map(ToString::to_string).collect(),
            presence: show::presence(seat.presence),
            capacity: profile.capacity,
            load: seat.load.as_tickets(),
            assigned: board.assigned.get(&agent.id).copied().unwrap_or_default(),
            last_assigned_at: show::time(seat.last_assigned_at),
        })
    });
    let mode = match mode {
        Mode::Automatic => proto::RoutingMode::Automatic,
        Mode::Recorded => proto::RoutingMode::Recorded,
    };
    proto::GetQueueStateResponse {
        as_of: Some(to_proto(board.as_of)),
        mode: mode.into(),
        agents: agents.collect(),
        waiting: board.waiting.iter().map(waiting).collect(),
        groups: states,
    }
}

fn waiting(item: &Item) -> proto::WaitingTicket {
    proto::WaitingTicket {
        ticket_id: item.ticket.to_string(),
        group_id: show::id(item.group.as_ref()),
        priority: show::priority(item.priority),
        channel: show::channel(item.channel),
        language: show::id(item.facts.language.as_ref()),
        queued_at: Some(to_proto(item.queued_at)),
        due_at: show::time(item.due_at()),
        reason: show::id(item.reason.as_ref()),
        etag: etag::of(item.version),
    }
}

fn decision(decision: &Decision, directory: &Directory) -> proto::Decision {
    let record = &decision.record;
    let look = record.look.as_ref();
    let step = record.step.as_ref();
    let by_hand = record.by_hand.as_ref();
    let transfer_reason = by_hand.and_then(|by_hand| by_hand.transfer_reason);
    proto::Decision {
        id: record.id.to_string(),
        decided_at: Some(to_proto(decision.at)),
        kind: show::kind(record.kind),
        words: words::tell(record, directory),
        reason: record.reason.to_string(),
        group_id: show::id(record.group.as_ref()),
        agent_id: show::id(record.agent.as_ref()),
        from_group_id: show::id(record.from_group.as_ref()),
        from_agent_id: show::id(record.from_agent.as_ref()),
        workflow_version: step.map_or(0, |step| step.version),
        workflow_rule: step.map(|step| step.rule.clone()).unwrap_or_default(),
        needs: look.map(|look| needs(&look.needs)),
        candidates: look.map(candidates).unwrap_or_default(),
        eligible: look.map_or(0, |look| look.eligible),
        rejections: look.map(rejections).unwrap_or_default(),
        transfer_reason: transfer_reason.map_or(0, |reason| shown(reason).into()),
        note: by_hand
            .map(|by_hand| by_hand.note.clone())
            .unwrap_or_default(),
        principal: by_hand
            .map(|by_hand| by_hand.principal.clone())
            .unwrap_or_default(),
        over_capacity: by_hand.is_some_and(|by_hand| by_hand.over_capacity),
    }
}

fn needs(needs: &Needs) -> proto::Needs {
    let Needs {
        group,
        skills,
        language,
        weight,
        excluded,
        preferred,
    } = needs;
    proto::Needs {
        group_id: group.to_string(),
        skills: skills
            .iter()
            .map(|(skill, level)| proto::SkillNeed {
                skill: skill.clone(),
                min_level: (*level).into(),
            })
            .collect(),
        language: show::id(language.as_ref()),
        weight: weight.as_tickets(),
        excluded_agent_ids: excluded.iter().map(ToString::to_string).collect(),
        preferred_agent_id: show::id(preferred.as_ref()),
    }
}

fn candidates(look: &Look) -> Vec<proto::Candidate> {
    let candidate = |one: &Candidate| proto::Candidate {
        agent_id: one.agent.to_string(),
        fit: one.fit,
        spare_share: one.spare_share(),
        last_assigned_at: show::time(
            one.last_assigned_at
                .map(lotse_clock::Timestamp::from_millis),
        ),
    };
    look.candidates.iter().map(candidate).collect()
}

fn rejections(look: &Look) -> Vec<proto::Rejection> {
    look.rejections
        .iter()
        .map(|(misfit, agents)| proto::Rejection {
            reason: misfit.as_str().to_owned(),
            detail: misfit.to_string(),
            agents: *agents,
        })
        .collect()
}
