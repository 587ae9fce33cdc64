use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lotse_clock::{BusinessClock, Timestamp};
use lotse_supervise::{BoxError, Job, Step, Stepper, StepperError};

use crate::support::{IDLE, Scripted, at};

/// Fires at 1000, 2000, ... and hands each firing to a queue that the next job drains.
struct Ticker {
    clock: BusinessClock,
    next: AtomicI64,
    queue: Arc<AtomicUsize>,
}

#[async_trait]
impl Job for Ticker {
    fn name(&self) -> &str {
        "ticker"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        let next = self.next.load(Ordering::SeqCst);
        if self.clock.now() < at(next) {
            return Ok(Step::Idle {
                until: Some(at(next)),
            });
        }
        self.next.store(next + 1000, Ordering::SeqCst);
        self.queue.fetch_add(1, Ordering::SeqCst);
        Ok(Step::Busy)
    }
}

/// Takes from the queue and remembers when.
struct Drain {
    clock: BusinessClock,
    queue: Arc<AtomicUsize>,
    seen: Mutex<Vec<Timestamp>>,
}

#[async_trait]
impl Job for Drain {
    fn name(&self) -> &str {
        "drain"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        if self.queue.load(Ordering::SeqCst) == 0 {
            return Ok(IDLE);
        }
        self.queue.fetch_sub(1, Ordering::SeqCst);
        self.seen.lock().unwrap().push(self.clock.now());
        Ok(Step::Busy)
    }
}

#[tokio::test]
async fn time_stops_at_every_due_instant_until_its_effects_are_consumed() {
    let clock = BusinessClock::manual(at(0));
    let queue = Arc::new(AtomicUsize::new(0));
    let ticker = Ticker {
        clock: clock.clone(),
        next: AtomicI64::new(1000),
        queue: queue.clone(),
    };
    let drain = Arc::new(Drain {
        clock: clock.clone(),
        queue,
        seen: Mutex::default(),
    });
    // The consumer comes first, so it only sees a firing in a second round.
    let stepper = Stepper::new(clock.clone(), vec![drain.clone(), Arc::new(ticker)]).unwrap();
    stepper.advance_to(at(3500)).await.unwrap();
    assert_eq!(*drain.seen.lock().unwrap(), [at(1000), at(2000), at(3000)]);
    assert_eq!(clock.now(), at(3500));
    assert_eq!(stepper.settle().await.unwrap(), Some(at(4000)));
}

#[tokio::test]
async fn what_is_due_exactly_at_the_target_is_done() {
    let clock = BusinessClock::manual(at(0));
    let queue = Arc::new(AtomicUsize::new(0));
    let ticker = Ticker {
        clock: clock.clone(),
        next: AtomicI64::new(1000),
        queue: queue.clone(),
    };
    let stepper = Stepper::new(clock, vec![Arc::new(ticker)]).unwrap();
    stepper.advance_to(at(1000)).await.unwrap();
    assert_eq!(queue.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn jobs_take_turns_in_the_same_order_each_time() {
    let trace = Arc::new(Mutex::new(Vec::new()));
    let job = |name, busy: usize| {
        let mut job = Scripted::new(name, move |n| Ok(if n < busy { Step::Busy } else { IDLE }));
        job.trace = Some(trace.clone());
        Arc::new(job) as Arc<dyn Job>
    };
    let clock = BusinessClock::manual(at(0));
    let stepper = Stepper::new(clock, vec![job("a", 1), job("b", 2)]).unwrap();
    stepper.settle().await.unwrap();
    assert_eq!(*trace.lock().unwrap(), ["a", "a", "b", "b", "b", "a", "b"]);
}

#[tokio::test]
async fn a_job_that_never_becomes_idle_is_named() {
    let clock = BusinessClock::manual(at(7));
    let jobs: Vec<Arc<dyn Job>> = vec![
        Arc::new(Scripted::new("calm", |_| Ok(IDLE))),
        Arc::new(Scripted::new("restless", |_| Ok(Step::Busy))),
    ];
    let stepper = Stepper::new(clock, jobs).unwrap().with_limit(50);
    let error = stepper.settle().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "job restless is not idle after 51 steps at 7ms"
    );
}

#[tokio::test]
async fn two_jobs_that_keep_each_other_busy_are_found_too() {
    let clock = BusinessClock::manual(at(0));
    let jobs: Vec<Arc<dyn Job>> = ["ping", "pong"]
        .map(|name| {
            Arc::new(Scripted::new(name, |n| {
                Ok(if n % 2 == 0 { Step::Busy } else { IDLE })
            })) as Arc<dyn Job>
        })
        .into();
    let stepper = Stepper::new(clock, jobs).unwrap().with_limit(50);
    assert!(
        matches!(stepper.settle().await, Err(StepperError::NeverIdle { job, .. }) if job == "ping")
    );
}

#[tokio::test]
async fn a_job_idle_until_an_instant_already_past_is_an_error_not_a_hang() {
    let job = Arc::new(Scripted::new("confused", |_| {
        Ok(Step::Idle { until: Some(at(5)) })
    }));
    let stepper = Stepper::new(BusinessClock::manual(at(5)), vec![job])
        .unwrap()
        .with_limit(50);
    assert!(matches!(
        stepper.advance_to(at(6)).await,
        Err(StepperError::NeverIdle { .. })
    ));
}

#[tokio::test]
async fn a_failure_is_told_and_the_next_call_goes_on_from_there() {
    let clock = BusinessClock::manual(at(0));
    let job = Scripted::new("flaky", |n| {
        if n == 0 {
            Err("no database".into())
        } else {
            Ok(IDLE)
        }
    });
    let stepper = Stepper::new(clock.clone(), vec![Arc::new(job)]).unwrap();
    let error = stepper.advance_to(at(10)).await.unwrap_err();
    assert!(
        matches!(&error, StepperError::Failed { job, source } if job == "flaky" && source.to_string() == "no database")
    );
    assert_eq!(clock.now(), at(0), "time waits for the job");
    stepper.advance_to(at(10)).await.unwrap();
    assert_eq!(clock.now(), at(10));
}

#[tokio::test]
async fn a_panic_in_a_step_is_an_error_that_names_the_job() {
    let job = Scripted::new("broken", |_| panic!("on purpose"));
    let stepper = Stepper::new(BusinessClock::manual(at(0)), vec![Arc::new(job)]).unwrap();
    let error = stepper.settle().await.unwrap_err();
    assert_eq!(error.to_string(), "job broken failed");
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "panicked: on purpose"
    );
}

#[tokio::test]
async fn the_system_clock_and_going_back_are_refused() {
    assert!(matches!(
        Stepper::new(BusinessClock::system(), vec![]),
        Err(StepperError::Clock(_))
    ));
    let stepper = Stepper::new(BusinessClock::manual(at(5)), vec![]).unwrap();
    assert!(matches!(
        stepper.advance_to(at(4)).await,
        Err(StepperError::Clock(_))
    ));
}
