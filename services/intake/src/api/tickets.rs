//! TicketService.

use std::sync::Arc;

use lotse_auth::Caller;
use lotse_errors::{Error, Text, Violations};
use lotse_grpc::caller;
use lotse_ids::TicketId;
use lotse_journal::Call;
use lotse_proto::intake::v1 as proto;
use lotse_proto::intake::v1::get_ticket_request::By as ProtoBy;
use lotse_proto::intake::v1::ticket_service_server::TicketService;
use tonic::{Request, Response, Status};
use tracing::Span;

use super::{batch, checked};
use crate::app::{By, Creation, Intake, Item, Page, origin};
use crate::domain::filter::Filter;
use crate::domain::lifecycle::Command;
use crate::domain::order::Order;
use crate::wire::time::PAST_SCOPE;
use crate::wire::verb::{self, Verb, VerbRequest};
use crate::wire::{answer, create as wire_create, merge as wire_merge, message, update};

/// TicketService over the use cases.
pub(crate) struct TicketApi(pub(crate) Arc<Intake>);

/// Takes one ticket in.
pub(super) async fn create(
    intake: &Intake,
    caller: &Caller,
    request: proto::CreateTicketRequest,
) -> Result<proto::CreateTicketResponse, Error> {
    let now = intake.clock.now();
    let new = checked(|wrong| wire_create::read(wrong, &request, now))?;
    new.when.allowed(caller)?;
    let origin = origin(caller, &request.request_id);
    let call = Call::new(&origin, "CreateTicket", &request);
    let item = Item {
        new,
        origin,
        span: Span::current(),
    };
    Ok(intake.create(Creation { item, call }).await?)
}

impl TicketApi {
    async fn verb<R: VerbRequest>(
        &self,
        request: Request<R>,
        command: impl for<'a> FnOnce(&'a Verb, &Caller) -> Command<'a>,
    ) -> Result<Option<proto::Ticket>, Error> {
        let caller = caller(&request);
        let request = request.into_inner();
        let verb = checked(|wrong| verb::read(wrong, &request, self.0.clock.now()))?;
        verb.when.allowed(&caller)?;
        let origin = origin(&caller, &verb.request_id);
        let command = command(&verb, &caller);
        Ok(Some(
            self.0.change(&origin, &request, &verb, command).await?,
        ))
    }
}

#[async_trait::async_trait]
impl TicketService for TicketApi {
    async fn create_ticket(
        &self,
        request: Request<proto::CreateTicketRequest>,
    ) -> Result<Response<proto::CreateTicketResponse>, Status> {
        let caller = caller(&request);
        Ok(Response::new(
            create(&self.0, &caller, request.into_inner()).await?,
        ))
    }

    async fn batch_create_tickets(
        &self,
        request: Request<proto::BatchCreateTicketsRequest>,
    ) -> Result<Response<proto::BatchCreateTicketsResponse>, Status> {
        let caller = caller(&request);
        Ok(Response::new(
            batch::create_all(&self.0, &caller, request.into_inner()).await?,
        ))
    }

    async fn get_ticket(
        &self,
        request: Request<proto::GetTicketRequest>,
    ) -> Result<Response<proto::GetTicketResponse>, Status> {
        let proto::GetTicketRequest { by } = request.into_inner();
        let by = checked(|wrong| match wrong.present("by", by)? {
            ProtoBy::TicketId(id) => wrong.parse("ticket_id", &id).map(By::Id),
            ProtoBy::ExternalId(id) => Some(By::ExternalId(wrong.text(
                "external_id",
                &id,
                Text::line(1..=128),
            ))),
        })?;
        let ticket = Some(answer::ticket(&self.0.ticket(&by).await?));
        Ok(Response::new(proto::GetTicketResponse { ticket }))
    }

    async fn list_tickets(
        &self,
        request: Request<proto::ListTicketsRequest>,
    ) -> Result<Response<proto::ListTicketsResponse>, Status> {
        let proto::ListTicketsRequest {
            page_size,
            page_token,
            filter,
            order_by,
        } = request.into_inner();
        let (wanted, order) = checked(|wrong| {
            let wanted = wrong.take("filter", Filter::parse(&filter));
            let order = wrong.take("order_by", Order::parse(&order_by));
            Some((wanted?, order?))
        })?;
        let page = self
            .0
            .tickets(
                (&wanted, &filter),
                (order, &order_by),
                page_size,
                &page_token,
            )
            .await?;
        let Page { rows, next } = page;
        let tickets = rows.iter().map(answer::ticket).collect();
        Ok(Response::new(proto::ListTicketsResponse {
            tickets,
            next_page_token: next,
        }))
    }

