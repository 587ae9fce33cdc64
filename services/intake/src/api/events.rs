//! EventService.

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use lotse_errors::Violations;
use lotse_ids::TicketId;
use lotse_journal::{Course, Positions, Recorded, Told};
use lotse_proto::intake::v1::event_service_server::EventService;
use lotse_proto::intake::v1::{StreamEventsRequest, StreamEventsResponse};
use tonic::{Request, Response, Status};

use super::checked;
use crate::app::{Intake, KINDS, Wanted};

/// Most kinds and tickets that a stream can be limited to.
const MOST_KINDS: usize = 64;
const MOST_TICKETS: usize = 256;

/// EventService over the use cases.
pub(crate) struct EventApi(pub(crate) Arc<Intake>);

#[async_trait::async_trait]
impl EventService for EventApi {
    type StreamEventsStream =
        Pin<Box<dyn Stream<Item = Result<StreamEventsResponse, Status>> + Send>>;

    async fn stream_events(
        &self,
        request: Request<StreamEventsRequest>,
    ) -> Result<Response<Self::StreamEventsStream>, Status> {
        let (wanted, course) = checked(|wrong| Some(read(wrong, request.get_ref())))?;
        let told = self.0.stream(wanted, course).await?;
        let items = told.map(|told| told.map(item).map_err(Status::from));
        Ok(Response::new(Box::pin(items)))
    }
}

fn read(wrong: &mut Violations, request: &StreamEventsRequest) -> (Wanted, Course) {
    let StreamEventsRequest {
        resume_token,
        kinds,
        ticket_ids,
        from_now,
        end_when_caught_up,
    } = request;
    let from = match resume_token.as_str() {
        "" => None,
        token => wrong.take("resume_token", Positions::from_token(token)),
    };
    wrong.require(
        "from_now",
        !*from_now || resume_token.is_empty(),
        "goes without a resume token only",
    );
    wrong.require("kinds", kinds.len() <= MOST_KINDS, "must be at most 64");
    wrong.require(
        "ticket_ids",
        ticket_ids.len() <= MOST_TICKETS,
        "must be at most 256",
    );
    let mut wanted = Wanted::default();
    for (index, kind) in kinds.iter().take(MOST_KINDS).enumerate() {
        match KINDS.iter().find(|known| *known == kind) {
            Some(known) => {
                wanted.kinds.insert(known);
            }
            None => wrong.add(
                format!("kinds[{index}]"),
                format!("must be one of {}", KINDS.join(", ")),
            ),
        }
    }
    for (index, id) in ticket_ids.iter().take(MOST_TICKETS).enumerate() {
        let id: Option<TicketId> = wrong.parse(&format!("ticket_ids[{index}]"), id);
        wanted.tickets.extend(id.map(String::from));
    }
    (
        wanted,
        Course {
            from,
            from_now: *from_now,
            ends: *end_when_caught_up,
        },
    )
}

fn item(told: Told<Recorded>) -> StreamEventsResponse {
    let Told {
        event,
        token,
        caught_up,
    } = told;
    StreamEventsResponse {
        event: event.map(Into::into),
        resume_token: token,
        caught_up,
    }
}
