//! An event that always fails is parked; its ticket waits, the rest flows, a redrive heals.

use lotse_journal::{Journal, Redrive};
use lotse_testkit::{TestDb, eventually, on_both_databases};

use crate::support::{
    LONG, Recorder, append, drive, effects, event, key_in, migrations, open, quick, settle,
};

/// The keys applied, in order.
async fn applied(db: &TestDb) -> Vec<String> {
    effects(db)
        .await
        .into_iter()
        .map(|effect| effect.key)
        .collect()
}

async fn parked(journal: &Journal) -> Vec<(i64, String, i32)> {
    let parked = journal.parked("recorder").await.unwrap();
    parked
        .into_iter()
        .map(|event| (event.position, event.key, event.attempts))
        .collect()
}

on_both_databases! {
    migrations = migrations;

    async fn a_poisoned_ticket_waits_and_the_rest_flows(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let recorder = Recorder::on("a");
        let job = journal.consumer_job(recorder.clone());
        let (bad, good, elsewhere) = (key_in(3, 0), key_in(3, 1), key_in(9, 0));
        recorder.poison(&bad);
        append(
            &journal,
            &[
                event(&good, "1"),
                event(&bad, "2"),
                event(&good, "3"),
                event(&bad, "4"),
                event(&elsewhere, "1"),
            ],
        )
        .await;
        let flowing = eventually(LONG, || async {
            let status = journal.status().await.unwrap();
            let done = status.iter().any(|one| one.lag() == 0 && one.parked() == 2);
            done.then_some(()).ok_or(status)
        });
        tokio::select! {
            () = drive(&job) => {}
            () = flowing => {}
        }
        let mut rest = applied(&db).await;
        rest.sort();
        let mut expected = vec![good.clone(), good.clone(), elsewhere.clone()];
        expected.sort();
        assert_eq!(rest, expected);
        // Three attempts at the first; the second only waits.
        assert_eq!(parked(&journal).await, [(2, bad.clone(), 3), (4, bad.clone(), 0)]);

        // Without healing a redrive changes nothing but the count.
        assert_eq!(journal.redrive("recorder", Redrive::All).await.unwrap(), 2);
        settle(&[&job]).await;
        assert_eq!(parked(&journal).await, [(2, bad.clone(), 4), (4, bad.clone(), 0)]);

        // Later events of the ticket queue up too.
        append(&journal, &[event(&bad, "5"), event(&good, "6")]).await;
        settle(&[&job]).await;
        assert_eq!(parked(&journal).await.len(), 3);

        recorder.heal();
        assert_eq!(journal.redrive("recorder", Redrive::Key(bad.clone())).await.unwrap(), 3);
        settle(&[&job]).await;
        assert!(parked(&journal).await.is_empty());
        let status = &journal.status().await.unwrap()[0];
        assert_eq!((status.lag(), status.parked()), (0, 0));
        let of_bad: Vec<i64> = effects(&db)
            .await
            .into_iter()
            .filter(|effect| effect.key == bad)
            .map(|effect| effect.position)
            .collect();
        assert_eq!(of_bad, [2, 4, 5]);

        // And the ticket flows again.
        append(&journal, &[event(&bad, "7")]).await;
        settle(&[&job]).await;
        assert_eq!(applied(&db).await.last(), Some(&bad));
        assert!(parked(&journal).await.is_empty());
    }

    async fn what_fails_a_few_times_and_then_succeeds_is_not_parked(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let recorder = Recorder::on("a");
        let job = journal.consumer_job(recorder.clone());
        let key = key_in(3, 0);
        recorder.poison(&key);
        append(&journal, &[event(&key, "1"), event(&key_in(3, 1), "2")]).await;
        let failing = eventually(LONG, || async {
            let status = &journal.status().await.unwrap();
            let bucket = status.first()?.buckets.get(3)?.clone();
            (bucket.attempts > 0).then_some(bucket)
        });
        let bucket = tokio::select! {
            () = drive(&job) => unreachable!(),
            bucket = failing => bucket,
        };
        assert!(!bucket.stopped());
        assert_eq!(bucket.error.as_deref(), Some("poisoned"));
        recorder.heal();
        let done = eventually(LONG, || async { applied(&db).await.len() == 2 });
        tokio::select! {
            () = drive(&job) => {}
            () = done => {}
        }
        assert!(parked(&journal).await.is_empty());
        let bucket = journal.status().await.unwrap()[0].buckets[3].clone();
        assert_eq!((bucket.attempts, bucket.error), (0, None));
    }

    async fn a_panic_parks_like_an_error(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let recorder = Recorder::on("a");
        let job = journal.consumer_job(recorder.clone());
        let key = key_in(3, 0);
        recorder.poison(&key);
        append(&journal, &[event(&key, "panic")]).await;
        let parking = eventually(LONG, || async { !parked(&journal).await.is_empty() });
        tokio::select! {
            () = drive(&job) => {}
            () = parking => {}
        }
        let error = journal.parked("recorder").await.unwrap()[0].error.clone();
        assert!(error.starts_with("panicked"), "{error}");
    }

    async fn on_a_manual_clock_attempts_take_no_time(db: TestDb) {
        use lotse_clock::{BusinessClock, Timestamp};
        use lotse_journal::{JournalConfig, Wakeups};
        use std::time::Duration;

        let clock = BusinessClock::manual(Timestamp::from_millis(1));
        let config = JournalConfig { retry: Duration::from_secs(3600), ..quick("a") };
        let journal = Journal::open(db.db(), clock, Wakeups::local(), config).await.unwrap();
        let recorder = Recorder::on("a");
        let job = journal.consumer_job(recorder.clone());
        let key = key_in(3, 0);
        recorder.poison(&key);
        append(&journal, &[event(&key, "1"), event(&key_in(3, 1), "2")]).await;
        settle(&[&job]).await;
        assert_eq!(parked(&journal).await, [(1, key, 3)]);
        assert_eq!(applied(&db).await, [key_in(3, 1)]);
    }

    async fn a_failure_counts_on_with_the_next_replica(db: TestDb) {
        use lotse_journal::JournalConfig;
        let alone = |replica| JournalConfig { exclusive: Some(true), ..quick(replica) };
        let key = key_in(3, 0);
        let a = open(db.db(), alone("a")).await;
        append(&a, &[event(&key, "1")]).await;
        let recorder = Recorder::on("a");
        recorder.poison(&key);
        // Its first attempt fails, then it dies.
        a.consumer_job(recorder.clone()).step().await.unwrap();
        assert_eq!(a.status().await.unwrap()[0].buckets[3].attempts, 1);
        let b = open(db.connect_again().await, alone("b")).await;
        let job = b.consumer_job(recorder);
        job.step().await.unwrap();
        assert_eq!(b.status().await.unwrap()[0].buckets[3].attempts, 2);
    }
}
