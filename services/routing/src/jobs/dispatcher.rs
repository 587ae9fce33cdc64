//! Gives waiting tickets away, whenever something may have changed.

use std::sync::Arc;

use async_trait::async_trait;
use lotse_supervise::{BoxError, Job, Step};

use crate::app::App;
use crate::app::dispatch::Dispatched;

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
        Ok(match self.app.dispatch().await? {
            Dispatched::Some => Step::Busy,
            Dispatched::Nothing(until) => Step::Idle { until },
        })
    }

    async fn woken(&self) {
        self.app.tracker().changed().await;
    }
}
