//! What tickets say, asked of intake. Never inside a transaction, never kept.

use std::time::Duration;

use futures::future::join_all;
use lotse_client::{Channel, deadline};
use lotse_ids::TicketId;
use lotse_proto::intake::v1::get_ticket_request::By;
use lotse_proto::intake::v1::ticket_service_client::TicketServiceClient;
use lotse_proto::intake::v1::{GetTicketRequest, ListMessagesRequest};
use tonic::{Code, Status};

/// How long intake may take for one batch. A ticket that waits for advice waits no longer than this.
const PATIENCE: Duration = Duration::from_secs(1);

/// Bytes of a first message that are read: a long one repeats itself, or quotes.
const LONGEST: usize = 4_000;

/// Where texts come from.
pub(super) struct Texts(TicketServiceClient<Channel>);

/// What came of asking for a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// This is it: subject and first message.
    Read(String),
    /// Intake has no such ticket, or none any more.
    Gone,
    /// Intake did not answer.
    Away,
}

impl Texts {
    pub(super) fn new(intake: &Channel) -> Self {
        Self(TicketServiceClient::new(intake.clone()))
    }

    /// The texts of some tickets, in their order.
    pub(super) async fn read(&self, tickets: &[&TicketId]) -> Vec<Text> {
        let asked = tickets.iter().map(|ticket| self.one(ticket));
        deadline::within(PATIENCE, join_all(asked)).await
    }

    async fn one(&self, ticket: &TicketId) -> Text {
        match self.ask(ticket).await {
            Ok(text) => Text::Read(text),
            Err(status) if status.code() == Code::NotFound => Text::Gone,
            Err(status) => {
                tracing::debug!(code = ?status.code(), "intake did not tell a ticket's text");
                Text::Away
            }
        }
    }

    async fn ask(&self, ticket: &TicketId) -> Result<String, Status> {
        let request = GetTicketRequest {
            by: Some(By::TicketId(ticket.to_string())),
        };
        let found = self.0.clone().get_ticket(request).await?.into_inner();
        let request = ListMessagesRequest {
            ticket_id: ticket.to_string(),
            page_size: 1,
            page_token: String::new(),
        };
        let listed = self.0.clone().list_messages(request).await?.into_inner();
        let mut text = found.ticket.unwrap_or_default().subject;
        if let Some(first) = listed.messages.first() {
            text.push('\n');
            text.push_str(begin(&first.body));
        }
        Ok(text)
    }
}

/// The beginning of a text, whole characters only.
fn begin(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = "ä".repeat(LONGEST);
        assert_eq!(begin(&text).len(), LONGEST);
        assert_eq!(begin(&format!("a{text}")).len(), LONGEST - 1);
        assert_eq!(begin("short"), "short");
    }
}
