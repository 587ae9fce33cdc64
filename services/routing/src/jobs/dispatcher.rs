//! Gives waiting tickets away, whenever something may have changed.

use std::sync::Arc;

use async_trait::async_trait;
use lotse_supervise::{BoxError, Job, Step};

use crate::app::App;

/// The job. Any number of replicas may run it: the transactions fence each other.
pub(crate) struct Dispatcher {
    app: Arc<App>,
}

impl Dispatcher {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { app }
    }
}

#[async_trait]
impl Job for Dispatcher {
    fn name(&self) -> &str {
        "routing.dispatcher"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        Ok(if self.app.dispatch().await? {
            Step::Busy
        } else {
            Step::Idle { until: None }
        })
    }

    async fn woken(&self) {
        self.app.tracker().changed().await;
    }
}
