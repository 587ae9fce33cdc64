//! Forgetting old commands.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lotse_clock::SystemClock;
use lotse_supervise::{BoxError, Job, Step};
use sea_orm::{ConnectionTrait, DbErr};

use crate::journal::Journal;
use crate::sql::statement;

/// Time between two sweeps.
const INTERVAL: Duration = Duration::from_secs(15 * 60);
/// Commands of one transaction.
const CHUNK: u64 = 1_000;

/// Deletes responses that nobody asks for any more. Made by [`Journal::jobs`].
pub(crate) struct Sweeper {
    journal: Journal,
    next: Mutex<Instant>,
}

impl Sweeper {
    pub(crate) fn new(journal: Journal) -> Self {
        // Not at once: a start is busy enough.
        let next = Mutex::new(SystemClock.monotonic() + INTERVAL);
        Self { journal, next }
    }
}

impl Journal {
    /// Deletes up to a thousand of the commands that are older than
    /// [`keep_commands`](crate::JournalConfig::keep_commands), by the machine's clock, and returns
    /// how many.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn sweep_commands(&self) -> Result<u64, DbErr> {
        let before = (SystemClock.now() - self.config().keep_commands).as_millis();
        self.db()
            .in_tx(|tx| async move {
                let sql = format!(
                    "DELETE FROM commands WHERE (caller, method, request_id) IN \
                     (SELECT caller, method, request_id FROM commands \
                     WHERE created_at < $1 ORDER BY created_at LIMIT {CHUNK})"
                );
                let swept = tx.execute_raw(statement(&tx, sql, [before.into()])).await?;
                Ok(swept.rows_affected())
            })
            .await
    }
}

#[async_trait]
impl Job for Sweeper {
    fn name(&self) -> &str {
        "journal.sweep"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        let now = SystemClock.monotonic();
        if now < *self.next.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(Step::Idle { until: None });
        }
        if self.journal.sweep_commands().await? == CHUNK {
            return Ok(Step::Busy);
        }
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = now + INTERVAL;
        Ok(Step::Idle { until: None })
    }

    fn poll_every(&self) -> Duration {
        INTERVAL
    }
}
