//! `lotse.routing.v1.RoutingService`.

use lotse_auth::Caller;
use lotse_errors::{Text, Violations};
use lotse_grpc::{caller, page};
use lotse_ids::TicketId;
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::routing_service_server::RoutingService;
use prost::Message;
use tonic::{Request, Response, Status};

use super::board::queue_state;
use super::decisions::decision;
use super::watch::Changes;
use super::{Api, finish, origin, parse, show};
use crate::app::hand_over::{HandOver, HandedOver, TICKET, What};
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
        let groups = parse::groups(&mut wrong, &group_ids);
        wrong.require("max_waiting", max_waiting >= 0, "must not be negative");
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

    async fn suggest_rebalance(
        &self,
        request: Request<proto::SuggestRebalanceRequest>,
    ) -> Result<Response<proto::SuggestRebalanceResponse>, Status> {
        self.suggest(request.into_inner()).await
    }

    async fn apply_rebalance(
        &self,
        request: Request<proto::ApplyRebalanceRequest>,
    ) -> Result<Response<proto::ApplyRebalanceResponse>, Status> {
        let caller = caller(&request);
        self.apply(&caller, request.into_inner()).await
    }

    type WatchAssignmentsStream = Changes;

    async fn watch_assignments(
        &self,
        request: Request<proto::WatchAssignmentsRequest>,
    ) -> Result<Response<Changes>, Status> {
        self.watch(request.into_inner()).await
    }
}
