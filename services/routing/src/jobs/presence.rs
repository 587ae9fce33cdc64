//! Ends presences whose heartbeats stopped.

use std::sync::Arc;

use async_trait::async_trait;
use lotse_clock::Timestamp;
use lotse_supervise::BoxError;
use lotse_timers::{DueRows, Entry};

use crate::app::App;
use crate::store::agents::{self, Expiry};

/// The queue of presences that run out; rows are agents.
pub(crate) const PRESENCE_QUEUE: &str = "routing.presence";

/// The rows of that queue.
pub(crate) struct Presences {
    app: Arc<App>,
}

impl Presences {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { app }
    }
}

fn entry(expiry: Expiry) -> Entry {
    Entry {
        row: expiry.id,
        generation: expiry.presence_generation,
        due: Timestamp::from_millis(expiry.presence_due_at),
        lane: u8::try_from(expiry.lane).unwrap_or_default(),
    }
}

#[async_trait]
impl DueRows for Presences {
    async fn fire(&self, _lane: u8, due: &[Entry]) -> Result<(), BoxError> {
        let due: Vec<(String, i64)> = due
            .iter()
            .map(|entry| (entry.row.clone(), entry.generation))
            .collect();
        Ok(self.app.expire_presences(&due).await?)
    }

    async fn due_before(&self, before: Timestamp, limit: u64) -> Result<Vec<Entry>, BoxError> {
        let due = agents::expiring(self.app.db.reader(), before, limit).await?;
        Ok(due.into_iter().map(entry).collect())
    }

    async fn armed(&self, lane: u8, after: &str, limit: u64) -> Result<Vec<Entry>, BoxError> {
        let conn = self.app.db.reader();
        let armed = agents::expiring_in_lane(conn, lane, after, limit).await?;
        Ok(armed.into_iter().map(entry).collect())
    }
}
