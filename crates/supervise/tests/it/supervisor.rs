use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lotse_clock::BusinessClock;
use lotse_supervise::{BoxError, Job, Step, Supervisor};
use tokio::sync::Notify;

use crate::support::{IDLE, Scripted, at};

const HOUR: Duration = Duration::from_secs(3600);

fn supervisor() -> Supervisor {
    Supervisor::new(BusinessClock::manual(at(0)))
}

/// Lets everything that can run, run. Paused time moves by a millisecond.
async fn run_all() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_job_is_stepped_by_the_slow_poll_only() {
    let job = Arc::new(Scripted::new("idle", |_| Ok(IDLE)));
    let supervisor = supervisor();
    supervisor.spawn(job.clone());
    tokio::time::sleep(Duration::from_millis(60_500)).await;
    assert_eq!(job.count(), 61, "once at the start and once a second");
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_steps_at_once_and_is_remembered_during_a_step() {
    let job = Arc::new(Scripted::new("woken", |_| Ok(IDLE)).polling(HOUR));
    let supervisor = supervisor();
    job.wake.notify_one();
    supervisor.spawn(job.clone());
    run_all().await;
    assert_eq!(
        job.count(),
        2,
        "the wake-up before the first wait was not lost"
    );
    job.wake.notify_one();
    run_all().await;
    assert_eq!(job.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_waits_for_an_instant_is_stepped_when_the_clock_shows_it() {
    let clock = BusinessClock::manual(at(0));
    let script = |n| {
        Ok(if n == 0 {
            Step::Idle {
                until: Some(at(5000)),
            }
        } else {
            IDLE
        })
    };
    let job = Arc::new(Scripted::new("due", script).polling(HOUR));
    let supervisor = Supervisor::new(clock.clone());
    supervisor.spawn(job.clone());
    clock.set(at(4999)).unwrap();
    run_all().await;
    assert_eq!(job.count(), 1);
    clock.set(at(5000)).unwrap();
    run_all().await;
    assert_eq!(job.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_job_idle_until_an_instant_already_past_does_not_eat_a_core() {
    let job = Arc::new(
        Scripted::new("confused", |_| {
            Ok(Step::Idle {
                until: Some(at(-1)),
            })
        })
        .polling(HOUR),
    );
    let supervisor = supervisor();
    supervisor.spawn(job.clone());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(job.count() <= 1001, "{} steps in a second", job.count());
}

#[tokio::test(start_paused = true)]
async fn a_failing_job_is_tried_again_ever_more_slowly_and_recovers() {
    let job = Arc::new(Scripted::new("failing", |n| match n {
        0..=9 => Err("no database".into()),
        _ => Ok(IDLE),
    }));
    let supervisor = supervisor();
    supervisor.spawn(job.clone());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let early = job.count();
    assert!(
        (4..=6).contains(&early),
        "attempts at 0, 0.1, 0.3, 0.7, 1.5 s or a little sooner, not {early}"
    );
    tokio::time::sleep(HOUR).await;
    assert!(job.count() > 3000, "it polls again each second");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_caught_and_the_job_goes_on() {
    let job = Arc::new(Scripted::new("panicking", |n| {
        assert!(n > 0, "the first step panics on purpose");
        Ok(IDLE)
    }));
    let supervisor = supervisor();
    supervisor.spawn(job.clone());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(job.count(), 2);
    supervisor.shutdown(HOUR).await.unwrap();
    assert!(job.stopped.load(Ordering::SeqCst));
}

/// A step that lasts until it is let go.
struct Slow {
    begun: Notify,
    let_go: Notify,
    finished: AtomicBool,
    stopped_after: AtomicBool,
}

impl Slow {
    fn new() -> Arc<Slow> {
        let (begun, let_go) = (Notify::new(), Notify::new());
        Arc::new(Slow {
            begun,
            let_go,
            finished: AtomicBool::new(false),
            stopped_after: AtomicBool::new(false),
        })
    }
}

#[async_trait]
impl Job for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        self.begun.notify_one();
        self.let_go.notified().await;
        self.finished.store(true, Ordering::SeqCst);
        Ok(Step::Busy)
    }

    async fn stop(&self) {
        self.stopped_after
            .store(self.finished.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_lets_the_running_step_finish_and_then_stops_the_job() {
    let job = Slow::new();
    let supervisor = supervisor();
    supervisor.spawn(job.clone());
    job.begun.notified().await;
    let ((), outcome) = tokio::join!(
        async {
            run_all().await;
            assert!(!job.finished.load(Ordering::SeqCst));
            job.let_go.notify_one();
        },
        supervisor.shutdown(Duration::from_secs(5))
    );
    outcome.unwrap();
    assert!(
        job.stopped_after.load(Ordering::SeqCst),
        "stop came after the step"
    );
}

#[tokio::test(start_paused = true)]
async fn shutdown_names_and_aborts_what_does_not_stop_in_time() {
    let (stuck, calm) = (Slow::new(), Arc::new(Scripted::new("calm", |_| Ok(IDLE))));
    let supervisor = supervisor();
    supervisor.spawn(stuck.clone());
    supervisor.spawn(calm.clone());
    stuck.begun.notified().await;
    let unfinished = supervisor
        .shutdown(Duration::from_secs(5))
        .await
        .unwrap_err();
    assert_eq!(unfinished.names, ["slow"]);
    assert_eq!(
        unfinished.to_string(),
        "aborted after 5s, still running: slow"
    );
    assert!(
        calm.stopped.load(Ordering::SeqCst),
        "the others were stopped in order"
    );
    stuck.let_go.notify_one();
    run_all().await;
    assert!(
        !stuck.finished.load(Ordering::SeqCst),
        "the stuck step was aborted"
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_is_dropped_at_shutdown_and_a_draining_one_is_waited_for() {
    let drained = Arc::new(AtomicBool::new(false));
    let supervisor = supervisor();
    supervisor.spawn_task("subscription", std::future::pending());
    let (flag, stopping) = (drained.clone(), supervisor.stopping());
    supervisor.spawn_draining("server", async move {
        stopping.cancelled().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        flag.store(true, Ordering::SeqCst);
    });
    run_all().await;
    supervisor.shutdown(Duration::from_secs(5)).await.unwrap();
    assert!(drained.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn a_failing_job_does_not_hold_up_a_shutdown() {
    let job = Arc::new(Scripted::new("failing", |_| Err("always".into())));
    let supervisor = supervisor();
    supervisor.spawn(job.clone());
    tokio::time::sleep(HOUR).await;
    let before = tokio::time::Instant::now();
    supervisor.shutdown(Duration::from_secs(60)).await.unwrap();
    assert!(
        before.elapsed() < Duration::from_millis(10),
        "the ten-second pause was cut short"
    );
}

#[tokio::test(start_paused = true)]
async fn a_dropped_supervisor_leaves_nothing_running() {
    let job = Arc::new(Scripted::new("orphan", |_| Ok(IDLE)));
    let supervisor = supervisor();
    supervisor.spawn(job.clone());
    run_all().await;
    drop(supervisor);
    run_all().await;
    assert!(job.stopped.load(Ordering::SeqCst));
    assert_eq!(Arc::strong_count(&job), 1, "the task is gone");
}
