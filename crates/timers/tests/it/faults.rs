//! Redis dies, is emptied, comes back; and what it is asked for when nothing happens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lotse_clock::BusinessClock;
use lotse_supervise::{Job, Step, Stepper, Supervisor};
use lotse_testkit::{eventually, own_redis};
use lotse_timers::{Entry, LANES, LocalTimers, RedisTimers, StoreError, TimerStore, Worker};

use crate::rows::Rows;
use crate::suite::{QUEUE, at, entry};

const SOON: Duration = Duration::from_secs(20);

fn open(url: &str) -> Arc<RedisTimers> {
    Arc::new(RedisTimers::open(url, "lotse").unwrap())
}

async fn connect(url: &str) -> redis::aio::MultiplexedConnection {
    redis::Client::open(url)
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap()
}

/// Calls of each command so far.
async fn calls(connection: &mut redis::aio::MultiplexedConnection) -> BTreeMap<String, u64> {
    let text: String = redis::cmd("INFO")
        .arg("commandstats")
        .query_async(connection)
        .await
        .unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="))
        .map(|(name, rest)| {
            (
                name.to_owned(),
                rest.split(',').next().unwrap().parse().unwrap(),
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timers_fire_without_redis_and_go_on_when_it_is_back() {
    let Some(mut redis) = own_redis() else { return };
    let clock = BusinessClock::system();
    let rows = Rows::new(clock.clone());
    let store = open(&redis.url());
    let supervisor = Supervisor::new(clock.clone());
    supervisor.spawn(Arc::new(Worker::new(
        store.clone(),
        clock.clone(),
        QUEUE,
        rows.clone(),
    )));
    store
        .arm(QUEUE, &[rows.set("before", clock.now())])
        .await
        .unwrap();
    eventually(SOON, async || rows.fired().len() == 1).await;

    redis.kill().unwrap();
    let entry = rows.set("meanwhile", clock.now());
    store.arm(QUEUE, &[entry]).await.unwrap_err();
    eventually(SOON, async || rows.fired().len() == 2).await;

    redis.start_again().unwrap();
    // Set while Redis was away, due long after: armed again, as the empty server shows.
    let far = rows.set("later", clock.now() + Duration::from_secs(3_600));
    eventually(SOON, async || {
        store
            .next_due(QUEUE)
            .await
            .is_ok_and(|due| due == Some(far.due))
    })
    .await;
    let entry = rows.set("after", clock.now());
    eventually(SOON, async || {
        store.arm(QUEUE, std::slice::from_ref(&entry)).await
    })
    .await;
    eventually(SOON, async || rows.fired().len() == 3).await;
    supervisor.shutdown(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_passes_no_timer_on_the_manual_clock_though_redis_is_away() {
    let Some(mut redis) = own_redis() else { return };
    let clock = BusinessClock::manual(at(0));
    let rows = Rows::new(clock.clone());
    let worker = Worker::new(open(&redis.url()), clock.clone(), QUEUE, rows.clone());
    let stepper = Stepper::new(clock, vec![Arc::new(worker)]).unwrap();
    stepper.settle().await.unwrap();
    redis.kill().unwrap();
    rows.set("b", at(7_200_000));
    rows.set("a", at(3_600_000));
    stepper.advance_to(at(5_000_000)).await.unwrap();
    redis.start_again().unwrap();
    stepper.advance_to(at(9_000_000)).await.unwrap();
    assert_eq!(
        rows.fired(),
        [
            ("a".to_owned(), at(3_600_000)),
            ("b".to_owned(), at(7_200_000))
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushall_costs_lateness_only() {
    let Some(redis) = own_redis() else { return };
    let clock = BusinessClock::system();
    let rows = Rows::new(clock.clone());
    let store = open(&redis.url());
    let supervisor = Supervisor::new(clock.clone());
    supervisor.spawn(Arc::new(Worker::new(
        store.clone(),
        clock.clone(),
        QUEUE,
        rows.clone(),
    )));
    let far = clock.now() + Duration::from_secs(3_600);
    let entries: Vec<Entry> = (0..2_500)
        .map(|n| rows.set(&format!("row{n}"), far))
        .collect();
    store.arm(QUEUE, &entries).await.unwrap();
    let mut connection = connect(&redis.url()).await;
    // The scripts go too: they are loaded again.
    let () = redis::cmd("SCRIPT")
        .arg("FLUSH")
        .query_async(&mut connection)
        .await
        .unwrap();
    let () = redis::cmd("FLUSHALL")
        .query_async(&mut connection)
        .await
        .unwrap();
    eventually(SOON, async || store.count(QUEUE).await.unwrap() == 2_500).await;
    supervisor.shutdown(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_arming_that_failed_is_made_good_from_sql() {
    let Some(mut redis) = own_redis() else { return };
    let clock = BusinessClock::manual(at(0));
    let rows = Rows::new(clock.clone());
    let store = open(&redis.url());
    let worker = Worker::new(store.clone(), clock.clone(), QUEUE, rows.clone());
    let stepper = Stepper::new(clock, vec![Arc::new(worker)]).unwrap();
    stepper.settle().await.unwrap();
    redis.kill().unwrap();
    store
        .arm(QUEUE, &[rows.set("row", at(3_600_000))])
        .await
        .unwrap_err();
    redis.start_again().unwrap();
    // Another worker has made every lane whole, but without that row.
    let bare = open(&redis.url());
    for lane in 0..LANES {
        let rearm = bare.begin_rearm(QUEUE, lane).await.unwrap();
        assert!(bare.finish_rearm(QUEUE, rearm).await.unwrap());
    }
    eventually(SOON, async || store.count(QUEUE).await.is_ok()).await;
    assert_eq!(store.count(QUEUE).await.unwrap(), 0);
    stepper.settle().await.unwrap();
    assert_eq!(store.next_due(QUEUE).await.unwrap(), Some(at(3_600_000)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_worker_asks_each_lane_once_a_step_and_nothing_else() {
    let Some(redis) = own_redis() else { return };
    let clock = BusinessClock::manual(at(0));
    let rows = Rows::new(clock.clone());
    let store = open(&redis.url());
    let worker = Worker::new(store.clone(), clock, QUEUE, rows.clone());
    store
        .arm(QUEUE, &[rows.set("far", at(3_600_000))])
        .await
        .unwrap();
    while worker.step().await.unwrap() == Step::Busy {}
    let mut connection = connect(&redis.url()).await;
    let before = calls(&mut connection).await;
    for _ in 0..10 {
        worker.step().await.unwrap();
    }
    let after = calls(&mut connection).await;
    let asked = |name| after.get(name).unwrap_or(&0) - before.get(name).unwrap_or(&0);
    assert_eq!(asked("evalsha"), 10 * u64::from(LANES));
    // INFO itself was counted once in between.
    assert_eq!(asked("info"), 1);
    assert_eq!(asked("zadd") + asked("publish"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_earlier_head_is_published() {
    let Some(redis) = own_redis() else { return };
    let store = open(&redis.url());
    let mut connection = connect(&redis.url()).await;
    let mut published = async || {
        calls(&mut connection)
            .await
            .get("publish")
            .copied()
            .unwrap_or(0)
    };
    store
        .arm(QUEUE, &[entry("a", 1, at(1_000), 0)])
        .await
        .unwrap();
    assert_eq!(published().await, 1, "the first of its lane");
    let later = [entry("b", 1, at(1_000), 0), entry("c", 1, at(2_000), 0)];
    store.arm(QUEUE, &later).await.unwrap();
    store
        .arm(QUEUE, &[entry("a", 2, at(5_000), 0)])
        .await
        .unwrap();
    assert_eq!(
        published().await,
        1,
        "as early, later, moved later: no news"
    );
    store
        .arm(QUEUE, &[entry("c", 2, at(999), 0)])
        .await
        .unwrap();
    assert_eq!(published().await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_carries_its_lane_as_its_only_hash_tag() {
    let Some(redis) = own_redis() else { return };
    let store = open(&redis.url());
    let entries: Vec<Entry> = (0..LANES).map(|lane| entry("a", 1, at(0), lane)).collect();
    store.arm(QUEUE, &entries).await.unwrap();
    let mut keys: Vec<String> = redis::cmd("KEYS")
        .arg("*")
        .query_async(&mut connect(&redis.url()).await)
        .await
        .unwrap();
    let mut expected: Vec<String> = (0..LANES)
        .map(|lane| format!("lotse:timers:v1:{QUEUE}:{{{lane}}}"))
        .collect();
    keys.sort();
    expected.sort();
    assert_eq!(keys, expected);
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused() {
    for (url, prefix) in [
        ("redis://localhost", "a{b}"),
        ("redis://localhost", ""),
        ("no url", "a"),
    ] {
        let refused = RedisTimers::open(url, prefix).err();
        assert!(
            matches!(refused, Some(StoreError::Config(_))),
            "{url} {prefix}"
        );
    }
}

/// Sixty seconds of paused tokio time: the job is looked at by the slow poll and no more.
#[tokio::test(start_paused = true)]
async fn a_supervised_idle_worker_does_not_poll_busily() {
    let clock = BusinessClock::manual(at(0));
    let rows = Rows::new(clock.clone());
    let store = Arc::new(LocalTimers::new());
    let worker = Arc::new(Counted::new(Worker::new(
        store.clone(),
        clock.clone(),
        QUEUE,
        rows.clone(),
    )));
    let supervisor = Supervisor::new(clock);
    supervisor.spawn(worker.clone());
    store
        .arm(QUEUE, &[rows.set("far", at(3_600_000))])
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let steps = worker.steps.load(std::sync::atomic::Ordering::SeqCst);
    assert!((60..=64).contains(&steps), "{steps} steps in a minute");
}

/// Counts the steps of a job.
struct Counted {
    job: Worker,
    steps: std::sync::atomic::AtomicU64,
}

impl Counted {
    fn new(job: Worker) -> Counted {
        Counted {
            job,
            steps: std::sync::atomic::AtomicU64::new(0),
        }
    }
}

#[async_trait::async_trait]
impl Job for Counted {
    fn name(&self) -> &str {
        self.job.name()
    }

    async fn step(&self) -> Result<Step, lotse_supervise::BoxError> {
        self.steps.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.job.step().await
    }

    async fn woken(&self) {
        self.job.woken().await;
    }
}
