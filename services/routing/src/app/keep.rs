//! What is kept for how long: decisions, and what agents were like at them.

use std::time::Duration;

use lotse_clock::Timestamp;

use super::App;
use crate::error::Error;
use crate::store::learning::chances;
use crate::store::{decisions, seats, transfers};

/// Rows forgotten in one statement.
const BATCH: u64 = 1_000;
const DAY: Duration = Duration::from_secs(86_400);

impl App {
    /// Forgets some of what is older than it has to be kept. Returns whether there may be more.
    pub(crate) async fn forget(&self) -> Result<bool, Error> {
        let mut more = false;
        if let Some(before) = self.ago(self.config.keep_decisions_days) {
            more |= self
                .db
                .in_tx(|tx| async move {
                    let more = decisions::purge(&tx, before, BATCH).await?;
                    Ok::<_, Error>(more | transfers::purge(&tx, before, BATCH).await?)
                })
                .await?;
        }
        if let Some(before) = self.ago(self.config.keep_agents_days) {
            // Nothing asks about what was before the last decision of that time.
            let floor = decisions::last_before(self.db.reader(), before).await?;
            more |= self
                .db
                .in_tx(
                    |tx| async move { Ok::<_, Error>(chances::purge(&tx, before, BATCH).await?) },
                )
                .await?;
            if let Some(floor) = floor {
                more |= self
                    .db
                    .in_tx(
                        |tx| async move { Ok::<_, Error>(seats::purge(&tx, floor, BATCH).await?) },
                    )
                    .await?;
            }
        }
        Ok(more)
    }

    /// That many days before now; none for ever.
    fn ago(&self, days: u32) -> Option<Timestamp> {
        let past = i64::try_from((DAY * days).as_millis()).unwrap_or(i64::MAX);
        (days > 0).then(|| Timestamp::from_millis(self.now().as_millis().saturating_sub(past)))
    }
}
