//! The use cases: each one transaction, readable top to bottom.

pub mod answer;
pub mod invite;
pub mod surveys;

use std::sync::Arc;

use lotse_clock::BusinessClock;
use lotse_db::Db;
use lotse_journal::{Consumer, Journal};
use lotse_timers::{Entry, TimerStore};

use crate::link::LinkKeys;
use crate::store::invitation;

/// The timer queue of this service.
pub const QUEUE: &str = "survey";

/// What the use cases work with.
#[derive(Clone)]
pub struct App {
    pub(crate) db: Db,
    pub(crate) clock: BusinessClock,
    pub(crate) journal: Journal,
    pub(crate) timers: Arc<dyn TimerStore>,
    pub(crate) links: LinkKeys,
    /// Reads the journal for this service.
    pub(crate) follow: Arc<dyn Consumer>,
}

impl App {
    /// Arms the timer of an invitation that was just committed. Should this fail or never happen,
    /// the reconciler arms it from the row.
    pub(crate) async fn arm(&self, invitation: &invitation::Model) {
        let Some(entry) = timer(invitation) else {
            return;
        };
        if let Err(error) = self.timers.arm(QUEUE, &[entry]).await {
            tracing::debug!(%error, "timer not armed; the reconciler will");
        }
    }
}

/// The timer of an invitation that waits for something.
pub(crate) fn timer(invitation: &invitation::Model) -> Option<Entry> {
    Some(Entry {
        row: invitation.id.clone(),
        generation: invitation.generation,
        due: lotse_clock::Timestamp::from_millis(invitation.due_at?),
        lane: u8::try_from(invitation.lane).unwrap_or(0),
    })
}
