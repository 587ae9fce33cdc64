//! Looking at tickets, messages and requesters.

use lotse_grpc::page::{self, Scope};
use lotse_ids::{MessageId, RequesterId, TicketId};

use super::Intake;
use super::group_commit::Creation;
use crate::domain::filter::Filter;
use crate::domain::order::Order;
use crate::domain::ticket::{Message, Requester, Ticket};
use crate::error::Error;
use crate::store::listing::{self, Place};
use crate::store::{messages, requesters, tickets};

/// Rows of a page when the caller does not say, and at most.
pub(super) const PAGE: (u32, u32) = (50, 500);

/// A page of messages ends when its bodies have this many bytes.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

/// How a ticket is asked for.
pub(crate) enum By {
    /// By our id.
    Id(TicketId),
    /// By the caller's.
    ExternalId(String),
}

/// Some rows, and the token for the next ones; empty on the last page.
pub(crate) struct Page<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) next: String,
}

impl Intake {
    /// Takes one ticket in.
    pub(crate) async fn create(
        &self,
        creation: Creation,
    ) -> Result<lotse_proto::intake::v1::CreateTicketResponse, Error> {
        let mut answer = self.creations.create(creation).await?;
        if let Some(ticket) = &mut answer.ticket {
            self.complete(ticket).await?;
        }
        Ok(answer)
    }

    /// One ticket.
    pub(crate) async fn ticket(&self, by: &By) -> Result<Ticket, Error> {
        let conn = self.db.reader();
        let (found, asked) = match by {
            By::Id(id) => (tickets::find(conn, id).await?, id.as_str()),
            By::ExternalId(id) => (tickets::find_external(conn, id).await?, id.as_str()),
        };
        found.ok_or_else(|| Error::NoTicket(asked.to_owned()))
    }

    /// One requester.
    pub(crate) async fn requester(&self, id: &RequesterId) -> Result<Requester, Error> {
        let found = requesters::find(self.db.reader(), id).await?;
        found.ok_or_else(|| Error::NoRequester(id.to_string()))
    }

    /// A page of tickets.
    pub(crate) async fn tickets(
        &self,
        (filter, filter_text): (&Filter, &str),
        (order, order_text): (Order, &str),
        size: i32,
        token: &str,
    ) -> Result<Page<Ticket>, Error> {
        let size = page::size(size, PAGE.0, PAGE.1)?;
        let scope = Scope::new("ListTickets", &[filter_text, order_text]);
        let after = match scope.key::<2>(token)? {
            None => None,
            Some([key, number]) => Some(Place {
                key: number_of(&key)?,
                number: number_of(&number)?,
            }),
        };
        let mut rows =
            listing::page(self.db.reader(), filter, order, after, u64::from(size) + 1).await?;
        let more = rows.len() > size as usize;
        rows.truncate(size as usize);
        let next = rows.last().filter(|_| more).map(|last| {
            let place = Place::of(last, order);
            scope.token(&[&place.key.to_string(), &place.number.to_string()])
        });
        Ok(Page {
            rows,
            next: next.unwrap_or_default(),
        })
    }

    /// A page of a ticket's messages.
    pub(crate) async fn messages(
        &self,
        id: &TicketId,
        size: i32,
        token: &str,
    ) -> Result<Page<Message>, Error> {
        let size = page::size(size, PAGE.0, PAGE.1)?;
        let scope = Scope::new("ListMessages", &[id.as_str()]);
        let after = match scope.key::<2>(token)? {
            None => None,
            Some([received_at, id]) => {
                let id: MessageId = id.parse().map_err(|_| damaged())?;
                Some((number_of(&received_at)?, id))
            }
        };
        let conn = self.db.reader();
        let after = after
            .as_ref()
            .map(|(received_at, id)| (*received_at, id.as_str()));
        let mut rows = messages::page(conn, id, after, u64::from(size) + 1).await?;
        if rows.is_empty() && after.is_none() {
            self.ticket(&By::Id(id.clone())).await?;
        }
        let mut bytes = 0;
        let fits = |message: &&Message| {
            let first = bytes == 0;
            bytes += message.body.len();
            first || bytes <= PAGE_BYTES
        };
        let count = rows.iter().take(size as usize).take_while(fits).count();
        let more = rows.len() > count;
        rows.truncate(count);
        let token = |last: &Message| {
            scope.token(&[&last.received_at.as_millis().to_string(), last.id.as_str()])
        };
        let next = rows.last().filter(|_| more).map(token);
        Ok(Page {
            rows,
            next: next.unwrap_or_default(),
        })
    }
}

/// A number from a page token. The token's own check passed, so only a forged one fails here.
pub(super) fn number_of(text: &str) -> Result<i64, Error> {
    Ok(text.parse().map_err(|_| damaged())?)
}

fn damaged() -> lotse_errors::Error {
    let error = lotse_errors::Error::invalid("page_token", "is damaged");
    error.because(lotse_errors::ErrorReason::InvalidPageToken)
}
