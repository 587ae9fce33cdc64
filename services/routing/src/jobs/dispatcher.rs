//! Gives waiting tickets away, whenever something may have changed.

use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lotse_journal::Pulse;
use lotse_supervise::{BoxError, Job, Step};
use tokio::sync::Mutex;

use crate::app::App;
use crate::app::dispatch::{Dispatch, Found};

/// How long whoever reads an event, here or elsewhere, is given to apply it. In this process the
/// tracker says when it has.
const GRACE: Duration = Duration::from_millis(10);

/// The job. Any number of replicas may run it: they share the work.
pub(crate) struct Dispatcher {
    app: Arc<App>,
    dispatch: Mutex<Dispatch>,
    /// What had been heard before the last step, and whether something was still to be read.
    heard: Lock<(Pulse, bool)>,
}

impl Dispatcher {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self {
            dispatch: Mutex::new(Dispatch::new()),
            heard: Lock::new((app.journal.pulse(), false)),
            app,
        }
    }
}

#[async_trait]
impl Job for Dispatcher {
    fn name(&self) -> &str {
        "routing.dispatcher"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        let pulse = self.app.journal.pulse();
        let found = self.dispatch.lock().await.step(&self.app).await?;
        let behind = matches!(found, Found::Nothing { behind: true, .. });
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = (pulse, behind);
        Ok(match found {
            Found::Work => Step::Busy,
            Found::Nothing { until, .. } => Step::Idle { until },
        })
    }

    async fn woken(&self) {
        let (pulse, behind) = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let elsewhere = async {
            if !behind {
                self.app.journal.changed_since(pulse).await;
            }
            tokio::time::sleep(GRACE).await;
        };
        let tracker = self.app.tracker();
        tokio::select! {
            () = tracker.changed() => {}
            () = elsewhere => {}
        }
    }

    async fn stop(&self) {
        self.dispatch.lock().await.retire(&self.app).await;
    }
}
