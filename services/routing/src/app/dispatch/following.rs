//! The index and how it stays true: read, told by the journal, and by what it does itself.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use lotse_clock::SystemClock;
use lotse_ids::{AgentId, TicketId};
use lotse_journal::{Body, Consumer as _, FeedError, Follower, Recorded};

use super::reconciling::Reconciler;
use super::{index, scope};
use crate::app::App;
use crate::domain::codes::State;
use crate::domain::index::Index;
use crate::domain::item::Item;
use crate::error::Error;
use crate::store::{agents, items};

/// Rows read together.
pub(super) const PAGE: u64 = 500;

/// Events heard together.
const EVENTS: u32 = 1_000;

/// The index of what this replica owns, and what keeps it true.
pub(super) struct Desk {
    pub(super) index: Index,
    pub(super) follower: Follower,
    /// Who has each ticket that is not done: when it goes to somebody else, both have another load.
    holders: HashMap<TicketId, AgentId>,
    pub(super) reconciler: Reconciler,
}

/// Rows to be read again.
#[derive(Debug, Default)]
pub(super) struct Stale {
    pub(super) tickets: BTreeSet<TicketId>,
    pub(super) agents: BTreeSet<AgentId>,
}

impl Desk {
    /// Reads everything that waits and everybody.
    pub(super) async fn open(app: &App, slots: &BTreeSet<u8>) -> Result<Self, Error> {
        // From here on changes are heard of; what is read below holds all that were before.
        let follower = app.journal.follow(app.tracker.name()).await?;
        let conn = app.db.reader();
        let mut index = index(app.directory().await?, slots, app.now());
        for (agent, seat) in agents::seats(conn).await? {
            index.put_seat(&agent, seat);
        }
        let everything = items::Wanted::default();
        let mut after = None;
        loop {
            let page = items::waiting(conn, &everything, after.as_ref(), PAGE).await?;
            after = page.last().map(crate::domain::queue::turn);
            let full = page.len() as u64 == PAGE;
            for item in page {
                index.put_item(item, app.now());
            }
            if !full {
                break;
            }
        }
        let holders = items::holders(conn).await?;
        tracing::info!(waiting = index.waiting(), "the index is read");
        Ok(Self {
            index,
            follower,
            holders: holders.into_iter().collect(),
            reconciler: Reconciler::new(),
        })
    }

    /// Reads again what has changed. Returns whether anything was heard.
    pub(super) async fn hear(&mut self, app: &App, slots: &BTreeSet<u8>) -> Result<bool, Error> {
        let (directory, events) =
            tokio::join!(app.directory(), self.follower.read(&app.journal, EVENTS));
        let directory = directory?;
        if !Arc::ptr_eq(&directory, self.index.directory()) {
            if scope(&directory, slots) == *self.index.scope() {
                self.index.directory_changed(directory, app.now());
            } else {
                *self = Self::open(app, slots).await?;
                return Ok(true);
            }
        }
        let events = match events {
            Ok(events) => events,
            Err(FeedError::Db(error)) => return Err(error.into()),
            Err(FeedError::OtherIncarnation) => {
                *self = Self::open(app, slots).await?;
                return Ok(true);
            }
        };
        let mut stale = Stale::default();
        for event in &events {
            stale.add(event);
        }
        self.read_again(app, stale).await?;
        Ok(!events.is_empty())
    }

    /// Puts rows in as they are.
    pub(super) async fn read_again(&mut self, app: &App, stale: Stale) -> Result<(), Error> {
        let Stale {
            tickets,
            mut agents,
        } = stale;
        let conn = app.db.reader();
        let tickets: Vec<TicketId> = tickets.into_iter().collect();
        for page in tickets.chunks(PAGE as usize) {
            for ticket in page {
                self.index.forget_item(ticket);
                agents.extend(self.holders.remove(ticket));
            }
            for item in items::find_all(conn, page).await? {
                agents.extend(item.agent.clone());
                self.put(item, app);
            }
        }
        let agents: Vec<AgentId> = agents.into_iter().collect();
        for page in agents.chunks(PAGE as usize) {
            for full in agents::find_all(conn, page).await? {
                self.index.put_seat(&full.agent.id, full.seat);
            }
        }
        Ok(())
    }

    fn put(&mut self, item: Item, app: &App) {
        match &item.agent {
            Some(agent) if item.state() != State::Done => {
                self.holders.insert(item.ticket.clone(), agent.clone());
            }
            _ => {
                self.holders.remove(&item.ticket);
            }
        }
        self.index.put_item(item, app.now());
    }

    /// Plans once and does it. Returns whether there was anything to do.
    pub(super) async fn work(&mut self, app: &App) -> Result<bool, Error> {
        let planned = self.index.plan(app.now());
        if planned.is_empty() {
            return Ok(false);
        }
        let done = app.carry_out(&planned, self.index.directory()).await?;
        let committed = SystemClock.monotonic();
        let mut stale = Stale::default();
        for (planned, item) in planned.into_iter().zip(done) {
            let arrived = app.tracker.arrivals.take(&planned.ticket);
            match item {
                Some(item) => {
                    if let (Some(arrived), Some(_)) = (arrived, &planned.agent) {
                        metrics::histogram!("lotse_routing_enqueue_to_commit_seconds")
                            .record(committed - arrived);
                    }
                    self.put(item, app);
                }
                // Something is not as the index has it.
                None => {
                    stale.tickets.insert(planned.ticket);
                    stale.agents.extend(planned.agent.map(|(agent, _)| agent));
                }
            }
        }
        self.read_again(app, stale).await?;
        Ok(true)
    }
}

impl Stale {
    /// What an event has changed, as far as routing keeps it.
    fn add(&mut self, event: &Recorded) {
        let agents: [&str; 2] = match &event.body {
            Body::AgentChanged(changed) => [&changed.agent_id, ""],
            Body::TicketAssigned(assigned) => [&assigned.agent_id, ""],
            Body::TicketReleased(released) => [&released.agent_id, ""],
            Body::TicketEscalated(escalated) => [&escalated.from_agent_id, ""],
            Body::TicketTransferred(moved) => [&moved.from_agent_id, &moved.to_agent_id],
            Body::OfferChanged(offer) => [&offer.agent_id, ""],
            Body::WrapUpEnded(ended) => [&ended.agent_id, ""],
            Body::TicketCreated(_)
            | Body::TicketUpdated(_)
            | Body::TicketStatusChanged(_)
            | Body::TicketMerged(_)
            | Body::TicketQueued(_)
            | Body::ClockChanged(_) => ["", ""],
            // Nothing of a ticket's route or of an agent's seat.
            _ => return,
        };
        // What is no id is none of routing's.
        let agents = agents.into_iter().filter_map(|agent| agent.parse().ok());
        self.agents.extend(agents);
        let ticket = event.ticket_id.as_ref();
        self.tickets
            .extend(ticket.and_then(|ticket| ticket.parse().ok()));
    }
}
