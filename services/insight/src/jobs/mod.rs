//! The projection: the consumer `insight` of the journal turns events into facts.

use async_trait::async_trait;
use lotse_journal::{Consumer, ConsumerError, Recorded, Tx};

use crate::error::Error;
use crate::facts::{Event, Needed};
use crate::store;

/// The name under which the cursors are kept.
pub const CONSUMER: &str = "insight";

/// Folds events into facts.
#[derive(Clone, Copy, Debug)]
pub struct Projection;

fn event(recorded: &Recorded) -> Event<'_> {
    Event {
        ticket_id: recorded.ticket_id.as_deref(),
        at: recorded.occurred_at,
        body: &recorded.body,
    }
}

#[async_trait]
impl Consumer for Projection {
    fn name(&self) -> &'static str {
        CONSUMER
    }

    async fn apply(&self, tx: &Tx, events: &[Recorded]) -> Result<(), ConsumerError> {
        let needed = Needed::by(events.iter().map(event));
        let mut facts = store::load(tx, needed).await.map_err(Error::from)?;
        for recorded in events {
            if !facts.fold(event(recorded)) {
                // Its creation lies before the journal begins, or was parked: no fact to change.
                tracing::warn!(event = %recorded.reference(), "an event of an unknown ticket");
            }
        }
        store::save(tx, facts.into_changes())
            .await
            .map_err(Error::from)?;
        Ok(())
    }
}
