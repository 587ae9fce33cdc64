//! What happens to tickets when nothing happens: offers run out, work that follows a ticket ends,
//! those who declined may be asked again.

use std::sync::Arc;

use async_trait::async_trait;
use lotse_clock::Timestamp;
use lotse_journal::{bucket_of, lane_of};
use lotse_supervise::BoxError;
use lotse_timers::{DueRows, Entry};

use crate::app::App;
use crate::domain::item::Item;
use crate::store::items::{self, Due};

/// The queue of tickets' timers; rows are items.
pub(crate) const ITEMS_QUEUE: &str = "routing.items";

/// The rows of that queue.
pub(crate) struct Items {
    app: Arc<App>,
}

impl Items {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { app }
    }
}

/// The timer of an item, if it has one.
pub(crate) fn timer_entry(item: &Item) -> Option<Entry> {
    let timer = item.timer?;
    let row = item.ticket.to_string();
    Some(Entry {
        lane: lane_of(bucket_of(&row)),
        row,
        generation: timer.generation,
        due: timer.at,
    })
}

fn entry(due: Due) -> Entry {
    Entry {
        row: due.ticket_id,
        generation: due.timer_generation,
        due: Timestamp::from_millis(due.timer_at),
        lane: u8::try_from(due.lane).unwrap_or_default(),
    }
}

#[async_trait]
impl DueRows for Items {
    async fn fire(&self, _lane: u8, due: &[Entry]) -> Result<(), BoxError> {
        let due: Vec<(String, i64)> = due
            .iter()
            .map(|entry| (entry.row.clone(), entry.generation))
            .collect();
        Ok(self.app.run_timers(&due).await?)
    }

    async fn due_before(&self, before: Timestamp, limit: u64) -> Result<Vec<Entry>, BoxError> {
        let due = items::due_before(self.app.db.reader(), before, limit).await?;
        Ok(due.into_iter().map(entry).collect())
    }

    async fn armed(&self, lane: u8, after: &str, limit: u64) -> Result<Vec<Entry>, BoxError> {
        let armed = items::armed(self.app.db.reader(), lane, after, limit).await?;
        Ok(armed.into_iter().map(entry).collect())
    }
}
