//! Automatic assignment: what waits is given to whoever is free.

use lotse_clock::Timestamp;

use super::App;
use crate::domain::agent::Seat;
use crate::domain::queue::{next_change, plan, turn};
use crate::error::Error;
use crate::store::{agents, items};

/// Waiting tickets looked at together.
const PAGE: u64 = 500;

/// What a look through the queue came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dispatched {
    /// Something was done; there may be more.
    Some,
    /// There was nothing to do, before this at the earliest unless something happens.
    Nothing(Option<Timestamp>),
}

impl App {
    /// Looks through the queue until something can be done, and does it.
    pub(crate) async fn dispatch(&self) -> Result<Dispatched, Error> {
        let conn = self.db.reader();
        // The usual case first: nothing waits.
        let any = items::waiting(conn, &items::Wanted::default(), None, 1).await?;
        if any.is_empty() {
            return Ok(Dispatched::Nothing(None));
        }
        let directory = self.directory.get(conn).await?;
        let mut seats = agents::seats(conn).await?;
        // With nobody free only those are of interest that nobody has looked at, to say why they
        // wait, and those without a group, for which there may be a workflow now.
        let wanted = items::Wanted {
            unplaced: !seats.values().any(Seat::is_free),
            ..items::Wanted::default()
        };
        let mut after = None;
        let mut until: Option<Timestamp> = None;
        loop {
            let page = items::waiting(conn, &wanted, after.as_ref(), PAGE).await?;
            let now = self.now();
            let planned = plan(&page, &directory, &mut seats, now);
            if !planned.is_empty() {
                for one in &planned {
                    self.carry_out(one, &directory).await?;
                }
                return Ok(Dispatched::Some);
            }
            let change = next_change(&page, &directory, &seats, now);
            until = until.into_iter().chain(change).min();
            match page.last() {
                Some(last) if page.len() as u64 == PAGE => after = Some(turn(last)),
                _ => return Ok(Dispatched::Nothing(until)),
            }
        }
    }
}
