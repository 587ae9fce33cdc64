//! Background work: the one place where tasks are spawned.
//!
//! A [`Job`] is a loop cut into steps. Live, a [`Supervisor`] drives each job in a task of its own: it waits without
//! cost while there is nothing to do, restarts what fails and stops everything under one deadline. On a manual clock
//! a [`Stepper`] drives the same jobs in one thread of control, in a fixed order, so that a day replays in seconds with
//! the same outcome each time. A job knows neither of the two.

mod detached;
mod failures;
mod step;
mod stepper;
mod supervisor;

use std::time::Duration;

use async_trait::async_trait;
use lotse_clock::Timestamp;

pub use detached::to_its_end;
pub use stepper::{Stepper, StepperError};
pub use supervisor::{Supervisor, Unfinished};

/// Any error a job may end a step with. It is logged with its sources and the step is tried again later.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a step found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It did something, and there may be more: call again at once.
    Busy,
    /// It found nothing to do. Must not be said after a step that had an effect: another job may have to see it first.
    Idle {
        /// Business time at which there will be something to do; `None` when only a wake-up can tell.
        until: Option<Timestamp>,
    },
}

/// Supervised background work.
#[async_trait]
pub trait Job: Send + Sync + 'static {
    /// A short stable name for logs and metrics, such as `sla.timers`.
    fn name(&self) -> &str;

    /// Does one bounded piece of work (a batch, one transaction). An error or a panic is logged once, and the step is
    /// tried again after a pause that grows. Never cancelled half-way, except when a shutdown runs out of time.
    async fn step(&self) -> Result<Step, BoxError>;

    /// Returns when there may be something to do earlier than [`Step::Idle`] said. It is dropped and called anew all
    /// the time, so a wake-up during a step must be remembered (`tokio::sync::Notify::notify_one` does). By default it
    /// never returns.
    async fn woken(&self) {
        std::future::pending().await
    }

    /// Longest system time between two steps, so that a lost wake-up costs no more than this. One second by default.
    fn poll_every(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// Called once after the last step of an orderly shutdown: release leases here.
    async fn stop(&self) {}
}
