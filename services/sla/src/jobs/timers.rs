//! Fires what is due.

use std::sync::Arc;

use async_trait::async_trait;
use lotse_clock::Timestamp;
use lotse_db::Db;
use lotse_journal::{Consumer as _, ConsumerError, Journal, Origin};
use lotse_supervise::BoxError;
use lotse_timers::{DueRows, Entry};

use super::consumer::{Follow, NAME};
use crate::app::keeper::Keeper;
use crate::store::tickets;

/// The cause of what a timer brings about.
pub(crate) const CAUSE: &str = "timer";

/// Tickets whose clocks need a look. A timer's row is a ticket: its clocks share one, set to the
/// earliest of their warnings and due times, so the row names the bucket and no clock is left
/// behind by a batch that changes several.
pub struct Due {
    db: Db,
    journal: Journal,
    keeper: Keeper,
    follow: Arc<Follow>,
}

impl Due {
    /// Fires on behalf of `keeper`, reading ahead as `follow`.
    pub fn new(db: Db, journal: Journal, keeper: Keeper, follow: Arc<Follow>) -> Self {
        Self {
            db,
            journal,
            keeper,
            follow,
        }
    }
}

#[async_trait]
impl DueRows for Due {
    async fn fire(&self, _lane: u8, due: &[Entry]) -> Result<(), BoxError> {
        let tickets: Vec<&str> = due.iter().map(|entry| entry.row.as_str()).collect();
        let origin = Origin {
            principal: NAME.to_owned(),
            cause: CAUSE.to_owned(),
        };
        let fired = self.journal.in_tx(&origin, |tx| {
            let tickets = &tickets;
            async move {
                // What came in before now is heard first, and if more comes in about these tickets
                // until the commit, all is looked at again: a reply in time is never overtaken by
                // its own breach.
                self.journal.catch_up(&tx, &*self.follow, tickets).await?;
                Ok::<_, ConsumerError>(self.keeper.fire(&tx, due).await?)
            }
        });
        let lags = fired.await.map_err(ConsumerError::into_source)?;
        lags.note(self.journal.clock().now());
        self.follow.committed().await;
        Ok(())
    }

    async fn due_before(&self, before: Timestamp, limit: u64) -> Result<Vec<Entry>, BoxError> {
        Ok(tickets::due_before(self.db.reader(), before, limit).await?)
    }

    async fn armed(&self, lane: u8, after: &str, limit: u64) -> Result<Vec<Entry>, BoxError> {
        Ok(tickets::armed(self.db.reader(), lane, after, limit).await?)
    }
}
