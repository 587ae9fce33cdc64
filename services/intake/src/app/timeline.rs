//! All that happened to a ticket, from the journal.

use std::collections::HashMap;

use lotse_grpc::page::{self, Scope};
use lotse_ids::TicketId;
use lotse_journal::{Body, Recorded};

use super::Intake;
use super::read::{By, PAGE, Page, number_of};
use crate::domain::ticket::Message;
use crate::error::Error;
use crate::store::messages;

/// Longest body shown in a timeline, in bytes.
const SHOWN_BYTES: usize = 4 * 1024;

impl Intake {
    /// A page of a ticket's history, each event with its message where it is one.
    pub(crate) async fn timeline(
        &self,
        id: &TicketId,
        size: i32,
        token: &str,
    ) -> Result<Page<(Recorded, Option<Message>)>, Error> {
        let size = page::size(size, PAGE.0, PAGE.1)?;
        let scope = Scope::new("GetTimeline", &[id.as_str()]);
        let after = match scope.key::<1>(token)? {
            None => 0,
            Some([position]) => number_of(&position)?,
        };
        let (events, next) = self.journal.read_key(id.as_str(), after, size).await?;
        if events.is_empty() && after == 0 {
            self.ticket(&By::Id(id.clone())).await?;
        }
        let ids: Vec<&str> = events.iter().filter_map(message_id).collect();
        let mut found: HashMap<String, Message> = messages::with_ids(self.db.reader(), &ids)
            .await?
            .into_iter()
            .map(|message| (message.id.to_string(), shortened(message)))
            .collect();
        let mut message_of = |event: &Recorded| message_id(event).and_then(|id| found.remove(id));
        let rows = events
            .into_iter()
            .map(|event| {
                let message = message_of(&event);
                (event, message)
            })
            .collect();
        let next = next.map(|position| scope.token(&[&position.to_string()]));
        Ok(Page {
            rows,
            next: next.unwrap_or_default(),
        })
    }
}

fn message_id(event: &Recorded) -> Option<&str> {
    match &event.body {
        Body::MessageAdded(added) => Some(&added.message_id),
        _ => None,
    }
}

fn shortened(mut message: Message) -> Message {
    if message.body.len() > SHOWN_BYTES {
        message
            .body
            .truncate(message.body.floor_char_boundary(SHOWN_BYTES));
        message.body.push('…');
    }
    message
}
