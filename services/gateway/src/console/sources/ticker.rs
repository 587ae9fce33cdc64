//! The latest transfers and escalations, from intake's feed of events.

use std::collections::VecDeque;

use futures::FutureExt as _;
use lotse_client::Channel;
use lotse_clock::Timestamp;
use lotse_proto::common::v1::TransferReason;
use lotse_proto::intake::v1::event_service_client::EventServiceClient;
use lotse_proto::intake::v1::{StreamEventsRequest, StreamEventsResponse};
use lotse_proto::journal::v1::Event;
use lotse_proto::journal::v1::event::Body;
use tonic::{Code, Status, Streaming};

use super::age;
use super::names::Names;
use crate::console::snapshot::Happening;

/// How many are kept.
const KEPT: usize = 8;

/// Events taken per look, so that a flood does not hold a snapshot up.
const AT_ONCE: usize = 1_000;

/// Follows the feed while somebody watches. It begins with what happens from then on.
#[derive(Default)]
pub(crate) struct Ticker {
    stream: Option<Streaming<StreamEventsResponse>>,
    /// Where to go on when the stream breaks.
    token: String,
    latest: VecDeque<Event>,
}

impl Ticker {
    /// Takes what has arrived, without waiting for more.
    pub(crate) async fn look(&mut self, intake: &Channel) -> Result<(), Status> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => match open(intake, &self.token).await {
                Ok(stream) => none.insert(stream),
                Err(status) => {
                    if matches!(
                        status.code(),
                        Code::InvalidArgument | Code::FailedPrecondition
                    ) {
                        // A token that is refused once would be refused for ever.
                        self.token.clear();
                    }
                    return Err(status);
                }
            },
        };
        for _ in 0..AT_ONCE {
            // One poll: what is not here yet is taken at the next look.
            match stream.message().now_or_never() {
                None => return Ok(()),
                Some(Ok(Some(item))) => {
                    self.token = item.resume_token;
                    if let Some(event) = item.event {
                        self.latest.push_front(event);
                        self.latest.truncate(KEPT);
                    }
                }
                Some(Ok(None)) => {
                    self.stream = None;
                    return Ok(());
                }
                Some(Err(status)) => {
                    self.stream = None;
                    return Err(status);
                }
            }
        }
        Ok(())
    }

    /// The tickets it tells of.
    pub(crate) fn tickets(&self) -> impl Iterator<Item = &str> {
        self.latest.iter().map(|event| event.ticket_id.as_str())
    }

    /// What the console shows, newest first.
    pub(crate) fn shown(&self, names: &Names, now: Timestamp) -> Vec<Happening> {
        let events = self.latest.iter();
        events
            .filter_map(|event| shown(event, names, now))
            .collect()
    }
}

async fn open(intake: &Channel, token: &str) -> Result<Streaming<StreamEventsResponse>, Status> {
    let request = StreamEventsRequest {
        resume_token: token.to_owned(),
        kinds: vec![
            "ticket_transferred".to_owned(),
            "ticket_escalated".to_owned(),
        ],
        from_now: token.is_empty(),
        ..Default::default()
    };
    let mut client = EventServiceClient::new(intake.clone());
    Ok(client.stream_events(request).await?.into_inner())
}

fn shown(event: &Event, names: &Names, now: Timestamp) -> Option<Happening> {
    let holder = |agent: &str, group: &str| names.agent(agent).or_else(|| names.group(group));
    let (kind, reason, from, to) = match event.body.as_ref()? {
        Body::TicketTransferred(it) => (
            "transfer",
            Some(reason_name(it.reason())),
            holder(&it.from_agent_id, &it.from_group_id),
            holder(&it.to_agent_id, &it.to_group_id),
        ),
        Body::TicketEscalated(it) => (
            "escalation",
            None,
            holder(&it.from_agent_id, &it.from_group_id),
            names.group(&it.to_group_id),
        ),
        _ => return None,
    };
    Some(Happening {
        kind,
        number: names.number(&event.ticket_id),
        reason,
        from,
        to,
        age: age(now, event.occurred_at.as_ref()),
    })
}

fn reason_name(reason: TransferReason) -> &'static str {
    match reason {
        TransferReason::WrongSkill => "wrong skill",
        TransferReason::WrongLanguage => "wrong language",
        TransferReason::WrongTier => "wrong level",
        TransferReason::Capacity => "too much to do",
        TransferReason::ShiftEnd => "end of shift",
        TransferReason::RequesterAsked => "requester asked",
        TransferReason::Unexplained | TransferReason::Unspecified => "unexplained",
    }
}
