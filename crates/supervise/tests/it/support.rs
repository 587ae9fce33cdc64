//! A job whose steps are written down by the test.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lotse_clock::Timestamp;
use lotse_supervise::{BoxError, Job, Step};
use tokio::sync::Notify;

pub(crate) const IDLE: Step = Step::Idle { until: None };

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

type Behaviour = Box<dyn Fn(usize) -> Result<Step, BoxError> + Send + Sync>;

/// Answers its n-th step (from 0) with `behaviour(n)`.
pub(crate) struct Scripted {
    name: &'static str,
    behaviour: Behaviour,
    poll: Duration,
    pub(crate) steps: AtomicUsize,
    pub(crate) stopped: AtomicBool,
    pub(crate) wake: Notify,
    /// Where each step leaves its name, shared by several jobs.
    pub(crate) trace: Option<std::sync::Arc<Mutex<Vec<&'static str>>>>,
}

impl Scripted {
    pub(crate) fn new(
        name: &'static str,
        behaviour: impl Fn(usize) -> Result<Step, BoxError> + Send + Sync + 'static,
    ) -> Scripted {
        Scripted {
            name,
            behaviour: Box::new(behaviour),
            poll: Duration::from_secs(1),
            steps: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            wake: Notify::new(),
            trace: None,
        }
    }

    pub(crate) fn polling(self, poll: Duration) -> Scripted {
        Scripted { poll, ..self }
    }

    pub(crate) fn count(&self) -> usize {
        self.steps.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Job for Scripted {
    fn name(&self) -> &str {
        self.name
    }

    async fn step(&self) -> Result<Step, BoxError> {
        if let Some(trace) = &self.trace {
            trace.lock().unwrap().push(self.name);
        }
        (self.behaviour)(self.steps.fetch_add(1, Ordering::SeqCst))
    }

    async fn woken(&self) {
        self.wake.notified().await;
    }

    fn poll_every(&self) -> Duration {
        self.poll
    }

    async fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }
}
