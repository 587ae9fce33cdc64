//! Hundreds of timers, several workers, and a Redis or a clock that fails in the middle: each row
//! fires once, and none before its time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lotse_clock::{BusinessClock, Timestamp};
use lotse_supervise::Supervisor;
use lotse_testkit::{Road, eventually, own_redis};
use lotse_timers::{Entry, RedisTimers, TimerStore, Worker};

use crate::rows::Rows;
use crate::suite::QUEUE;

/// Longer than what is left takes with Redis away, on a busy machine too.
const SOON: Duration = Duration::from_secs(60);
/// Rows of one test.
const ROWS: u32 = 600;
/// In what time they come due.
const OVER: Duration = Duration::from_secs(3);
const HOUR: i64 = 3_600_000;

/// Workers over one table and one Redis.
struct Shift {
    clock: BusinessClock,
    rows: Arc<Rows>,
    store: Arc<RedisTimers>,
    supervisor: Supervisor,
    due: BTreeMap<String, Timestamp>,
}

impl Shift {
    fn start(url: &str, workers: usize, clock: BusinessClock) -> Self {
        let rows = Rows::new(clock.clone());
        let supervisor = Supervisor::new(clock.clone());
        let open = || Arc::new(RedisTimers::open(url, "lotse").unwrap());
        for _ in 0..workers {
            let worker = Worker::new(open(), clock.clone(), QUEUE, rows.clone());
            supervisor.spawn(Arc::new(worker));
        }
        Self {
            store: open(),
            clock,
            rows,
            supervisor,
            due: BTreeMap::new(),
        }
    }

    /// Commits rows that come due evenly from `first` on, and what is to be armed for them.
    fn commit(&mut self, first: Timestamp) -> Vec<Entry> {
        let row = |n: u32| (format!("row {n}"), first + OVER / ROWS * n);
        self.due.extend((0..ROWS).map(row));
        let set = |(row, due): (&String, &Timestamp)| self.rows.set(row, *due);
        self.due.iter().map(set).collect()
    }

    /// Arms them as a service does after its commit: a failure is the reconciler's to make good.
    async fn arm(&self, entries: &[Entry]) {
        self.store.arm(QUEUE, entries).await.ok();
    }

    async fn has_fired(&self, share: f64) {
        let enough = (self.due.len() as f64 * share) as usize;
        eventually(SOON, async || self.rows.fired().len() >= enough).await;
    }

    /// Workers work at the time that it is now: a row long overdue fires.
    async fn works(&mut self, row: &str) {
        let long_ago = Timestamp::from_millis(self.clock.now().as_millis() - 24 * HOUR);
        let entry = self.rows.set(row, long_ago);
        self.due.insert(row.to_owned(), long_ago);
        self.arm(&[entry]).await;
        let has_fired = || self.rows.fired().iter().any(|(fired, _)| fired == row);
        eventually(SOON, async || has_fired()).await;
    }

    /// All of them fire, each once, none early.
    async fn ends_well(self) {
        self.has_fired(1.0).await;
        self.supervisor
            .shutdown(Duration::from_secs(20))
            .await
            .unwrap();
        let fired = self.rows.fired();
        assert_eq!(fired.len(), self.due.len(), "an effect twice");
        let at: BTreeMap<String, Timestamp> = fired.into_iter().collect();
        for (row, due) in &self.due {
            assert!(at[row] >= *due, "{row} fired before its time");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_restarted_in_the_middle_loses_and_doubles_nothing() {
    let Some(mut redis) = own_redis() else { return };
    let mut shift = Shift::start(&redis.url(), 2, BusinessClock::system());
    let entries = shift.commit(shift.clock.now());
    shift.arm(&entries).await;
    shift.has_fired(0.2).await;
    redis.kill().unwrap();
    shift.has_fired(0.4).await;
    redis.start_again().unwrap();
    shift.ends_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_flushed_again_and_again_loses_and_doubles_nothing() {
    let Some(redis) = own_redis() else { return };
    let mut shift = Shift::start(&redis.url(), 4, BusinessClock::system());
    let entries = shift.commit(shift.clock.now());
    shift.arm(&entries).await;
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    for share in [0.2, 0.4, 0.6] {
        shift.has_fired(share).await;
        let flush = redis::cmd("FLUSHALL");
        let () = flush.query_async(&mut connection).await.unwrap();
    }
    shift.ends_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_answers_after_200_ms_loses_and_doubles_nothing() {
    let Some(redis) = own_redis() else { return };
    let road = Road::to(&redis.url()).await;
    road.takes(Duration::from_millis(100));
    let mut shift = Shift::start(&road.instead_of(&redis.url()), 2, BusinessClock::system());
    let entries = shift.commit(shift.clock.now());
    shift.arm(&entries).await;
    shift.ends_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_cut_off_until_all_is_overdue_loses_and_doubles_nothing() {
    let Some(redis) = own_redis() else { return };
    let road = Road::to(&redis.url()).await;
    let mut shift = Shift::start(&road.instead_of(&redis.url()), 2, BusinessClock::system());
    let entries = shift.commit(shift.clock.now());
    shift.arm(&entries).await;
    shift.has_fired(0.2).await;
    road.close();
    // Committed while nobody can be told.
    let late = shift.rows.set("while it was closed", shift.clock.now());
    shift.due.insert(late.row.clone(), late.due);
    shift.arm(&[late]).await;
    // From SQL, all of them.
    shift.has_fired(1.0).await;
    road.open();
    shift.ends_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_stepped_forward_and_back_loses_and_doubles_nothing() {
    let Some(redis) = own_redis() else { return };
    let off = Arc::new(AtomicI64::new(0));
    let mut shift = Shift::start(&redis.url(), 2, BusinessClock::stepped(off.clone()));
    // Due around an hour from now.
    let first = shift.clock.now() + Duration::from_millis(HOUR as u64) - OVER / 2;
    let entries = shift.commit(first);
    shift.arm(&entries).await;
    off.store(-HOUR, Ordering::SeqCst);
    shift.works("an hour back").await;
    assert_eq!(shift.rows.fired().len(), 1, "nothing else is due");
    off.store(HOUR, Ordering::SeqCst);
    shift.has_fired(0.5).await;
    off.store(0, Ordering::SeqCst);
    shift.works("back in the middle").await;
    off.store(HOUR, Ordering::SeqCst);
    shift.ends_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_from_before_the_clock_was_set_back_does_not_last_an_hour() {
    let Some(redis) = own_redis() else { return };
    let off = Arc::new(AtomicI64::new(HOUR));
    let clock = BusinessClock::stepped(off.clone());
    let shift = Shift::start(&redis.url(), 1, clock.clone());
    // Whole lanes, and a worker that has seen the time.
    let whole = async || {
        let claim = shift.store.claim(QUEUE, Timestamp::EPOCH, 1, OVER).await;
        claim.is_ok_and(|claim| claim.lost.is_empty())
    };
    eventually(SOON, whole).await;
    // Overdue on either clock, and claimed by somebody who is never heard of again.
    let due = clock.now() - Duration::from_millis(2 * HOUR as u64);
    let not_yet = shift.rows.set("overdue", clock.now() + 2 * SOON);
    let claimed = Entry {
        generation: not_yet.generation + 1,
        due: clock.now() + SOON / 2,
        ..not_yet
    };
    shift.store.arm(QUEUE, &[claimed]).await.unwrap();
    shift.rows.set("overdue", due);
    off.store(0, Ordering::SeqCst);
    eventually(SOON, async || shift.rows.fired().len() == 1).await;
    shift.supervisor.shutdown(OVER).await.unwrap();
}
