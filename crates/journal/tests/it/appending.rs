//! Positions are dense, in order and visible in order, whoever writes at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use lotse_clock::{BusinessClock, Timestamp};
use lotse_journal::{Journal, Wakeups, bucket_of};
use lotse_testkit::{Backend, TestDb, eventually, on_both_databases};
use sea_orm::{ConnectionTrait, DbErr};

use crate::support::{
    LONG, Recorder, append, assert_complete, drive, event, key_in, migrations, open, origin, quick,
    sql, word,
};

const WRITERS: usize = 32;
const WRITES: usize = 12;

/// Lets every commit take up to ten milliseconds, after all its statements.
async fn slow_commits(db: &TestDb) {
    if db.kind() == Backend::Postgres {
        sql(
            db,
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN PERFORM pg_sleep(random() * 0.01); RETURN NULL; END $$",
        )
        .await;
        sql(
            db,
            "CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON journal \
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle()",
        )
        .await;
    }
}

on_both_databases! {
    migrations = migrations;

    async fn with_32_slow_writers_nothing_is_skipped_or_read_twice(db: TestDb) {
        slow_commits(&db).await;
        let journal = open(db.db(), quick("writer")).await;
        let reader = open(db.connect_again().await, quick("reader")).await;
        let job = reader.consumer_job(Recorder::on("reader"));
        let written = AtomicUsize::new(0);
        let writers = join_all((0..WRITERS).map(|writer| {
            let (journal, written) = (&journal, &written);
            async move {
                for write in 0..WRITES {
                    // Few keys, so that writers meet; two of them each time, so that they could
                    // lock in opposite order.
                    let a = event(&format!("tkt_{}", (writer + write) % 7), "a");
                    let b = event(&format!("tkt_{}", (writer * 3 + write) % 5), "b");
                    append(journal, &[a, b]).await;
                    written.fetch_add(2, Ordering::Relaxed);
                }
            }
        }));
        let all = WRITERS * WRITES * 2;
        let done = async {
            writers.await;
            eventually(LONG, || async {
                let lag = journal.status().await.unwrap()[0].lag();
                (lag == 0).then_some(()).ok_or(lag)
            })
            .await;
        };
        tokio::select! {
            () = drive(&job) => {}
            () = done => {}
        }
        assert_eq!(written.into_inner(), all);
        assert_complete(&db, all).await;
    }

    async fn events_of_one_transaction_keep_their_order(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        // More than one statement takes.
        let words: Vec<String> = (0..600).map(|n| n.to_string()).collect();
        let drafts: Vec<_> = words.iter().map(|word| event("tkt_1", word)).collect();
        append(&journal, &drafts).await;
        append(&journal, &[event("tkt_1", "last")]).await;
        let page = journal.read_feed(&journal.start().await.unwrap(), 64_000).await.unwrap();
        let read: Vec<&str> = page.events.iter().map(word).collect();
        let mut expected: Vec<&str> = words.iter().map(String::as_str).collect();
        expected.push("last");
        assert_eq!(read, expected);
        let positions: Vec<i64> = page.events.iter().map(|event| event.position).collect();
        assert_eq!(positions, (1..=601).collect::<Vec<_>>());
    }

    async fn a_rolled_back_use_case_leaves_no_event_and_no_gap(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        append(&journal, &[event("tkt_1", "first")]).await;
        let failed = journal
            .in_tx(&origin(), |tx| async move {
                tx.emit(event("tkt_1", "lost"));
                Err::<(), _>(DbErr::Custom("no".to_owned()))
            })
            .await;
        assert!(failed.is_err());
        append(&journal, &[event("tkt_1", "second")]).await;
        let page = journal.read_feed(&journal.start().await.unwrap(), 64).await.unwrap();
        let read: Vec<_> = page.events.iter().map(|e| (e.position, word(e))).collect();
        assert_eq!(read, [(1, "first"), (2, "second")]);
    }

    async fn live_events_are_stamped_by_the_business_clock_and_imports_keep_their_time(db: TestDb) {
        let now = Timestamp::from_millis(1_000_000);
        let clock = BusinessClock::manual(now);
        let wakeups = Wakeups::local();
        let journal = Journal::open(db.db(), clock, wakeups, quick("a")).await.unwrap();
        let past = Timestamp::from_millis(5);
        append(&journal, &[event("tkt_1", "live"), event("tkt_1", "import").at(past)]).await;
        let page = journal.read_feed(&journal.start().await.unwrap(), 64).await.unwrap();
        let times: Vec<_> = page.events.iter().map(|e| (e.occurred_at, e.recorded_at)).collect();
        assert_eq!(times, [(now, now), (past, now)]);
        let first = &page.events[0];
        assert_eq!((first.principal.as_str(), first.cause.as_str()), ("tester", "test"));
        assert_eq!(first.ticket_id.as_deref(), Some("tkt_1"));
        assert_eq!(first.bucket, bucket_of("tkt_1"));
    }

    async fn a_clock_a_little_behind_does_not_turn_a_bucket_back(db: TestDb) {
        let mut stamps = Vec::new();
        // The second replica is a little behind, the fourth far behind: that one is believed.
        for millis in [100_000, 98_000, 101_000, 1_000] {
            let now = Timestamp::from_millis(millis);
            let clock = BusinessClock::manual(now);
            let journal = Journal::open(db.db(), clock, Wakeups::local(), quick("a")).await.unwrap();
            append(&journal, &[event("tkt_1", "x")]).await;
            let page = journal.read_feed(&journal.start().await.unwrap(), 6_400).await.unwrap();
            let last = page.events.iter().max_by_key(|event| event.position).unwrap();
            stamps.push(last.recorded_at.as_millis());
        }
        assert_eq!(stamps, [100_000, 100_000, 101_000, 1_000]);
    }

    async fn a_writer_in_another_lane_does_not_wait(db: TestDb) {
        if db.kind() == Backend::Sqlite {
            // One writer at a time, whatever the lane.
            return;
        }
        let journal = open(db.db(), quick("a")).await;
        let held = Arc::new(tokio::sync::Notify::new());
        let done = Arc::new(tokio::sync::Notify::new());
        let holder = db.in_tx(|tx| {
            let (held, done) = (Arc::clone(&held), Arc::clone(&done));
            async move {
                let lock = format!(
                    "SELECT pg_advisory_xact_lock({}, {})",
                    0x4C6F_746A, bucket_of(&key_in(0, 0))
                );
                tx.execute_unprepared(&lock).await?;
                held.notify_one();
                done.notified().await;
                Ok::<_, DbErr>(())
            }
        });
        let writers = async {
            held.notified().await;
            append(&journal, &[event(&key_in(4, 0), "other lane")]).await;
            let same = [event(&key_in(0, 1), "same bucket")];
            let blocked = append(&journal, &same);
            let waited = tokio::time::timeout(Duration::from_millis(50), blocked).await;
            assert!(waited.is_err(), "the lock of the bucket holds nobody up");
            done.notify_one();
        };
        let (holder, ()) = tokio::join!(holder, writers);
        holder.unwrap();
    }
}
