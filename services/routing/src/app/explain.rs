//! Why a ticket is where it is.

use std::sync::Arc;

use lotse_ids::{DecisionId, TicketId};

use super::App;
use crate::domain::codes::{DecisionKind, State};
use crate::domain::decision::{Decision, Record};
use crate::domain::directory::Directory;
use crate::domain::item::Item;
use crate::domain::queue::look_at;
use crate::error::Error;
use crate::store::{agents, decisions, items};

/// A ticket and everything decided about it.
#[derive(Debug)]
pub(crate) struct Explanation {
    pub(crate) item: Item,
    /// Oldest first.
    pub(crate) decisions: Vec<Decision>,
    /// What a look at this instant finds, for a ticket that waits.
    pub(crate) current: Option<Decision>,
    pub(crate) directory: Arc<Directory>,
}

impl App {
    /// Every decision about a ticket.
    pub(crate) async fn explain(&self, ticket: &TicketId) -> Result<Explanation, Error> {
        let conn = self.db.reader();
        let found = items::find(conn, ticket).await?;
        let item = found.ok_or_else(|| Error::NoSuch {
            resource: "ticket",
            id: ticket.to_string(),
        })?;
        let decisions = decisions::of_ticket(conn, ticket).await?;
        let directory = self.directory().await?;
        let current = match item.state() {
            State::Waiting => {
                let seats = agents::seats(conn).await?;
                let planned = look_at(&item, &directory, &seats, self.now());
                let now = self.now();
                Some(Decision {
                    ticket: item.ticket.clone(),
                    version: item.version,
                    at: now,
                    record: Record {
                        id: DecisionId::generate(now),
                        kind: DecisionKind::Automatic,
                        reason: planned.reason,
                        from_group: item.group.clone(),
                        from_agent: None,
                        group: planned.group,
                        agent: planned.agent.map(|(agent, _)| agent),
                        step: planned.step,
                        look: planned.look,
                        by_hand: None,
                    },
                })
            }
            State::Assigned | State::Done => None,
        };
        Ok(Explanation {
            item,
            decisions,
            current,
            directory,
        })
    }
}
