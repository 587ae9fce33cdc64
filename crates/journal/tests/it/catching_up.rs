//! A timer first reads what its service has not yet seen.

use std::time::Duration;

use lotse_journal::{ConsumerError, JournalConfig, bucket_of};
use lotse_testkit::{Backend, TestDb, on_both_databases};
use tokio::sync::Notify;

use crate::support::{
    Recorder, append, assert_complete, effects, event, key_in, migrations, open, origin, quick,
    settle,
};

on_both_databases! {
    migrations = migrations;

    async fn it_applies_what_is_unread_and_moves_the_cursors(db: TestDb) {
        let journal = open(db.db(), JournalConfig { batch: 4, ..quick("a") }).await;
        let recorder = Recorder::on("a");
        let job = journal.consumer_job(recorder.clone());
        append(&journal, &[event(&key_in(3, 0), "read before")]).await;
        settle(&[&job]).await;
        // More than one batch in one bucket, some in a second, some elsewhere.
        let mut drafts: Vec<_> = (0..10).map(|_| event(&key_in(3, 0), "x")).collect();
        drafts.push(event(&key_in(9, 0), "x"));
        drafts.push(event(&key_in(20, 0), "left"));
        append(&journal, &drafts).await;
        let applied = journal
            .in_tx(&origin(), |tx| {
                let (journal, recorder) = (&journal, &recorder);
                async move { journal.catch_up(&tx, &**recorder, &[9, 3, 3]).await }
            })
            .await;
        assert_eq!(applied.map_err(|error| error.to_string()), Ok(11));
        let buckets = journal.status().await.unwrap()[0].buckets.clone();
        assert_eq!((buckets[3].lag(), buckets[9].lag(), buckets[20].lag()), (0, 0, 1));
        // The loop goes on from there.
        settle(&[&job]).await;
        assert_complete(&db, 13).await;
    }

    async fn it_works_before_the_consumers_loop_ever_ran(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let recorder = Recorder::on("a");
        append(&journal, &[event(&key_in(3, 0), "x")]).await;
        let applied = journal
            .in_tx(&origin(), |tx| {
                let (journal, recorder) = (&journal, &recorder);
                async move { journal.catch_up(&tx, &**recorder, &[3]).await }
            })
            .await;
        assert_eq!(applied.map_err(|error| error.to_string()), Ok(1));
        settle(&[&journal.consumer_job(recorder)]).await;
        assert_complete(&db, 1).await;
    }

    async fn what_it_applies_is_undone_with_its_transaction(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let recorder = Recorder::on("a");
        append(&journal, &[event(&key_in(3, 0), "x")]).await;
        let failed = journal
            .in_tx(&origin(), |tx| {
                let (journal, recorder) = (&journal, &recorder);
                async move {
                    journal.catch_up(&tx, &**recorder, &[3]).await?;
                    Err::<(), _>(ConsumerError::other("the timer failed"))
                }
            })
            .await;
        assert!(failed.is_err());
        assert!(effects(&db).await.is_empty());
        settle(&[&journal.consumer_job(recorder)]).await;
        assert_complete(&db, 1).await;
    }

    async fn a_poisoned_event_holds_the_timer_until_it_is_parked(db: TestDb) {
        use lotse_clock::{BusinessClock, Timestamp};
        use lotse_journal::{Journal, Wakeups};

        let clock = BusinessClock::manual(Timestamp::from_millis(1));
        let journal = Journal::open(db.db(), clock, Wakeups::local(), quick("a")).await.unwrap();
        let recorder = Recorder::on("a");
        let job = journal.consumer_job(recorder.clone());
        let (bad, good) = (key_in(3, 0), key_in(3, 1));
        recorder.poison(&bad);
        append(&journal, &[event(&bad, "1")]).await;
        let timer = origin();
        let catch_up = || journal.in_tx(&timer, |tx| {
            let (journal, recorder) = (&journal, &recorder);
            async move { journal.catch_up(&tx, &**recorder, &[3]).await }
        });
        assert!(catch_up().await.is_err());
        settle(&[&job]).await;
        append(&journal, &[event(&bad, "2"), event(&good, "3")]).await;
        assert_eq!(catch_up().await.map_err(|error| error.to_string()), Ok(2));
        // The good one was applied, the other event of the bad key parked behind the first.
        let applied: Vec<_> = effects(&db).await.into_iter().map(|effect| effect.key).collect();
        assert_eq!(applied, [good]);
        assert_eq!(journal.parked("recorder").await.unwrap().len(), 2);
        assert_eq!(journal.status().await.unwrap()[0].parked(), 2);
    }

    async fn nothing_is_appended_to_its_buckets_until_it_ends(db: TestDb) {
        if db.kind() == Backend::Sqlite {
            // One writer at a time.
            return;
        }
        let journal = open(db.db(), quick("a")).await;
        let recorder = Recorder::on("a");
        let (caught, done) = (Notify::new(), Notify::new());
        let timer = origin();
        let firing = journal.in_tx(&timer, |tx| {
            let (journal, recorder, caught, done) = (&journal, &recorder, &caught, &done);
            async move {
                journal.catch_up(&tx, &**recorder, &[3]).await?;
                caught.notify_one();
                done.notified().await;
                tx.emit(event(&key_in(3, 0), "fired"));
                Ok::<_, ConsumerError>(())
            }
        });
        let reply = async {
            caught.notified().await;
            let late = [event(&key_in(3, 1), "late")];
            let late = append(&journal, &late);
            tokio::pin!(late);
            let early = tokio::time::timeout(Duration::from_millis(50), &mut late).await;
            assert!(early.is_err(), "appended beside the firing timer");
            done.notify_one();
            late.await;
        };
        let (fired, ()) = tokio::join!(firing, reply);
        assert!(fired.is_ok());
        let page = journal.read_feed(&journal.start().await.unwrap(), 64).await.unwrap();
        let order: Vec<_> = page.events.iter().map(crate::support::word).collect();
        assert_eq!(order, ["fired", "late"]);
        assert_eq!(bucket_of(&page.events[0].key), 3);
    }
}
