//! Drives jobs on a manual clock, deterministically.

use std::sync::Arc;

use lotse_clock::{BusinessClock, ClockError, Timestamp};

use crate::step::catch;
use crate::{BoxError, Job, Step};

/// Steps in one settling that no sane job needs: with batches of hundreds it is millions of events.
const DEFAULT_LIMIT: usize = 10_000;

/// The manual clock's driver: steps jobs one after the other, in the order given, and moves time only when all are
/// idle. Time never passes the earliest instant that a job waits for.
pub struct Stepper {
    clock: BusinessClock,
    jobs: Vec<Arc<dyn Job>>,
    limit: usize,
}

/// Why jobs could not be driven on. The clock stands where the trouble began; calling again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum StepperError {
    /// A job kept saying busy (or idle until an instant already past).
    #[error("job {job} is not idle after {steps} steps at {at}")]
    NeverIdle {
        /// Name of the job.
        job: String,
        /// Steps it was given.
        steps: usize,
        /// Business time at which it happened.
        at: Timestamp,
    },
    /// A step failed or panicked.
    #[error("job {job} failed")]
    Failed {
        /// Name of the job.
        job: String,
        /// What it said.
        source: BoxError,
    },
    /// The clock is not a manual one, or was asked to go back.
    #[error(transparent)]
    Clock(#[from] ClockError),
}

impl Stepper {
    /// A driver of `jobs` in this order, on a manual `clock`.
    pub fn new(clock: BusinessClock, jobs: Vec<Arc<dyn Job>>) -> Result<Stepper, StepperError> {
        if !clock.is_manual() {
            return Err(ClockError::NotManual.into());
        }
        Ok(Stepper {
            clock,
            jobs,
            limit: DEFAULT_LIMIT,
        })
    }

    /// Allows each job `steps` busy steps in one settling instead of 10,000.
    #[must_use]
    pub fn with_limit(self, steps: usize) -> Stepper {
        Stepper {
            limit: steps,
            ..self
        }
    }

    /// Steps all jobs until a whole round finds nothing to do. Returns the earliest business time that a job waits for.
    pub async fn settle(&self) -> Result<Option<Timestamp>, StepperError> {
        let mut steps = vec![0; self.jobs.len()];
        loop {
            let mut worked = false;
            let mut next = None;
            for (job, steps) in self.jobs.iter().zip(&mut steps) {
                let (busy, until) = self.exhaust(&**job, steps).await?;
                worked |= busy;
                next = earliest(next, until);
            }
            // What one job did may be work for another, also for one before it: only a silent round settles.
            if !worked {
                return Ok(next);
            }
        }
    }

    /// Moves time to `target`, stopping at every instant that a job waits for, and settles there too.
    pub async fn advance_to(&self, target: Timestamp) -> Result<(), StepperError> {
        let now = self.clock.now();
        if target < now {
            return Err(ClockError::Backwards(now, target).into());
        }
        loop {
            match self.settle().await? {
                Some(next) if next <= target => self.clock.set(next)?,
                _ if self.clock.now() < target => self.clock.set(target)?,
                _ => return Ok(()),
            }
        }
    }

    /// Steps one job until it is idle. Returns whether it did anything, and what it waits for.
    async fn exhaust(
        &self,
        job: &dyn Job,
        steps: &mut usize,
    ) -> Result<(bool, Option<Timestamp>), StepperError> {
        let mut worked = false;
        loop {
            let failed = |source| StepperError::Failed {
                job: job.name().to_owned(),
                source,
            };
            let step = catch(job.step()).await.map_err(failed)?;
            match step {
                Step::Idle { until } if until.is_none_or(|until| until > self.clock.now()) => {
                    return Ok((worked, until));
                }
                // Idle until an instant already reached is a contradiction; it counts as busy and so meets the limit.
                Step::Idle { .. } | Step::Busy => worked = true,
            }
            *steps += 1;
            if *steps > self.limit {
                let (job, at) = (job.name().to_owned(), self.clock.now());
                return Err(StepperError::NeverIdle {
                    job,
                    steps: *steps,
                    at,
                });
            }
        }
    }
}

fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