    async fn update_ticket(
        &self,
        request: Request<proto::UpdateTicketRequest>,
    ) -> Result<Response<proto::UpdateTicketResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let update = checked(|wrong| update::read(wrong, &request, self.0.clock.now()))?;
        update.when.allowed(&caller)?;
        let origin = origin(&caller, &update.request_id);
        let ticket = Some(self.0.update(&origin, &request, &update).await?);
        Ok(Response::new(proto::UpdateTicketResponse { ticket }))
    }

    async fn add_message(
        &self,
        request: Request<proto::AddMessageRequest>,
    ) -> Result<Response<proto::AddMessageResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let new = checked(|wrong| {
            message::read(
                wrong,
                &request,
                caller.agent_id.as_ref(),
                self.0.clock.now(),
            )
        })?;
        new.when.allowed(&caller)?;
        let origin = origin(&caller, &request.request_id);
        Ok(Response::new(
            self.0.add_message(&origin, &request, &new).await?,
        ))
    }

    async fn list_messages(
        &self,
        request: Request<proto::ListMessagesRequest>,
    ) -> Result<Response<proto::ListMessagesResponse>, Status> {
        let proto::ListMessagesRequest {
            ticket_id,
            page_size,
            page_token,
        } = request.into_inner();
        let id = checked(|wrong| ticket(wrong, &ticket_id))?;
        let Page { rows, next } = self.0.messages(&id, page_size, &page_token).await?;
        let messages = rows.into_iter().map(answer::message).collect();
        Ok(Response::new(proto::ListMessagesResponse {
            messages,
            next_page_token: next,
        }))
    }

    async fn wait_for_requester(
        &self,
        request: Request<proto::WaitForRequesterRequest>,
    ) -> Result<Response<proto::WaitForRequesterResponse>, Status> {
        let ticket = self.verb(request, |_, _| Command::Wait).await?;
        Ok(Response::new(proto::WaitForRequesterResponse { ticket }))
    }

    async fn hold_ticket(
        &self,
        request: Request<proto::HoldTicketRequest>,
    ) -> Result<Response<proto::HoldTicketResponse>, Status> {
        let ticket = self
            .verb(request, |verb, _| Command::Hold(&verb.reason))
            .await?;
        Ok(Response::new(proto::HoldTicketResponse { ticket }))
    }

    async fn resume_ticket(
        &self,
        request: Request<proto::ResumeTicketRequest>,
    ) -> Result<Response<proto::ResumeTicketResponse>, Status> {
        let ticket = self.verb(request, |_, _| Command::Resume).await?;
        Ok(Response::new(proto::ResumeTicketResponse { ticket }))
    }

    async fn solve_ticket(
        &self,
        request: Request<proto::SolveTicketRequest>,
    ) -> Result<Response<proto::SolveTicketResponse>, Status> {
        let ticket = self.verb(request, |_, _| Command::Solve).await?;
        Ok(Response::new(proto::SolveTicketResponse { ticket }))
    }

    async fn reopen_ticket(
        &self,
        request: Request<proto::ReopenTicketRequest>,
    ) -> Result<Response<proto::ReopenTicketResponse>, Status> {
        let ticket = self
            .verb(request, |_, caller| Command::Reopen {
                closed_too: caller.has(PAST_SCOPE),
            })
            .await?;
        Ok(Response::new(proto::ReopenTicketResponse { ticket }))
    }

    async fn close_ticket(
        &self,
        request: Request<proto::CloseTicketRequest>,
    ) -> Result<Response<proto::CloseTicketResponse>, Status> {
        let ticket = self.verb(request, |_, _| Command::Close).await?;
        Ok(Response::new(proto::CloseTicketResponse { ticket }))
    }

    async fn merge_tickets(
        &self,
        request: Request<proto::MergeTicketsRequest>,
    ) -> Result<Response<proto::MergeTicketsResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let merge = checked(|wrong| wire_merge::read(wrong, &request, self.0.clock.now()))?;
        let origin = origin(&caller, &merge.request_id);
        Ok(Response::new(
            self.0.merge(&origin, &request, &merge).await?,
        ))
    }

    async fn get_timeline(
        &self,
        request: Request<proto::GetTimelineRequest>,
    ) -> Result<Response<proto::GetTimelineResponse>, Status> {
        let proto::GetTimelineRequest {
            ticket_id,
            page_size,
            page_token,
        } = request.into_inner();
        let id = checked(|wrong| ticket(wrong, &ticket_id))?;
        let Page { rows, next } = self.0.timeline(&id, page_size, &page_token).await?;
        let entries = rows
            .into_iter()
            .map(|(event, message)| proto::TimelineEntry {
                event: Some(event.into()),
                message: message.map(answer::message),
            })
            .collect();
        Ok(Response::new(proto::GetTimelineResponse {
            entries,
            next_page_token: next,
        }))
    }
}

fn ticket(wrong: &mut Violations, id: &str) -> Option<TicketId> {
    wrong.parse("ticket_id", id)
}
