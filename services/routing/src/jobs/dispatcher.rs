//! Gives waiting tickets away, whenever something may have changed.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lotse_clock::Timestamp;
use lotse_supervise::{BoxError, Job, Step};

use crate::app::App;
use crate::app::dispatch::Dispatched;
use crate::domain::directory::Directory;
use crate::error::Error;

/// The job. Any number of replicas may run it: the transactions fence each other.
pub(crate) struct Dispatcher {
    app: Arc<App>,
    /// The configuration that was looked at last, and when time alone changes who is eligible.
    ahead: Mutex<Option<(Arc<Directory>, Option<Timestamp>)>>,
}

impl Dispatcher {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self {
            app,
            ahead: Mutex::default(),
        }
    }

    /// When a cover, a shift or a break begins or ends next: at the latest in two days, to look
    /// further then.
    async fn next_change(&self) -> Result<Option<Timestamp>, Error> {
        let directory = self.app.directory().await?;
        let now = self.app.clock.now();
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, next)) = &*ahead
            && Arc::ptr_eq(known, &directory)
            && next.is_none_or(|next| next > now)
        {
            return Ok(*next);
        }
        let next = directory.next_change(now);
        *ahead = Some((directory, next));
        Ok(next)
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
            Dispatched::Nothing(until) => Step::Idle {
                until: until.into_iter().chain(self.next_change().await?).min(),
            },
        })
    }

    async fn woken(&self) {
        self.app.tracker().changed().await;
    }
}
