//! Forgetting a requester, and the words of their tickets.

use std::collections::BTreeMap;

use lotse_ids::{RequesterId, TicketId};
use lotse_journal::{Origin, Tx};
use lotse_proto::intake::v1 as proto;

use super::Intake;
use crate::error::Error;
use crate::store::{messages, requesters, tickets};
use crate::wire::event;

impl Intake {
    /// Erases a requester. The rows stay, without words, so that counts and references hold.
    pub(crate) async fn erase(
        &self,
        origin: &Origin,
        request: &proto::EraseRequesterRequest,
        id: &RequesterId,
    ) -> Result<proto::EraseRequesterResponse, Error> {
        let work = |tx: Tx| async move {
            let now = self.clock.now();
            let was_known = requesters::erase(&tx, id, now).await?;
            if !was_known && requesters::find(&tx, id).await?.is_none() {
                return Err(Error::NoRequester(id.to_string()));
            }
            let subjects = tickets::erase(&tx, id, now).await?;
            let mut erased: BTreeMap<TicketId, u64> =
                subjects.into_iter().map(|ticket| (ticket, 0)).collect();
            for ticket in messages::erase(&tx, id).await? {
                *erased.entry(ticket).or_default() += 1;
            }
            for (ticket, messages) in &erased {
                tx.emit(event::ticket_erased(ticket, *messages));
            }
            let answer = proto::EraseRequesterResponse {
                tickets: erased.len() as u64,
                messages: erased.values().sum(),
            };
            if was_known || !erased.is_empty() {
                tx.emit(event::requester_erased(id, &answer));
            }
            Ok(answer)
        };
        self.journal
            .command(origin, "EraseRequester", &request.request_id, request, work)
            .await
    }
}
