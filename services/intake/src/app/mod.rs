//! The use cases of intake, one transaction each.
//!
//! [`create`] takes tickets in and [`group_commit`] lets concurrent creations share a transaction;
//! [`change`] changes one ticket, [`merge`] makes one of two, [`add_message`] adds to its conversation,
//! with the [`approval`] of a mentor where that is wanted; [`erase`] forgets a
//! requester; [`read`], [`timeline`] and [`stream`] look.

mod add_message;
mod approval;
mod change;
mod create;
mod erase;
mod group_commit;
mod merge;
mod read;
mod stream;
mod timeline;

use std::sync::Arc;

use lotse_auth::Caller;
use lotse_clock::{BusinessClock, Timestamp};
use lotse_db::Db;
use lotse_ids::TicketId;
use lotse_journal::{Journal, Origin, Tx};
use lotse_timers::TimerStore;

pub(crate) use create::Item;
pub(crate) use group_commit::{Creation, GroupCommit};
pub(crate) use read::{By, Page};
pub(crate) use stream::{KINDS, Wanted};

use crate::config::Config;
use crate::domain::lifecycle::Transition;
use crate::domain::ticket::Ticket;
use crate::error::Error;
use crate::store::{closing, tickets};
use crate::wire::event;
use crate::wire::time::When;

/// The timers' queue of tickets that will close themselves.
pub(crate) const QUEUE: &str = "intake";

/// What the use cases work with.
pub(crate) struct Intake {
    pub(crate) db: Db,
    pub(crate) clock: BusinessClock,
    pub(crate) journal: Journal,
    pub(crate) timers: Arc<dyn TimerStore>,
    pub(crate) creations: GroupCommit,
    pub(crate) config: Config,
}

/// Who causes a change, and by which request.
pub(crate) fn origin(caller: &Caller, request_id: &str) -> Origin {
    Origin {
        principal: caller.principal.to_string(),
        cause: request_id.to_owned(),
    }
}

/// The ticket for a change that happened at `when`: locked, of the version that the caller saw.
async fn lock(tx: &Tx, id: &TicketId, etag: &str, when: When) -> Result<Ticket, Error> {
    let ticket = tickets::lock(tx, id)
        .await?
        .ok_or_else(|| Error::NoTicket(id.to_string()))?;
    lotse_grpc::etag::check(etag, ticket.version)?;
    not_before_creation(&ticket, when.at)?;
    Ok(ticket)
}

/// Nothing happens to a ticket before there is one.
fn not_before_creation(ticket: &Ticket, at: Timestamp) -> Result<(), Error> {
    if at < ticket.created_at {
        let description = "must not be before the ticket was created";
        return Err(lotse_errors::Error::invalid("occurred_at", description).into());
    }
    Ok(())
}

/// Stores a change of status and says so in the journal.
async fn enter(
    tx: &Tx,
    ticket: &mut Ticket,
    transition: Transition,
    reason: &str,
    agent_id: &str,
    when: When,
) -> Result<(), Error> {
    // What began later than it was reported happened then: see `Life::hear`.
    let past = when.past().map(|_| transition.life.since);
    ticket.life.clone_from(&transition.life);
    touch(ticket, when);
    tickets::save_life(tx, ticket).await?;
    tx.emit(event::status_changed(
        ticket,
        &transition,
        reason,
        agent_id,
        past,
    ));
    Ok(())
}

/// Notes that a ticket's own fields or status changed.
fn touch(ticket: &mut Ticket, when: When) {
    ticket.version += 1;
    ticket.updated_at = when.now;
}

impl Intake {
    /// Tells the timers what a committed change of a ticket means to them. A failure costs
    /// lateness only: the worker finds in SQL what it was not told.
    async fn rearm(&self, ticket: &Ticket, generation_before: i64) {
        if ticket.life.generation == generation_before {
            return;
        }
        let told = match closing::entry(ticket) {
            Some(entry) => self.timers.arm(QUEUE, &[entry]).await,
            None => {
                self.timers
                    .cancel(QUEUE, &[closing::last_entry(ticket)])
                    .await
            }
        };
        if let Err(error) = told {
            tracing::debug!(ticket = %ticket.id, %error, "the timers were not told");
        }
    }
}
