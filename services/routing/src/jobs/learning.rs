//! Learning in the background: reading texts, fitting models, advising on what waits.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lotse_supervise::{BoxError, Job, Step};

use crate::app::App;

/// Reads the texts of tickets, for their words.
pub(crate) struct Reader(pub(crate) Arc<App>);

#[async_trait]
impl Job for Reader {
    fn name(&self) -> &str {
        "routing.words"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        Ok(if self.0.read_words().await? {
            Step::Busy
        } else {
            Step::Idle { until: None }
        })
    }

    /// Nobody waits for it.
    fn poll_every(&self) -> Duration {
        Duration::from_secs(5)
    }
}

/// Fits models. Any number of replicas may run it: one of them does.
pub(crate) struct Refitter(pub(crate) Arc<App>);

#[async_trait]
impl Job for Refitter {
    fn name(&self) -> &str {
        "routing.refit"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        Ok(match self.0.refit().await? {
            None => Step::Busy,
            until => Step::Idle { until },
        })
    }

    async fn woken(&self) {
        self.0.wanted_model().await;
    }

    /// Another replica may have been asked for one.
    fn poll_every(&self) -> Duration {
        Duration::from_secs(10)
    }
}

/// Publishes who is likely to solve what. Any number of replicas may run it: one of them does.
pub(crate) struct Publisher(pub(crate) Arc<App>);

#[async_trait]
impl Job for Publisher {
    fn name(&self) -> &str {
        "routing.chances"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        let until = Some(self.0.publish_chances().await?);
        Ok(Step::Idle { until })
    }

    /// It is due on its own schedule.
    fn poll_every(&self) -> Duration {
        Duration::from_secs(60)
    }
}

/// Advises on what waits for it, and looks again at what people chose. Any number of replicas may
/// run it: advice on a ticket that has changed is not kept.
pub(crate) struct Adviser(pub(crate) Arc<App>);

#[async_trait]
impl Job for Adviser {
    fn name(&self) -> &str {
        "routing.advice"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        let busy = self.0.advise().await? || self.0.reconsider().await?;
        Ok(if busy {
            Step::Busy
        } else {
            Step::Idle { until: None }
        })
    }

    async fn woken(&self) {
        self.0.learning_came().notified().await;
    }
}
