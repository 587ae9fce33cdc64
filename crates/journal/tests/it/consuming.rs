//! Effects happen exactly once, whichever replica has the bucket and however it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lotse_journal::{Consumer, ConsumerError, Draft, JournalConfig, Recorded, Tx, bucket_of};
use lotse_supervise::Step;
use lotse_testkit::{Backend, TestDb, eventually, on_both_databases, postgres};
use tokio::sync::Notify;

use crate::support::{
    LONG, Recorder, append, assert_complete, drive, effects, event, key_in, migrations, note, open,
    quick, settle, sql,
};

/// One event for each of 200 tickets.
fn tickets(word: &str) -> Vec<Draft> {
    (0..200).map(|n| event(&format!("tkt_{n}"), word)).collect()
}

fn sharing(replica: &str, lease: Duration) -> JournalConfig {
    JournalConfig {
        lease,
        exclusive: Some(false),
        ..quick(replica)
    }
}

on_both_databases! {
    migrations = migrations;

    async fn everything_is_applied_once_in_batches(db: TestDb) {
        let journal = open(db.db(), JournalConfig { batch: 16, ..quick("a") }).await;
        let job = journal.consumer_job(Recorder::on("a"));
        append(&journal, &tickets("one")).await;
        settle(&[&job]).await;
        assert_complete(&db, 200).await;
        append(&journal, &tickets("two")).await;
        settle(&[&job]).await;
        assert_complete(&db, 400).await;
        let status = journal.status().await.unwrap();
        assert_eq!((status.len(), status[0].lag()), (1, 0));
        assert_eq!(status[0].buckets.len(), 64);
    }

    async fn answers_name_the_event_they_answer(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let recorder = Recorder {
            answered: Some(("ask", "answer")),
            ..Recorder::default()
        };
        let job = journal.consumer_job(Arc::new(recorder));
        append(&journal, &[event("tkt_1", "ask"), event("tkt_2", "ask"), event("tkt_2", "x")]).await;
        settle(&[&job]).await;
        assert_complete(&db, 5).await;
        let page = journal.read_feed(&journal.start().await.unwrap(), 640).await.unwrap();
        for key in ["tkt_1", "tkt_2"] {
            let of_key = || page.events.iter().filter(|event| event.key == key);
            let answer = of_key().max_by_key(|event| event.position).unwrap();
            assert_eq!(answer.principal, "recorder");
            // The latest event of the key in the batch.
            let cause = of_key().filter(|event| event.principal == "tester").max_by_key(|e| e.position);
            assert_eq!(answer.cause, cause.unwrap().reference());
        }
    }

    async fn a_restarted_process_goes_on_where_the_killed_one_was(db: TestDb) {
        let alone = |replica| JournalConfig { exclusive: Some(true), ..quick(replica) };
        let journal = open(db.db(), alone("first life")).await;
        append(&journal, &tickets("one")).await;
        {
            let job = journal.consumer_job(Recorder::on("first life"));
            // Killed after one batch: nothing is released.
            assert_eq!(job.step().await.unwrap(), Step::Busy);
        }
        let reborn = open(db.connect_again().await, alone("second life")).await;
        let job = reborn.consumer_job(Recorder::on("second life"));
        settle(&[&job]).await;
        assert_complete(&db, 200).await;
    }

    async fn two_replicas_share_the_buckets(db: TestDb) {
        let lease = Duration::from_secs(60);
        let a = open(db.db(), sharing("a", lease)).await;
        let b = open(db.connect_again().await, sharing("b", lease)).await;
        let (job_a, job_b) = (a.consumer_job(Recorder::on("a")), b.consumer_job(Recorder::on("b")));
        // A has everything until B asks; then A gives back what is B's.
        job_a.step().await.unwrap();
        let shared = async {
            eventually(LONG, || async {
                let owners = owners(&a).await;
                owners.contains(&"a".to_owned()) && owners.contains(&"b".to_owned())
                    && owners.len() == 2
            })
            .await;
            append(&a, &tickets("one")).await;
            eventually(LONG, || async { effects(&db).await.len() == 200 }).await;
        };
        tokio::select! {
            () = drive(&job_a) => {}
            () = drive(&job_b) => {}
            () = shared => {}
        }
        assert_complete(&db, 200).await;
        for replica in ["a", "b"] {
            assert!(effects(&db).await.iter().any(|effect| effect.replica == replica));
        }
    }

    async fn a_killed_replicas_buckets_move_to_the_other(db: TestDb) {
        let lease = Duration::from_millis(300);
        let a = open(db.db(), sharing("a", lease)).await;
        let b = open(db.connect_again().await, sharing("b", lease)).await;
        let (job_a, job_b) = (a.consumer_job(Recorder::on("a")), b.consumer_job(Recorder::on("b")));
        let both_have_some = eventually(LONG, || async { owners(&b).await.len() == 2 });
        tokio::select! {
            () = drive(&job_a) => {}
            () = drive(&job_b) => {}
            () = both_have_some => {}
        }
        // Now nobody drives A any more.
        append(&b, &tickets("after the kill")).await;
        let taken_over = eventually(LONG, || async {
            let effects = effects(&db).await;
            (effects.len() == 200).then_some(()).ok_or(effects.len())
        });
        tokio::select! {
            () = drive(&job_b) => {}
            () = taken_over => {}
        }
        assert_complete(&db, 200).await;
        assert_eq!(owners(&b).await, ["b"]);
    }

    async fn a_stopped_replica_hands_over_at_once(db: TestDb) {
        // So long that only the release can explain the hand-over.
        let lease = Duration::from_secs(3600);
        let a = open(db.db(), sharing("a", lease)).await;
        let b = open(db.connect_again().await, sharing("b", lease)).await;
        let (job_a, job_b) = (a.consumer_job(Recorder::on("a")), b.consumer_job(Recorder::on("b")));
        job_a.step().await.unwrap();
        assert_eq!(owners(&a).await, ["a"]);
        job_a.stop().await;
        append(&b, &tickets("one")).await;
        settle(&[&job_b]).await;
        assert_complete(&db, 200).await;
        assert_eq!(owners(&b).await, ["b"]);
    }

    async fn a_replica_that_slept_through_its_lease_applies_nothing(db: TestDb) {
        let lease = Duration::from_secs(3600);
        let a = open(db.db(), JournalConfig { poll: lease, ..sharing("a", lease) }).await;
        let b = open(db.connect_again().await, sharing("b", lease)).await;
        let (job_a, job_b) = (a.consumer_job(Recorder::on("a")), b.consumer_job(Recorder::on("b")));
        settle(&[&job_a]).await;
        sql(&db, "DELETE FROM journal_leases WHERE replica = 'a'").await;
        job_b.step().await.unwrap();
        // A believes that the buckets are its own, and knows of the events.
        append(&a, &tickets("one")).await;
        assert_eq!(job_a.step().await.unwrap(), Step::Busy);
        assert!(effects(&db).await.is_empty());
        // B learns of them at its next look.
        let applied = eventually(LONG, || async { effects(&db).await.len() == 200 });
        tokio::select! {
            () = drive(&job_b) => {}
            () = applied => {}
        }
        assert_complete(&db, 200).await;
        assert!(effects(&db).await.iter().all(|effect| effect.replica == "b"));
    }

    async fn a_kind_from_the_future_stops_its_bucket_and_nothing_else(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let job = journal.consumer_job(Recorder::on("a"));
        let (stopped, other) = (key_in(3, 0), key_in(5, 0));
        append(&journal, &[event(&stopped, "before"), event(&other, "before")]).await;
        // Field 500 of `Event`, an empty message, at position 2 of bucket 3.
        future_event(&db, 3, 2, &[0xa2, 0x1f, 0x00]).await;
        append(&journal, &[event(&stopped, "after"), event(&other, "after")]).await;
        settle(&[&job]).await;
        let applied: Vec<_> = effects(&db).await.iter().map(|e| (e.bucket, e.position)).collect();
        assert!(applied.contains(&(3, 1)) && !applied.contains(&(3, 3)));
        assert!(applied.contains(&(5, 2)));
        let status = &journal.status().await.unwrap()[0];
        let bucket = &status.buckets[3];
        assert!(bucket.stopped() && bucket.lag() == 2);
        assert!(bucket.error.as_ref().unwrap().contains("kind 500"));
        assert!(status.buckets.iter().filter(|bucket| bucket.stopped()).count() == 1);
        let feed = journal.read_feed(&journal.start().await.unwrap(), 640).await.unwrap();
        assert_eq!(feed.next.at(3), 1);
        assert_eq!(feed.next.at(5), 2);
    }

    async fn an_ignorable_kind_from_the_future_is_passed_over(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let job = journal.consumer_job(Recorder::on("a"));
        let key = key_in(3, 0);
        append(&journal, &[event(&key, "before")]).await;
        future_event(&db, 3, 2, &[0x50, 0x01, 0xa2, 0x1f, 0x00]).await;
        append(&journal, &[event(&key, "after")]).await;
        settle(&[&job]).await;
        let applied: Vec<_> = effects(&db).await.iter().map(|e| e.position).collect();
        assert_eq!(applied, [1, 3]);
        assert_eq!(journal.status().await.unwrap()[0].lag(), 0);
        let feed = journal.read_feed(&journal.start().await.unwrap(), 640).await.unwrap();
        assert_eq!((feed.events.len(), feed.next.at(3)), (2, 3));
    }
}

