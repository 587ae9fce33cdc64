//! What is read back, and held against the promises.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use lotse_journal::{Body, Journal};
use lotse_proto::common::v1::TicketStatus;
use lotse_proto::journal::v1::offer_changed::Change as Offer;
use serde::Serialize;

/// What the journal tells of all tickets.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Audit {
    pub(super) events: u64,
    pub(super) tickets: u64,
    /// Tickets with an owner in the end, at some time.
    pub(super) owned: u64,
    /// What was given to somebody while somebody had it.
    pub(super) second_owners: u64,
    /// What was offered while somebody had it or another offer was open.
    pub(super) second_offers: u64,
    /// What was offered again to somebody who had not taken it.
    pub(super) repeated_offers: u64,
    /// What was accepted, declined or ended without being open, or given to somebody else than the
    /// one who accepted.
    pub(super) wrong_answers: u64,
    /// The first of each kind, to look into.
    pub(super) examples: Vec<String>,
    /// Milliseconds from a ticket's creation to its first owner, of those who got one.
    #[serde(skip)]
    pub(super) to_owner: Vec<i64>,
}

#[derive(Default)]
struct Ticket {
    created_at: i64,
    owner: Option<String>,
    owned: bool,
    solved: bool,
    /// The open offer and whom it was made to.
    offer: Option<(String, String)>,
    refused_by: HashSet<String>,
    accepted_by: Option<String>,
}

impl Audit {
    /// Reads the whole journal.
    pub(super) async fn of(journal: &Journal) -> Result<Self> {
        let mut audit = Self::default();
        let mut tickets: HashMap<String, Ticket> = HashMap::new();
        let mut from = journal.start().await?;
        loop {
            let page = journal.read_feed(&from, 2_000).await?;
            if page.events.is_empty() {
                break;
            }
            for event in page.events {
                audit.events += 1;
                let Some(id) = event.ticket_id else { continue };
                let ticket = tickets.entry(id.clone()).or_default();
                let at = event.recorded_at.as_millis();
                audit.follow(&id, ticket, &event.body, at);
            }
            from = page.next;
        }
        audit.tickets = tickets.len() as u64;
        audit.owned = tickets.values().filter(|ticket| ticket.owned).count() as u64;
        Ok(audit)
    }

    /// How many promises were broken.
    pub(super) fn broken(&self) -> u64 {
        self.second_owners + self.second_offers + self.repeated_offers + self.wrong_answers
    }

    fn follow(&mut self, id: &str, ticket: &mut Ticket, body: &Body, at: i64) {
        match body {
            Body::TicketCreated(_) => ticket.created_at = at,
            Body::TicketStatusChanged(changed) if changed.to() == TicketStatus::Solved => {
                ticket.solved = true;
            }
            Body::TicketReleased(_) => ticket.owner = None,
            Body::TicketAssigned(assigned) if !assigned.agent_id.is_empty() => {
                let accepted = ticket.accepted_by.take();
                if accepted.is_some_and(|agent| agent != assigned.agent_id) {
                    self.wrong_answers += 1;
                    self.example("given to somebody else than who accepted", id);
                }
                if ticket.owner.is_some() {
                    self.second_owners += 1;
                    self.example("a second owner", id);
                }
                if !ticket.owned {
                    self.to_owner.push(at - ticket.created_at);
                }
                ticket.owned = true;
                ticket.owner = Some(assigned.agent_id.clone());
            }
            Body::OfferChanged(offer) => {
                self.follow_offer(id, ticket, offer.change(), &offer.offer_id, &offer.agent_id);
            }
            _ => {}
        }
    }

    fn follow_offer(
        &mut self,
        id: &str,
        ticket: &mut Ticket,
        change: Offer,
        offer: &str,
        agent: &str,
    ) {
        if change == Offer::Offered {
            if ticket.owner.is_some() || ticket.offer.is_some() {
                self.second_offers += 1;
                self.example("a second offer", id);
            }
            if ticket.refused_by.contains(agent) {
                self.repeated_offers += 1;
                self.example("offered again to the same", id);
            }
            ticket.offer = Some((offer.to_owned(), agent.to_owned()));
            return;
        }
        let open = ticket.offer.take();
        let same = open.is_some_and(|(open, to)| open == offer && to == agent);
        if !same {
            self.wrong_answers += 1;
            self.example("an answer to no open offer", id);
        }
        match change {
            Offer::Accepted => ticket.accepted_by = Some(agent.to_owned()),
            Offer::Declined | Offer::TimedOut => {
                ticket.refused_by.insert(agent.to_owned());
            }
            Offer::Rescinded | Offer::Offered | Offer::Unspecified => {}
        }
    }

    fn example(&mut self, what: &str, ticket: &str) {
        if self.examples.len() < 20 {
            self.examples.push(format!("{ticket}: {what}"));
        }
    }
}
