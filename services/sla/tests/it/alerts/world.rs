//! What routing and intake would answer, behind a channel.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use lotse_client::Channel;
use lotse_errors::Error;
use lotse_proto::intake::v1 as intake;
use lotse_proto::routing::v1 as routing;
use lotse_proto::routing::v1::who_is_on_duty_request::Duty;
use prost::Message;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::{Response, Status};

/// What they know, and what they were told to do.
#[derive(Default)]
pub(crate) struct World {
    /// Agents on duty, by rota or group.
    pub(crate) duty: BTreeMap<String, Vec<String>>,
    /// Leads of groups.
    pub(crate) leads: BTreeMap<String, String>,
    /// Whether nobody answers.
    pub(crate) away: bool,
    /// How often anything was asked.
    pub(crate) asked: usize,
    /// The priority of every ticket.
    pub(crate) priority: i32,
    /// Why commands are refused.
    pub(crate) refuses: Option<fn() -> Error>,
    /// Whether commands are done, but their answers lost.
    pub(crate) loses_answers: bool,
    /// Commands that were done: request id, what, where to. One that came twice stands here once.
    pub(crate) done: Vec<[String; 3]>,
}

/// A handle of the world. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    /// The world, to be read or changed.
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it is called.
    pub(crate) fn channel(&self) -> Channel {
        Channel::in_process(self.clone())
    }
}

fn unavailable() -> Status {
    Error::unavailable(Duration::from_secs(1), "away").into()
}

impl World {
    fn on_duty(
        &mut self,
        request: routing::WhoIsOnDutyRequest,
    ) -> Result<routing::WhoIsOnDutyResponse, Status> {
        let (Duty::RotaId(place) | Duty::GroupId(place)) = request.duty.unwrap();
        let agents = self.duty.get(&place).cloned();
        let agents = agents.ok_or_else(|| Error::not_found("rota", place))?;
        let on_duty = |agent_id| routing::OnDuty {
            agent_id,
            ..Default::default()
        };
        Ok(routing::WhoIsOnDutyResponse {
            on_duty: agents.into_iter().map(on_duty).collect(),
            ..Default::default()
        })
    }

    fn group(
        &mut self,
        request: routing::GetGroupRequest,
    ) -> Result<routing::GetGroupResponse, Status> {
        let lead_agent_id = self.leads.get(&request.id).cloned().unwrap_or_default();
        let group = routing::Group {
            id: request.id,
            lead_agent_id,
            ..Default::default()
        };
        Ok(routing::GetGroupResponse { group: Some(group) })
    }

    fn ticket(
        &mut self,
        request: intake::GetTicketRequest,
    ) -> Result<intake::GetTicketResponse, Status> {
        let Some(intake::get_ticket_request::By::TicketId(id)) = request.by else {
            panic!("by id: {request:?}");
        };
        let ticket = intake::Ticket {
            id,
            priority: self.priority,
            etag: format!("\"{}\"", self.priority),
            ..Default::default()
        };
        Ok(intake::GetTicketResponse {
            ticket: Some(ticket),
        })
    }

    fn update(
        &mut self,
        request: intake::UpdateTicketRequest,
    ) -> Result<intake::UpdateTicketResponse, Status> {
        let ticket = request.ticket.unwrap();
        assert_eq!(request.update_mask.unwrap().paths, ["priority"]);
        assert_eq!(
            ticket.etag,
            format!("\"{}\"", self.priority),
            "as it was read"
        );
        let what = ticket.priority().as_str_name();
        self.command(request.request_id, what, "")?;
        self.priority = ticket.priority;
        Ok(intake::UpdateTicketResponse {
            ticket: Some(ticket),
        })
    }

    fn transfer(
        &mut self,
        request: routing::TransferTicketRequest,
    ) -> Result<routing::TransferTicketResponse, Status> {
        assert_eq!(request.agent_id, "");
        self.command(request.request_id, "requeue", &request.group_id)?;
        Ok(routing::TransferTicketResponse::default())
    }

    fn escalate(
        &mut self,
        request: routing::EscalateTicketRequest,
    ) -> Result<routing::EscalateTicketResponse, Status> {
        assert_ne!(request.summary, "");
        self.command(request.request_id, "escalate", &request.group_id)?;
        Ok(routing::EscalateTicketResponse::default())
    }

    fn command(&mut self, request_id: String, what: &str, to: &str) -> Result<(), Status> {
        if let Some(refusal) = self.refuses {
            return Err(refusal().into());
        }
        let command = [request_id, what.to_owned(), to.to_owned()];
        if !self.done.contains(&command) {
            self.done.push(command);
        }
        if self.loses_answers {
            return Err(unavailable());
        }
        Ok(())
    }
}

impl Service<http::Request<Body>> for Shared {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let world = self.clone();
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            Ok(match path.as_str() {
                "/lotse.routing.v1.DutyService/WhoIsOnDuty" => {
                    unary(world, request, World::on_duty).await
                }
                "/lotse.routing.v1.WorkflowService/GetGroup" => {
                    unary(world, request, World::group).await
                }
                "/lotse.routing.v1.RoutingService/TransferTicket" => {
                    unary(world, request, World::transfer).await
                }
                "/lotse.routing.v1.RoutingService/EscalateTicket" => {
                    unary(world, request, World::escalate).await
                }
                "/lotse.intake.v1.TicketService/GetTicket" => {
                    unary(world, request, World::ticket).await
                }
                "/lotse.intake.v1.TicketService/UpdateTicket" => {
                    unary(world, request, World::update).await
                }
                path => panic!("nobody calls {path}"),
            })
        })
    }
}

async fn unary<Q, A>(
    world: Shared,
    request: http::Request<Body>,
    answer: fn(&mut World, Q) -> Result<A, Status>,
) -> http::Response<Body>
where
    Q: Message + Default + 'static,
    A: Message + Default + 'static,
{
    let service = tower::service_fn(move |request: tonic::Request<Q>| {
        let mut world = world.lock();
        world.asked += 1;
        let answered = if world.away {
            Err(unavailable())
        } else {
            answer(&mut world, request.into_inner()).map(Response::new)
        };
        std::future::ready(answered)
    });
    let codec = tonic_prost::ProstCodec::<A, Q>::default();
    tonic::server::Grpc::new(codec)
        .unary(service, request)
        .await
}
