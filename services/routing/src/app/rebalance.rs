//! Tickets moved from those who are not there, or have more to do than others.

use std::collections::BTreeMap;
use std::sync::Arc;

use lotse_clock::Timestamp;
use lotse_grpc::etag;
use lotse_ids::{AgentId, GroupId, TicketId};
use lotse_journal::Tx;

use super::hand_over::{HandOver, What};
use super::{App, Ref, find_group};
use crate::domain::codes::TransferReason;
use crate::domain::decision::Missing;
use crate::domain::directory::{Directory, Seats};
use crate::domain::item::Item;
use crate::domain::rebalance::{Move, can_take, suggest};
use crate::error::Error;
use crate::store::{agents, items};

/// Suggested moves, with the seats before and after them.
#[derive(Debug)]
pub(crate) struct Suggestion {
    pub(crate) as_of: Timestamp,
    pub(crate) directory: Arc<Directory>,
    pub(crate) moves: Vec<Move>,
    pub(crate) before: Seats,
    pub(crate) after: Seats,
}

/// One move that somebody wants done.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) ticket: TicketId,
    pub(crate) group: GroupId,
    pub(crate) from: AgentId,
    pub(crate) to: AgentId,
    pub(crate) reason: TransferReason,
    /// What the ticket's route must still be.
    pub(crate) etag: String,
}

/// What became of a move, and the ticket as it is now.
#[derive(Clone, Debug)]
pub(crate) enum Done {
    Moved(Item),
    /// The route has changed.
    Changed(Item),
    /// Somebody has begun to work on it.
    Begun(Item),
    /// The new agent cannot take it.
    NotEligible(Item),
    /// There is no such ticket.
    NotFound,
}

impl App {
    /// Moves that would even out the loads of some groups, or of all if none is named.
    pub(crate) async fn suggest_rebalance(
        &self,
        groups: &[GroupId],
        most: usize,
    ) -> Result<Suggestion, Error> {
        let conn = self.db.reader();
        let directory = self.directory().await?;
        for group in groups {
            find_group(&directory, &Ref::Id(group.clone()))?;
        }
        let before = agents::seats(conn).await?;
        let held = items::untouched(conn, groups).await?;
        let mut after = before.clone();
        let moves = suggest(&held, &directory, &mut after, most, self.now());
        Ok(Suggestion {
            as_of: self.now(),
            directory,
            moves,
            before,
            after,
        })
    }

    /// Does one move, if it still makes sense.
    pub(crate) async fn rebalance(&self, tx: &Tx, wish: &Wish, note: &str) -> Result<Done, Error> {
        let Some(item) = items::lock(tx, [&wish.ticket]).await?.pop() else {
            return Ok(Done::NotFound);
        };
        let same = etag::check(&wish.etag, item.version).is_ok();
        if !same || item.agent.as_ref() != Some(&wish.from) {
            return Ok(Done::Changed(item));
        }
        if !item.is_untouched() {
            return Ok(Done::Begun(item));
        }
        let directory = self.directory.get(tx).await?;
        let seats = lock_seats(tx, [&wish.from, &wish.to]).await?;
        if !can_take(&item, &wish.to, &directory, &seats, self.now()) {
            return Ok(Done::NotEligible(item));
        }
        let transfer = HandOver {
            ticket: wish.ticket.clone(),
            what: What::Transfer(wish.reason),
            group: Some(wish.group.clone()),
            agent: Some(wish.to.clone()),
            // Nobody has begun with it, so nobody is sent back and forth.
            guarded: false,
            model: None,
            missing: Missing::default(),
            note: note.to_owned(),
            summary: None,
            etag: String::new(),
            at: None,
        };
        let moved = self.hand_over(tx, &transfer).await?;
        Ok(Done::Moved(moved.item))
    }
}

/// The seats of several agents, locked in the order of their ids as everybody locks them.
async fn lock_seats<const N: usize>(tx: &Tx, mut ids: [&AgentId; N]) -> Result<Seats, Error> {
    ids.sort();
    let mut seats = BTreeMap::new();
    for id in ids {
        let full = agents::lock(tx, id).await?;
        seats.extend(full.map(|full| (full.agent.id, full.seat)));
    }
    Ok(seats.into_iter().collect())
}
