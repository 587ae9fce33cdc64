//! Closes solved tickets at the end of their wait.

use async_trait::async_trait;
use lotse_clock::{BusinessClock, Timestamp};
use lotse_journal::{Journal, Origin, Tx};
use lotse_supervise::BoxError;
use lotse_timers::{DueRows, Entry};

use crate::domain::lifecycle::{Command, Rules};
use crate::error::Error;
use crate::store::closing;
use crate::wire::event;

/// The rows behind the timers' queue `intake`.
///
/// Nothing has to be caught up with before firing: a ticket's status is changed in the transaction
/// of the command itself, not by a consumer, so a message that came in time has taken the timer's
/// generation with it.
pub(crate) struct Closing {
    pub(crate) journal: Journal,
    pub(crate) clock: BusinessClock,
    pub(crate) rules: Rules,
}

#[async_trait]
impl DueRows for Closing {
    async fn fire(&self, _lane: u8, due: &[Entry]) -> Result<(), BoxError> {
        let origin = Origin {
            principal: "intake".to_owned(),
            cause: String::new(),
        };
        let now = self.clock.now();
        let work = |tx: Tx| async move {
            let tickets = closing::lock_due(&tx, due, now).await?;
            if tickets.is_empty() {
                return Ok(());
            }
            closing::close(&tx, &tickets, now).await?;
            for ticket in &tickets {
                // Closed when its wait ended, not when somebody noticed.
                let end = ticket.life.closes_at.unwrap_or(now);
                let transition = ticket.life.apply(Command::CloseByTimer, end, self.rules)?;
                tx.emit(event::status_changed(
                    ticket,
                    &transition,
                    "",
                    "",
                    Some(end),
                ));
            }
            Ok::<_, Error>(())
        };
        Ok(self.journal.in_tx(&origin, work).await?)
    }

    async fn due_before(&self, before: Timestamp, limit: u64) -> Result<Vec<Entry>, BoxError> {
        Ok(closing::before(self.journal.db().reader(), before, limit).await?)
    }

    async fn armed(&self, lane: u8, after: &str, limit: u64) -> Result<Vec<Entry>, BoxError> {
        Ok(closing::of_lane(self.journal.db().reader(), lane, after, limit).await?)
    }
}
