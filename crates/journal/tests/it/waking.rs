//! Processes wake each other over Redis; without it they look by themselves.

use std::time::Duration;

use lotse_clock::BusinessClock;
use lotse_journal::{Journal, JournalConfig, Wakeups};
use lotse_testkit::{TestDb, eventually, on_both_databases, own_redis, postgres, redis};

use crate::support::{LONG, Recorder, append, drive, effects, event, migrations, open, quick};

/// Never looks by itself.
fn deaf(replica: &str) -> JournalConfig {
    JournalConfig {
        poll: Duration::from_secs(3600),
        exclusive: Some(false),
        ..quick(replica)
    }
}

async fn over(db: lotse_db::Db, wakeups: Wakeups, config: JournalConfig) -> Journal {
    Journal::open(db, BusinessClock::system(), wakeups, config)
        .await
        .unwrap()
}

on_both_databases! {
    migrations = migrations;

    async fn a_commit_of_the_same_process_wakes_the_consumer(db: TestDb) {
        let journal = open(db.db(), deaf("a")).await;
        let job = journal.consumer_job(Recorder::on("a"));
        let woken = async {
            for n in 1..=5 {
                append(&journal, &[event("tkt_1", "x")]).await;
                eventually(LONG, || async { effects(&db).await.len() == n }).await;
            }
        };
        tokio::select! {
            () = drive(&job) => {}
            () = woken => {}
        }
    }

    async fn a_slow_look_backs_what_no_wake_up_tells(db: TestDb) {
        let writer = open(db.connect_again().await, quick("writer")).await;
        let reader = open(db.db(), quick("reader")).await;
        let job = reader.consumer_job(Recorder::on("reader"));
        let seen = async {
            for n in 1..=3 {
                append(&writer, &[event("tkt_1", "x")]).await;
                eventually(LONG, || async { effects(&db).await.len() == n }).await;
            }
        };
        tokio::select! {
            () = drive(&job) => {}
            () = seen => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_of_another_process_wakes_over_redis() {
    let (Some(db), Some(redis)) = (postgres(migrations).await, redis().await) else {
        return;
    };
    let wakeups = || Wakeups::redis(redis.url(), redis.prefix()).unwrap();
    let writer = over(db.connect_again().await, wakeups(), deaf("writer")).await;
    let reader = over(db.db(), wakeups(), deaf("reader")).await;
    let job = reader.consumer_job(Recorder::on("reader"));
    let (tells, hears) = (writer.jobs().remove(1), reader.jobs().remove(1));
    // Both have their line before anything is said.
    tells.step().await.unwrap();
    hears.step().await.unwrap();
    let woken = async {
        for n in 1..=3 {
            append(&writer, &[event("tkt_1", "x")]).await;
            eventually(LONG, || async { effects(&db).await.len() == n }).await;
        }
    };
    tokio::select! {
        () = drive(&job) => {}
        () = drive(&tells) => {}
        () = drive(&hears) => {}
        () = woken => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_replica_is_heard_of_over_redis() {
    let (Some(db), Some(redis)) = (postgres(migrations).await, redis().await) else {
        return;
    };
    let wakeups = || Wakeups::redis(redis.url(), redis.prefix()).unwrap();
    let a = over(db.connect_again().await, wakeups(), deaf("a")).await;
    let b = over(db.db(), wakeups(), deaf("b")).await;
    let (job_a, job_b) = (
        a.consumer_job(Recorder::on("a")),
        b.consumer_job(Recorder::on("b")),
    );
    let (tells, hears) = (a.jobs().remove(1), b.jobs().remove(1));
    tells.step().await.unwrap();
    hears.step().await.unwrap();
    job_a.step().await.unwrap();
    append(&b, &[event("tkt_1", "x")]).await;
    let handed_over = async {
        job_a.stop().await;
        eventually(LONG, || async { effects(&db).await.len() == 1 }).await;
    };
    tokio::select! {
        () = drive(&job_b) => {}
        () = drive(&tells) => {}
        () = drive(&hears) => {}
        () = handed_over => {}
    }
    assert_eq!(effects(&db).await[0].replica, "b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_line_is_found_again_after_redis_was_away() {
    let (Some(db), Some(mut redis)) = (postgres(migrations).await, own_redis()) else {
        return;
    };
    let wakeups = || Wakeups::redis(&redis.url(), "test:").unwrap();
    let writer = over(db.connect_again().await, wakeups(), deaf("writer")).await;
    let reader = over(db.db(), wakeups(), deaf("reader")).await;
    let (tells, hears) = (writer.jobs().remove(1), reader.jobs().remove(1));
    tells.step().await.unwrap();
    hears.step().await.unwrap();
    redis.kill().unwrap();
    append(&writer, &[event("tkt_1", "unheard")]).await;
    // The steps fail and say so; nothing else does.
    eventually(LONG, || async { tells.step().await.is_err() }).await;
    redis.start_again().unwrap();
    eventually(LONG, || async { tells.step().await.is_ok() }).await;
    let job = reader.consumer_job(Recorder::on("reader"));
    let woken = async {
        // The line back may take a moment; what is said before it stands is not heard.
        eventually(LONG, || async {
            append(&writer, &[event("tkt_1", "heard")]).await;
            effects(&db).await.len() > 1
        })
        .await;
    };
    tokio::select! {
        () = drive(&job) => {}
        () = drive(&tells) => {}
        () = drive(&hears) => {}
        () = woken => {}
    }
}
