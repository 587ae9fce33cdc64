//! The worker over either store: on the manual clock, and live with two replicas.

use std::sync::Arc;
use std::time::Duration;

use lotse_clock::BusinessClock;
use lotse_supervise::{Job, Step, Stepper, Supervisor};
use lotse_testkit::eventually;
use lotse_timers::{Entry, LANES, TimerStore, Worker};

use crate::Place;
use crate::rows::Rows;
use crate::suite::{LEASE, QUEUE, at};

fn worker(store: &Arc<dyn TimerStore>, clock: &BusinessClock, rows: &Arc<Rows>) -> Arc<Worker> {
    Arc::new(Worker::new(
        store.clone(),
        clock.clone(),
        QUEUE,
        rows.clone(),
    ))
}

/// A manual clock at `at(0)`, an empty table, and a driver of one worker.
fn stage(place: &Place) -> (BusinessClock, Arc<Rows>, Stepper) {
    let clock = BusinessClock::manual(at(0));
    let rows = Rows::new(clock.clone());
    let stepper = Stepper::new(clock.clone(), vec![worker(&place.store, &clock, &rows)]).unwrap();
    (clock, rows, stepper)
}

fn named(fired: &[(&str, i64)]) -> Vec<(String, lotse_clock::Timestamp)> {
    fired
        .iter()
        .map(|(row, millis)| ((*row).to_owned(), at(*millis)))
        .collect()
}

pub(crate) async fn what_is_due_fires_at_its_time_and_once(place: Place) {
    let (_, rows, stepper) = stage(&place);
    stepper.settle().await.unwrap();
    let entries = [rows.set("late", at(90_000)), rows.set("soon", at(1_000))];
    place.store.arm(QUEUE, &entries).await.unwrap();
    // Moved to an earlier and to a later time.
    place
        .store
        .arm(QUEUE, &[rows.set("earlier", at(80_000))])
        .await
        .unwrap();
    place
        .store
        .arm(QUEUE, &[rows.set("earlier", at(500))])
        .await
        .unwrap();
    place
        .store
        .arm(QUEUE, &[rows.set("later", at(600))])
        .await
        .unwrap();
    place
        .store
        .arm(QUEUE, &[rows.set("later", at(95_000))])
        .await
        .unwrap();
    stepper.advance_to(at(100_000)).await.unwrap();
    let expected = [
        ("earlier", 500),
        ("soon", 1_000),
        ("late", 90_000),
        ("later", 95_000),
    ];
    assert_eq!(rows.fired(), named(&expected));
    assert_eq!(place.store.count(QUEUE).await.unwrap(), 0);
}

pub(crate) async fn work_of_a_worker_killed_between_claim_and_effect_is_done_after_the_lease(
    place: Place,
) {
    let (clock, rows, stepper) = stage(&place);
    stepper.settle().await.unwrap();
    place
        .store
        .arm(QUEUE, &[rows.set("a", at(1_000))])
        .await
        .unwrap();
    // Another replica claims it, and is never heard of again.
    clock.set(at(1_000)).unwrap();
    let claimed = place
        .replica()
        .claim(QUEUE, at(1_000), 10, LEASE)
        .await
        .unwrap();
    assert_eq!(claimed.entries.len(), 1);
    stepper.advance_to(at(10_999)).await.unwrap();
    assert_eq!(rows.fired(), []);
    stepper.advance_to(at(20_000)).await.unwrap();
    assert_eq!(rows.fired(), named(&[("a", 11_000)]));
}

pub(crate) async fn what_the_store_lost_fires_on_time(place: Place) {
    let (_, rows, stepper) = stage(&place);
    let row = |n: i64| format!("row{n:04}");
    let entries: Vec<Entry> = (0..1_000)
        .map(|n| rows.set(&row(n), at(1_000 + n)))
        .collect();
    place.store.arm(QUEUE, &entries).await.unwrap();
    stepper.advance_to(at(1_499)).await.unwrap();
    assert_eq!(rows.fired().len(), 500);
    place.lose_everything().await;
    stepper.advance_to(at(5_000)).await.unwrap();
    let expected: Vec<_> = (0..1_000).map(|n| (row(n), at(1_000 + n))).collect();
    assert_eq!(rows.fired(), expected);
}

pub(crate) async fn a_row_whose_arming_never_happened_fires_on_time_after_a_restart(place: Place) {
    let (clock, rows, stepper) = stage(&place);
    stepper.settle().await.unwrap();
    rows.set("committed, then killed", at(60_000));
    // The next process: a new worker on the same store and table.
    let job = worker(&place.replica(), &clock, &rows);
    let stepper = Stepper::new(clock, vec![job]).unwrap();
    stepper.advance_to(at(100_000)).await.unwrap();
    assert_eq!(rows.fired(), named(&[("committed, then killed", 60_000)]));
}

pub(crate) async fn a_row_armed_by_nobody_is_found_by_the_reconciler(place: Place) {
    let clock = BusinessClock::system();
    let rows = Rows::new(clock.clone());
    let supervisor = Supervisor::new(clock.clone());
    supervisor.spawn(worker(&place.store, &clock, &rows));
    // Whole lanes first, so that what follows is not found by arming them again.
    eventually(Duration::from_secs(10), async || is_whole(&place).await).await;
    rows.set("forgotten", clock.now());
    eventually(Duration::from_secs(10), async || rows.fired().len() == 1).await;
    supervisor.shutdown(Duration::from_secs(5)).await.unwrap();
}

