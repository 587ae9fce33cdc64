//! Making one ticket part of another.

use std::collections::BTreeMap;

use lotse_ids::TicketId;
use lotse_journal::{Origin, Tx};
use lotse_proto::intake::v1 as proto;

use super::change::Aftermath;
use super::{Intake, touch};
use crate::domain::lifecycle::Illegal;
use crate::domain::ticket::Ticket;
use crate::domain::words::Status;
use crate::error::Error;
use crate::store::{messages, tickets};
use crate::wire::merge::Merge;
use crate::wire::{answer, event};

impl Intake {
    /// Merges a ticket into another one.
    pub(crate) async fn merge(
        &self,
        origin: &Origin,
        request: &proto::MergeTicketsRequest,
        merge: &Merge,
    ) -> Result<proto::MergeTicketsResponse, Error> {
        let aftermath = &Aftermath::default();
        let work = |tx: Tx| async move {
            let target = survivor(&tx, &merge.target).await?;
            let (mut source, mut target) = lock_both(&tx, &merge.source, &target).await?;
            lotse_grpc::etag::check(&merge.etag, source.version)?;
            let before = source.life.generation;
            source.life = source.life.merge(merge.when.at)?;
            if target.life.status == Status::Closed {
                let (status, asked) = (Status::Closed, "merged into");
                return Err(Illegal { status, asked }.into());
            }
            source.merged_into = Some(target.id.clone());
            touch(&mut source, merge.when);
            touch(&mut target, merge.when);
            tickets::save_life(&tx, &source).await?;
            tickets::save_life(&tx, &target).await?;
            messages::hand_on(&tx, &source.id, &target.id).await?;
            tx.emit(event::merged(&source, &target));
            tx.emit(event::absorbed(&target, &source));
            let answer = proto::MergeTicketsResponse {
                source: Some(answer::wordless(&source)),
                target: Some(answer::wordless(&target)),
            };
            aftermath.keep(source, before);
            Ok::<_, Error>(answer)
        };
        let request_id = &merge.request_id;
        let mut answer = self
            .journal
            .command(origin, "MergeTickets", request_id, request, work)
            .await?;
        if let Some(source) = answer.source.take() {
            answer.source = Some(self.after(aftermath, source).await?);
        }
        if let Some(target) = &mut answer.target {
            self.complete(target).await?;
        }
        Ok(answer)
    }
}

/// The ticket at the end of a chain of merges: the one given, where it was not merged.
pub(super) async fn survivor(tx: &Tx, id: &TicketId) -> Result<TicketId, Error> {
    let mut id = id.clone();
    // A merged ticket is closed for good and cannot be merged into, so a chain has no loop.
    loop {
        let ticket = tickets::find(tx, &id).await?;
        let ticket = ticket.ok_or_else(|| Error::NoTicket(id.to_string()))?;
        match ticket.merged_into {
            Some(into) => id = into,
            None => return Ok(id),
        }
    }
}

/// Both tickets, locked in the order of their ids, so that two who merge crosswise do not wait for
/// each other.
async fn lock_both(
    tx: &Tx,
    source: &TicketId,
    target: &TicketId,
) -> Result<(Ticket, Ticket), Error> {
    if source == target {
        let description = "must be, or lead to, another ticket than the source";
        return Err(lotse_errors::Error::invalid("target_ticket_id", description).into());
    }
    let mut locked = BTreeMap::new();
    for id in [source.min(target), source.max(target)] {
        let ticket = tickets::lock(tx, id).await?;
        locked.insert(id, ticket.ok_or_else(|| Error::NoTicket(id.to_string()))?);
    }
    match (locked.remove(source), locked.remove(target)) {
        (Some(source), Some(target)) => Ok((source, target)),
        _ => unreachable!("both were locked"), // invariant: two ids that differ
    }
}
