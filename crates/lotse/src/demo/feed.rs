//! Whom routing gives each ticket, and whom alerts tell, from the journal's feed.

use lotse_client::Channel;
use lotse_proto::intake::v1::StreamEventsRequest;
use lotse_proto::intake::v1::event_service_client::EventServiceClient;
use lotse_proto::journal::v1::alert_changed::Change;
use lotse_proto::journal::v1::event::Body;
use lotse_proto::journal::v1::offer_changed;
use tonic::Status;

use super::story::{Alarm, Bid};

/// A ticket was given to an agent.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) ticket_id: String,
    pub(crate) agent_id: String,
}

/// Something that the story is told.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// Routing has decided.
    Given(Given),
    /// Somebody was told of an alert.
    Alarm(Alarm),
    /// Somebody is asked whether they take a ticket.
    Offered(Bid),
    /// Somebody left an offer unanswered.
    Unheard(String),
}

/// The feed, read as far as it was.
pub(crate) struct Feed {
    client: EventServiceClient<Channel>,
    token: String,
}

impl Feed {
    /// The feed from now on.
    pub(crate) async fn from_now(channel: &Channel) -> Result<Self, Status> {
        let client = EventServiceClient::new(channel.clone());
        let mut feed = Self {
            client,
            token: String::new(),
        };
        feed.read().await?;
        Ok(feed)
    }

    /// What is new.
    pub(crate) async fn read(&mut self) -> Result<Vec<News>, Status> {
        let request = StreamEventsRequest {
            resume_token: self.token.clone(),
            kinds: vec![
                "ticket_assigned".to_owned(),
                "ticket_transferred".to_owned(),
                "offer_changed".to_owned(),
                "alert_changed".to_owned(),
            ],
            from_now: self.token.is_empty(),
            end_when_caught_up: true,
            ..StreamEventsRequest::default()
        };
        let mut stream = self.client.stream_events(request).await?.into_inner();
        let mut news = Vec::new();
        while let Some(item) = stream.message().await? {
            self.token = item.resume_token;
            let Some(event) = item.event else {
                continue;
            };
            let ticket_id = event.ticket_id;
            let agent_id = match event.body {
                Some(Body::TicketAssigned(assigned)) => assigned.agent_id,
                Some(Body::TicketTransferred(transferred)) => transferred.to_agent_id,
                Some(Body::AlertChanged(alert)) if alert.change() == Change::Notified => {
                    news.extend(alert.agent_ids.iter().map(|agent| {
                        News::Alarm(Alarm {
                            alert_id: alert.alert_id.clone(),
                            ticket_id: ticket_id.clone(),
                            agent_id: agent.clone(),
                        })
                    }));
                    continue;
                }
                Some(Body::OfferChanged(offer)) => {
                    match offer.change() {
                        offer_changed::Change::Offered => news.push(News::Offered(Bid {
                            offer_id: offer.offer_id,
                            ticket_id,
                            attempt: offer.attempt,
                        })),
                        offer_changed::Change::TimedOut => {
                            news.push(News::Unheard(offer.agent_id));
                        }
                        _ => {}
                    }
                    continue;
                }
                _ => continue,
            };
            if !agent_id.is_empty() {
                news.push(News::Given(Given {
                    ticket_id,
                    agent_id,
                }));
            }
        }
        Ok(news)
    }
}
