//! Forgets what is older than it has to be kept.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lotse_supervise::{BoxError, Job, Step};

use crate::app::App;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(3_600);

/// The job. Any number of replicas may run it: what one has deleted the others do not find.
pub(crate) struct Keeper {
    app: Arc<App>,
}

impl Keeper {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { app }
    }
}

#[async_trait]
impl Job for Keeper {
    fn name(&self) -> &str {
        "routing.keeper"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        Ok(if self.app.forget().await? {
            Step::Busy
        } else {
            Step::Idle {
                until: Some(self.app.clock.now() + EVERY),
            }
        })
    }

    fn poll_every(&self) -> Duration {
        EVERY
    }
}
