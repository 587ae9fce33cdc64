//! Drives jobs in tasks of their own and stops them under one deadline.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lotse_clock::{BusinessClock, Timestamp};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::failures::Failures;
use crate::step::{catch, describe};
use crate::{BoxError, Job, Step};

const BREATH: Duration = Duration::from_millis(1);

/// Owner of all background work of a process. Clones share it; when the last is dropped everything is told to stop.
#[derive(Clone)]
pub struct Supervisor {
    shared: Arc<Shared>,
}

struct Shared {
    clock: BusinessClock,
    stopping: CancellationToken,
    tasks: TaskTracker,
    running: Running,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

/// A shutdown that ran out of time; what was still running has been aborted.
#[derive(Debug, thiserror::Error)]
#[error("aborted after {}s, still running: {}", within.as_secs_f32(), names.join(", "))]
pub struct Unfinished {
    /// Names of the jobs and tasks that were still running.
    pub names: Vec<String>,
    /// The time they were given.
    pub within: Duration,
}

impl Supervisor {
    /// A supervisor of nothing yet. `clock` is what [`Step::Idle`] refers to.
    #[must_use]
    pub fn new(clock: BusinessClock) -> Supervisor {
        let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
        Supervisor {
            shared: Arc::new(Shared {
                clock,
                stopping,
                tasks,
                running: Running::default(),
            }),
        }
    }

    /// Drives `job` until shutdown. Needs a tokio runtime.
    pub fn spawn(&self, job: Arc<dyn Job>) {
        let name = job.name().to_owned();
        let (clock, stopping) = (self.shared.clock.clone(), self.shared.stopping.clone());
        self.start(name, async move {
            drive(&*job, &clock, &stopping).await;
            catch(async {
                job.stop().await;
                Ok(())
            })
            .await
        });
    }

    /// Runs `task` to its end, or until shutdown begins: then it is dropped at its next await. For loops that have
    /// nothing to finish, such as a subscription.
    pub fn spawn_task(
        &self,
        name: impl Into<String>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let stopping = self.shared.stopping.clone();
        self.start(name.into(), async move {
            stopping.run_until_cancelled(task).await;
            Ok(())
        });
    }

    /// Runs `task` to its end; a shutdown waits for it within the deadline. It must watch [`Supervisor::stopping`].
    pub fn spawn_draining(
        &self,
        name: impl Into<String>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.start(name.into(), async move {
            task.await;
            Ok(())
        });
    }

    /// Cancelled when shutdown begins.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.shared.stopping.clone()
    }

    /// Stops everything: no further steps, the running ones finish, each job's [`Job::stop`], all `within` one
    /// deadline. What has not ended by then is aborted and named in the error.
    pub async fn shutdown(&self, within: Duration) -> Result<(), Unfinished> {
        self.shared.stopping.cancel();
        self.shared.tasks.close();
        if tokio::time::timeout(within, self.shared.tasks.wait())
            .await
            .is_ok()
        {
            return Ok(());
        }
        let names = self.shared.running.abort_all();
        // Aborting takes effect at the task's next await; by then nobody may use what it held.
        tracing::warn!(unfinished = names.join(", "), "shutdown ran out of time");
        Err(Unfinished { names, within })
    }

    fn start(
        &self,
        name: String,
        work: impl Future<Output = Result<(), BoxError>> + Send + 'static,
    ) {
        let (running, label) = (self.shared.running.clone(), name.clone());
        self.shared.running.add(name, |id| {
            self.shared.tasks.spawn(async move {
                let _listed = Listed { running, id };
                if let Err(error) = catch(work).await {
                    metrics::counter!("lotse_job_failures_total", "job" => label.clone())
                        .increment(1);
                    tracing::error!(
                        task = label,
                        error = describe(&error),
                        "background task ended"
                    );
                }
            })
        });
    }
}

/// Steps `job` until `stopping`. A step is never dropped half-way here; waiting is.
async fn drive(job: &dyn Job, clock: &BusinessClock, stopping: &CancellationToken) {
    let mut failures = Failures::of(job.name());
    let steps = metrics::counter!("lotse_job_steps_total", "job" => job.name().to_owned());
    while !stopping.is_cancelled() {
        steps.increment(1);
        let outcome = match catch(job.step()).await {
            Ok(Step::Busy) => {
                // A step that never waits would keep its thread for itself.
                tokio::task::yield_now().await;
                Ok(())
            }
            Ok(Step::Idle { until }) => stopping
                .run_until_cancelled(catch(wait(job, clock, until)))
                .await
                .unwrap_or(Ok(())),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => failures.succeeded(),
            Err(error) => {
                let pause = failures.failed(&error);
                stopping
                    .run_until_cancelled(tokio::time::sleep(pause))
                    .await;
            }
        }
    }
}

async fn wait(
    job: &dyn Job,
    clock: &BusinessClock,
    until: Option<Timestamp>,
) -> Result<(), BoxError> {
    let due = async {
        match until {
            // Idle until an instant already past: the clock moved on since, or the job contradicts itself. The pause
            // keeps the second from eating a core.
            Some(until) if until <= clock.now() => tokio::time::sleep(BREATH).await,
            Some(until) => clock.sleep_until(until).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = job.woken() => {}
        () = due => {}
        () = tokio::time::sleep(job.poll_every()) => {}
    }
    Ok(())
}

/// What runs now, by name, to say what did not stop.
#[derive(Clone, Default)]
struct Running {
    tasks: Arc<Mutex<BTreeMap<u64, (String, AbortHandle)>>>,
}

impl Running {
    /// Lists the task that `spawn` starts. Under the lock, so that a task which ends at once is not taken off the
    /// list before it is on it.
    fn add(&self, name: String, spawn: impl FnOnce(u64) -> tokio::task::JoinHandle<()>) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let id = tasks.last_key_value().map_or(0, |(last, _)| last + 1);
        tasks.insert(id, (name, spawn(id).abort_handle()));
    }

    fn abort_all(&self) -> Vec<String> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.values().for_each(|(_, task)| task.abort());
        tasks.values().map(|(name, _)| name.clone()).collect()
    }
}

struct Listed {
    running: Running,
    id: u64,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.running
            .tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.id);
    }
}
