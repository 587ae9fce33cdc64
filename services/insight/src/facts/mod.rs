//! The facts that a batch of events touches, and the fold over it.
//!
//! What the events name is loaded first ([`Needed`]), then all is folded in memory, then what has
//! changed is written. How the events are cut into batches makes no difference.

pub mod code;
pub mod detail;
pub mod invitation;
pub mod sla_clock;
pub mod ticket;

use std::collections::{BTreeMap, BTreeSet};

use lotse_clock::Timestamp;
use lotse_proto::journal::v1::event::Body;
use lotse_proto::journal::v1::invitation_changed::Change;
use lotse_proto::journal::v1::{AnswerRecorded, ClockChanged, InvitationChanged};

use self::detail::Details;
use self::invitation::Invitation;
use self::sla_clock::SlaClock;
use self::ticket::Ticket;

/// An event as the fold needs it.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// The ticket it is about, if any.
    pub ticket_id: Option<&'a str>,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub body: &'a Body,
}

/// Ids of the rows that a batch needs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// Tickets.
    pub tickets: BTreeSet<String>,
    /// SLA clocks.
    pub clocks: BTreeSet<String>,
    /// Invitations.
    pub invitations: BTreeSet<String>,
}

/// A row and whether it must be written.
#[derive(Clone, Debug, PartialEq)]
struct Row<T> {
    value: T,
    changed: bool,
}

/// Facts in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    tickets: BTreeMap<String, Row<Ticket>>,
    clocks: BTreeMap<String, Row<SlaClock>>,
    invitations: BTreeMap<String, Row<Invitation>>,
    details: Details,
}

/// Rows to be written.
#[derive(Debug, Default, PartialEq)]
pub struct Changes {
    /// Tickets.
    pub tickets: Vec<Ticket>,
    /// SLA clocks.
    pub clocks: Vec<SlaClock>,
    /// Invitations.
    pub invitations: Vec<Invitation>,
    /// Cycles, episodes and stays.
    pub details: Details,
}

/// An answer without invitation stands under its own id.
fn invitation_of(event: &AnswerRecorded) -> &str {
    if event.invitation_id.is_empty() {
        &event.answer_id
    } else {
        &event.invitation_id
    }
}

impl Needed {
    /// What `events` need.
    pub fn by<'a>(events: impl IntoIterator<Item = Event<'a>>) -> Self {
        let mut needed = Self::default();
        for event in events {
            match event.body {
                Body::ClockChanged(body) => {
                    needed.clocks.insert(body.clock_id.clone());
                }
                Body::InvitationChanged(body) => {
                    needed.invitations.insert(body.invitation_id.clone());
                }
                Body::AnswerRecorded(body) => {
                    needed.invitations.insert(invitation_of(body).to_owned());
                }
                Body::TicketUpdated(_)
                | Body::TicketStatusChanged(_)
                | Body::MessageAdded(_)
                | Body::TicketQueued(_)
                | Body::TicketAssigned(_)
                | Body::TicketTransferred(_)
                | Body::TicketEscalated(_)
                | Body::TicketMerged(_) => {
                    needed.tickets.extend(event.ticket_id.map(str::to_owned));
                }
                // A created ticket has no row yet; the rest is no fact of insight's.
                _ => {}
            }
        }
        needed
    }
}

impl Facts {
    /// What was loaded.
    pub fn new(tickets: Vec<Ticket>, clocks: Vec<SlaClock>, invitations: Vec<Invitation>) -> Self {
        fn rows<T>(values: Vec<T>, id: impl Fn(&T) -> String) -> BTreeMap<String, Row<T>> {
            let row = |value| {
                (
                    id(&value),
                    Row {
                        value,
                        changed: false,
                    },
                )
            };
            values.into_iter().map(row).collect()
        }
        Self {
            tickets: rows(tickets, |ticket| ticket.id.clone()),
            clocks: rows(clocks, |clock| clock.id.clone()),
            invitations: rows(invitations, |invitation| invitation.id.clone()),
            details: Details::default(),
        }
    }

    /// Applies one event. Says `false` when it is about a ticket that was never created here.
    pub fn fold(&mut self, event: Event<'_>) -> bool {
        let Event {
            ticket_id,
            at,
            body,
        } = event;
        match body {
            Body::ClockChanged(body) => self.clock_changed(ticket_id.unwrap_or_default(), at, body),
            Body::InvitationChanged(body) => self.invitation_changed(ticket_id, at, body),
            Body::AnswerRecorded(body) => self.answer_recorded(ticket_id, at, body),
            Body::TicketCreated(body) => {
                let id = ticket_id.unwrap_or_default();
                let value = Ticket::created(id, at, body, &mut self.details);
                let row = Row {
                    value,
                    changed: true,
                };
                self.tickets.insert(id.to_owned(), row);
            }
            Body::TicketUpdated(_)
            | Body::TicketStatusChanged(_)
            | Body::MessageAdded(_)
            | Body::TicketQueued(_)
            | Body::TicketAssigned(_)
            | Body::TicketTransferred(_)
            | Body::TicketEscalated(_)
            | Body::TicketMerged(_) => {
                let Some(row) = ticket_id.and_then(|id| self.tickets.get_mut(id)) else {
                    return false;
                };
                row.changed |= row.value.apply(at, body, &mut self.details);
            }
            _ => {}
        }
        true
    }

    fn clock_changed(&mut self, ticket_id: &str, at: Timestamp, event: &ClockChanged) {
        match self.clocks.get_mut(&event.clock_id) {
            Some(row) => {
                row.value.apply(at, event);
                row.changed = true;
            }
            None => {
                let value = SlaClock::started(ticket_id, at, event);
                let row = Row {
                    value,
                    changed: true,
                };
                self.clocks.insert(event.clock_id.clone(), row);
            }
        }
    }

    fn invitation_changed(
        &mut self,
        ticket_id: Option<&str>,
        at: Timestamp,
        event: &InvitationChanged,
    ) {
        if event.change() != Change::Skipped {
            self.invitation(&event.invitation_id, ticket_id, at)
                .changed(at, event);
        }
    }

    fn answer_recorded(&mut self, ticket_id: Option<&str>, at: Timestamp, event: &AnswerRecorded) {
        self.invitation(invitation_of(event), ticket_id, at)
            .answered(at, event);
    }

    fn invitation(&mut self, id: &str, ticket_id: Option<&str>, at: Timestamp) -> &mut Invitation {
        let row = self
            .invitations
            .entry(id.to_owned())
            .or_insert_with(|| Row {
                value: Invitation::new(id, ticket_id, at),
                changed: true,
            });
        row.changed = true;
        &mut row.value
    }

    /// What must be written.
    pub fn into_changes(self) -> Changes {
        fn changed<T>(rows: BTreeMap<String, Row<T>>) -> Vec<T> {
            let rows = rows.into_values().filter(|row| row.changed);
            rows.map(|row| row.value).collect()
        }
        Changes {
            tickets: changed(self.tickets),
            clocks: changed(self.clocks),
            invitations: changed(self.invitations),
            details: self.details,
        }
    }
}

#[cfg(test)]
mod tests;