async fn is_whole(place: &Place) -> bool {
    // A claim of nothing: the beginning of time, no entry.
    let claim = place
        .store
        .claim(QUEUE, lotse_clock::Timestamp::EPOCH, 1, LEASE)
        .await;
    claim.is_ok_and(|claim| claim.lost.is_empty())
}

pub(crate) async fn a_paused_row_does_not_fire(place: Place) {
    let (_, rows, stepper) = stage(&place);
    stepper.settle().await.unwrap();
    let (kept, forgotten) = (
        rows.set("cancelled", at(1_000)),
        rows.set("left armed", at(1_000)),
    );
    place
        .store
        .arm(QUEUE, &[kept.clone(), forgotten])
        .await
        .unwrap();
    rows.pause("cancelled");
    rows.pause("left armed");
    // The process of the second died between its commit and the cancelling: the fence holds.
    place.store.cancel(QUEUE, &[kept]).await.unwrap();
    stepper.advance_to(at(100_000)).await.unwrap();
    assert_eq!(rows.fired(), []);
    let calls = rows.calls.lock().unwrap().clone();
    assert_eq!(calls, [["left armed"]]);
}

pub(crate) async fn two_workers_fire_every_row_once(place: Place) {
    let clock = BusinessClock::system();
    let rows = Rows::new(clock.clone());
    let supervisor = Supervisor::new(clock.clone());
    supervisor.spawn(worker(&place.store, &clock, &rows));
    supervisor.spawn(worker(&place.replica(), &clock, &rows));
    let now = clock.now();
    let entries: Vec<Entry> = (0..2_000)
        .map(|n| rows.set(&format!("row{n}"), now + Duration::from_millis(n / 4)))
        .collect();
    place.store.arm(QUEUE, &entries).await.unwrap();
    eventually(Duration::from_secs(20), async || {
        rows.fired().len() >= 2_000
    })
    .await;
    eventually(Duration::from_secs(20), async || {
        place.store.count(QUEUE).await.unwrap() == 0
    })
    .await;
    supervisor.shutdown(Duration::from_secs(5)).await.unwrap();
    let mut fired: Vec<String> = rows.fired().into_iter().map(|(row, _)| row).collect();
    assert_eq!(fired.len(), 2_000);
    fired.sort();
    fired.dedup();
    assert_eq!(fired.len(), 2_000, "no effect twice");
}

pub(crate) async fn a_few_rows_fire_together_whatever_their_lanes(place: Place) {
    let clock = BusinessClock::system();
    let rows = Rows::new(clock.clone());
    let job = worker(&place.store, &clock, &rows);
    let now = clock.now();
    let entries: Vec<Entry> = (0..10).map(|n| rows.set(&format!("row{n}"), now)).collect();
    place.store.arm(QUEUE, &entries).await.unwrap();
    job.step().await.unwrap();
    let calls: Vec<usize> = rows.calls.lock().unwrap().iter().map(Vec::len).collect();
    assert_eq!(calls, [10]);
    assert_eq!(rows.fired().len(), 10);
}

pub(crate) async fn a_row_that_always_fails_does_not_stop_the_others(place: Place) {
    let clock = BusinessClock::system();
    let rows = Rows::new(clock.clone());
    // All of one lane: the same letters in another order. The broken ones come first.
    let now = clock.now();
    let broken = ["abcd", "abdc", "acbd"];
    let sound = ["acdb", "adbc", "adcb", "bacd", "badc", "bcad"];
    for (n, row) in broken.iter().chain(&sound).enumerate() {
        rows.set(row, now - Duration::from_millis(100 - n as u64));
    }
    rows.broken
        .lock()
        .unwrap()
        .extend(broken.map(str::to_owned));
    let supervisor = Supervisor::new(clock.clone());
    supervisor.spawn(worker(&place.store, &clock, &rows));
    eventually(Duration::from_secs(10), async || {
        rows.fired().len() == sound.len()
    })
    .await;
    supervisor.shutdown(Duration::from_secs(5)).await.unwrap();
    assert_eq!(
        place.store.count(QUEUE).await.unwrap(),
        3,
        "the broken ones are kept"
    );
}

pub(crate) async fn a_batch_that_failed_once_fires_at_the_next_step(place: Place) {
    let (clock, rows, stepper) = stage(&place);
    for row in ["abc", "acb", "bac"] {
        place
            .store
            .arm(QUEUE, &[rows.set(row, at(1_000))])
            .await
            .unwrap();
    }
    *rows.failures_left.lock().unwrap() = 2;
    for _ in 0..2 {
        stepper.advance_to(at(5_000)).await.unwrap_err();
        assert_eq!(
            clock.now(),
            at(1_000),
            "time does not pass what has not fired"
        );
    }
    stepper.advance_to(at(5_000)).await.unwrap();
    assert_eq!(
        rows.fired(),
        named(&[("abc", 1_000), ("acb", 1_000), ("bac", 1_000)])
    );
}

pub(crate) async fn an_idle_worker_steps_once_a_second_and_only_looks(place: Place) {
    let (_, rows, stepper) = stage(&place);
    let far = rows.set("far", at(3_600_000));
    place.store.arm(QUEUE, &[far]).await.unwrap();
    stepper.settle().await.unwrap();
    let job = worker(&place.store, &BusinessClock::manual(at(0)), &rows);
    // The first steps arm what is there; from then on there is nothing to do for an hour.
    while job.step().await.unwrap() == Step::Busy {}
    for _ in 0..usize::from(LANES) {
        assert_eq!(
            job.step().await.unwrap(),
            Step::Idle {
                until: Some(at(3_600_000))
            }
        );
    }
    assert_eq!(job.poll_every(), Duration::from_secs(1));
    assert!(rows.calls.lock().unwrap().is_empty());
}
