//! What intake would say, behind a channel.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use lotse_client::Channel;
use lotse_errors::Error;
use lotse_proto::intake::v1 as proto;
use prost::Message;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::{Response, Status};

/// What it knows.
#[derive(Default)]
pub(crate) struct World {
    /// Subjects and first messages by ticket.
    pub(crate) texts: BTreeMap<String, (String, String)>,
    /// Whether it does not answer.
    pub(crate) away: bool,
}

/// A handle of the world. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Intake(Arc<Mutex<World>>);

impl Intake {
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it is called.
    pub(crate) fn channel(&self) -> Channel {
        Channel::in_process(self.clone())
    }

    /// Knows a ticket's text.
    pub(crate) fn knows(&self, ticket: &str, subject: &str, body: &str) {
        let text = (subject.to_owned(), body.to_owned());
        self.lock().texts.insert(ticket.to_owned(), text);
    }
}

impl World {
    fn text(&self, ticket: &str) -> Result<&(String, String), Status> {
        let text = self.texts.get(ticket);
        Ok(text.ok_or_else(|| Error::not_found("ticket", ticket))?)
    }

    fn ticket(&self, request: proto::GetTicketRequest) -> Result<proto::GetTicketResponse, Status> {
        let Some(proto::get_ticket_request::By::TicketId(id)) = request.by else {
            panic!("by id: {request:?}");
        };
        let (subject, _) = self.text(&id)?;
        let ticket = proto::Ticket {
            subject: subject.clone(),
            id,
            ..Default::default()
        };
        Ok(proto::GetTicketResponse {
            ticket: Some(ticket),
        })
    }

    fn messages(
        &self,
        request: proto::ListMessagesRequest,
    ) -> Result<proto::ListMessagesResponse, Status> {
        assert_eq!(request.page_size, 1, "the first is enough");
        let (_, body) = self.text(&request.ticket_id)?;
        let message = proto::Message {
            body: body.clone(),
            ..Default::default()
        };
        Ok(proto::ListMessagesResponse {
            messages: vec![message],
            ..Default::default()
        })
    }
}

impl Service<http::Request<Body>> for Intake {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let intake = self.clone();
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            Ok(match path.as_str() {
                "/lotse.intake.v1.TicketService/GetTicket" => {
                    unary(intake, request, World::ticket).await
                }
                "/lotse.intake.v1.TicketService/ListMessages" => {
                    unary(intake, request, World::messages).await
                }
                path => panic!("nobody calls {path}"),
            })
        })
    }
}

async fn unary<Q, A>(
    intake: Intake,
    request: http::Request<Body>,
    answer: fn(&World, Q) -> Result<A, Status>,
) -> http::Response<Body>
where
    Q: Message + Default + 'static,
    A: Message + Default + 'static,
{
    let service = tower::service_fn(move |request: tonic::Request<Q>| {
        let world = intake.lock();
        let answered = if world.away {
            Err(Error::unavailable(Duration::from_secs(1), "away").into())
        } else {
            answer(&world, request.into_inner()).map(Response::new)
        };
        std::future::ready(answered)
    });
    let codec = tonic_prost::ProstCodec::<A, Q>::default();
    tonic::server::Grpc::new(codec)
        .unary(service, request)
        .await
}
