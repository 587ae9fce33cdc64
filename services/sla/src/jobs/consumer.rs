//! Follows the journal.

use async_trait::async_trait;
use lotse_journal::{Consumer, ConsumerError, Recorded, Tx};

use crate::app::keeper::Keeper;

/// The name of the consumer, and so the principal of what clocks do.
pub const NAME: &str = "sla";

/// Keeps the clocks of the tickets it reads of.
pub struct Follow {
    keeper: Keeper,
}

impl Follow {
    /// A consumer on behalf of `keeper`.
    pub fn new(keeper: Keeper) -> Self {
        Self { keeper }
    }
}

#[async_trait]
impl Consumer for Follow {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn apply(&self, tx: &Tx, events: &[Recorded]) -> Result<(), ConsumerError> {
        Ok(self.keeper.apply(tx, events).await?)
    }

    async fn committed(&self) {
        self.keeper.set_timers().await;
    }
}