async fn owners(journal: &lotse_journal::Journal) -> Vec<String> {
    let status = journal.status().await.unwrap();
    let mut owners: Vec<String> = status
        .iter()
        .flat_map(|consumer| {
            consumer
                .buckets
                .iter()
                .filter_map(|bucket| bucket.owner.clone())
        })
        .collect();
    owners.sort();
    owners.dedup();
    owners
}

async fn future_event(db: &TestDb, bucket: u8, position: i64, payload: &[u8]) {
    let hex: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
    let bytes = match db.kind() {
        Backend::Sqlite => format!("x'{hex}'"),
        Backend::Postgres => format!("'\\x{hex}'::bytea"),
    };
    let statement = format!(
        "INSERT INTO journal VALUES ({bucket}, {position}, 'k', NULL, 500, 1, 1, 'p', 'c', '', {bytes})"
    );
    sql(db, &statement).await;
}

/// Stops inside its transaction until it is let go, as a process does that is suspended.
struct Suspended {
    entered: Notify,
    resume: Notify,
    once: AtomicBool,
}

#[async_trait]
impl Consumer for Suspended {
    fn name(&self) -> &'static str {
        "recorder"
    }

    async fn apply(&self, tx: &Tx, events: &[Recorded]) -> Result<(), ConsumerError> {
        if self.once.swap(false, Ordering::Relaxed) {
            self.entered.notify_one();
            self.resume.notified().await;
        }
        Ok(note(tx, "recorder", "zombie", events).await?)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zombies_transaction_fails() {
    let Some(db) = postgres(migrations).await else {
        return;
    };
    let mut config = db.config().clone();
    config.idle_in_transaction_timeout = Duration::from_millis(100);
    let zombie_db = lotse_db::Db::connect(&config).await.unwrap();
    let lease = Duration::from_secs(3600);
    let a = open(zombie_db, sharing("a", lease)).await;
    let b = open(db.db(), sharing("b", lease)).await;
    let zombie = Arc::new(Suspended {
        entered: Notify::new(),
        resume: Notify::new(),
        once: AtomicBool::new(true),
    });
    let (job_a, job_b) = (
        a.consumer_job(zombie.clone()),
        b.consumer_job(Recorder::on("b")),
    );
    let key = key_in(3, 0);
    append(&a, &[event(&key, "one")]).await;
    let takeover = async {
        zombie.entered.notified().await;
        // Its lease runs out while it is suspended inside the transaction.
        sql(&db, "DELETE FROM journal_leases WHERE replica = 'a'").await;
        settle(&[&job_b]).await;
        zombie.resume.notify_one();
    };
    let (outcome, ()) = tokio::join!(job_a.step(), takeover);
    assert!(outcome.is_err(), "the zombie committed");
    let effects = effects(&db).await;
    assert_eq!(effects.len(), 1);
    assert_eq!(effects[0].replica, "b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_fetched_in_an_older_epoch_is_fenced_out() {
    let Some(db) = postgres(migrations).await else {
        return;
    };
    // A's only connection is taken after it has fetched and before it begins.
    let mut config = db.config().clone();
    config.max_connections = 1;
    let a_db = lotse_db::Db::connect(&config).await.unwrap();
    let lease = Duration::from_secs(3600);
    let a = open(
        a_db.clone(),
        JournalConfig {
            poll: lease,
            ..sharing("a", lease)
        },
    )
    .await;
    let b = open(db.db(), sharing("b", lease)).await;
    let (job_a, job_b) = (
        a.consumer_job(Recorder::on("a")),
        b.consumer_job(Recorder::on("b")),
    );
    settle(&[&job_a]).await;
    append(&a, &[event(&key_in(3, 0), "one")]).await;
    let (held, done) = (Notify::new(), Notify::new());
    let holder = a_db.in_tx(|_tx| async {
        held.notify_one();
        done.notified().await;
        Ok::<_, sea_orm::DbErr>(())
    });
    let race = async {
        held.notified().await;
        let step = job_a.step();
        tokio::pin!(step);
        // Long enough to fetch; then it waits for a connection.
        assert!(
            tokio::time::timeout(Duration::from_millis(200), &mut step)
                .await
                .is_err()
        );
        sql(&db, "DELETE FROM journal_leases WHERE replica = 'a'").await;
        settle(&[&job_b]).await;
        done.notify_one();
        step.await.unwrap();
    };
    let (holder, ()) = tokio::join!(holder, race);
    holder.unwrap();
    let effects = effects(&db).await;
    assert_eq!(effects.len(), 1);
    assert_eq!(effects[0].replica, "b");
    assert_eq!(bucket_of(&effects[0].key), 3);
}
