//! A timer first reads what its service has not yet seen.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use lotse_journal::{ConsumerError, JournalConfig, Tx};
use lotse_testkit::{Backend, TestDb, eventually, on_both_databases};
use sea_orm::{ConnectionTrait as _, DbErr, Statement};

use crate::support::{
    LONG, Recorder, append, assert_complete, effects, event, key_in, migrations, open, origin,
    quick, settle, sql,
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
                async move { journal.catch_up(&tx, &**recorder, &[&key_in(9, 0), &key_in(3, 0), &key_in(3, 1)]).await }
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
                async move { journal.catch_up(&tx, &**recorder, &[&key_in(3, 0)]).await }
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
                    journal.catch_up(&tx, &**recorder, &[&key_in(3, 0)]).await?;
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
            async move { journal.catch_up(&tx, &**recorder, &[&key_in(3, 0)]).await }
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

    async fn what_comes_in_about_a_judged_key_is_heard_before_the_commit(db: TestDb) {
        if db.kind() == Backend::Sqlite {
            // One writer at a time: nothing comes in meanwhile.
            return;
        }
        let journal = open(db.db(), quick("a")).await;
        let recorder = Recorder::on("a");
        let (judged, other) = (key_in(3, 0), key_in(3, 1));
        for (late, runs) in [(&judged, 2), (&other, 1)] {
            let ran = AtomicUsize::new(0);
            let timer = origin();
            journal
                .in_tx(&timer, |tx| {
                    let (journal, recorder, ran, judged) = (&journal, &recorder, &ran, &judged);
                    async move {
                        journal.catch_up(&tx, &**recorder, &[judged]).await?;
                        if ran.fetch_add(1, Ordering::Relaxed) == 0 {
                            // Nobody has to wait for the timer.
                            append(journal, &[event(late, "late")]).await;
                        }
                        tx.emit(event(judged, "fired"));
                        Ok::<_, ConsumerError>(())
                    }
                })
                .await
                .map_err(ConsumerError::into_source)
                .unwrap();
            assert_eq!(ran.into_inner(), runs);
        }
        let page = journal.read_feed(&journal.start().await.unwrap(), 64).await.unwrap();
        let order: Vec<_> = page.events.iter().map(crate::support::word).collect();
        assert_eq!(order, ["late", "fired", "late", "fired"], "heard, then judged");
        settle(&[&journal.consumer_job(recorder)]).await;
        assert_complete(&db, 4).await;
    }

    async fn timers_and_commands_on_the_same_rows_never_wait_in_a_circle(db: TestDb) {
        let sessions = sessions(&db).await;
        let opened = db.connect_again().await;
        let journal = open(opened.clone(), quick("a")).await;
        let recorder = Recorder::on("a");
        let keys: Vec<String> = (0..4).map(|number| key_in(number % 2, number.into())).collect();
        for row in 0..4 {
            sql(&opened, &format!("INSERT INTO shared_rows VALUES ({row}, 0)")).await;
        }
        let origin = origin();
        let (journal, recorder, keys, origin) = (&journal, &recorder, &keys, &origin);
        // Rows are locked in their own order, as services do; buckets come in any.
        let touch = async |tx: &Tx, row: usize| {
            let sql = format!("UPDATE shared_rows SET touched = touched + 1 WHERE id = {row}");
            tx.execute_unprepared(&sql).await.map(|_| ())
        };
        let timer = async |number: usize| {
            for round in 0..40 {
                let key = &keys[(number + round) % keys.len()];
                let fired = journal.in_tx(origin, |tx| async move {
                    journal.catch_up(&tx, &**recorder, &[key]).await?;
                    touch(&tx, round % 2).await?;
                    touch(&tx, 2 + round % 2).await?;
                    tx.emit(event(key, "fired"));
                    Ok::<_, ConsumerError>(())
                });
                fired.await.map_err(ConsumerError::into_source).unwrap();
            }
        };
        let command = async |number: usize| {
            for round in 0..40 {
                let key = &keys[(number + round) % keys.len()];
                let (first, second) = (round % 2, 2 + (round + number) % 2);
                let done = journal.in_tx(origin, |tx| async move {
                    touch(&tx, first).await?;
                    tx.emit(event(key, "done"));
                    tokio::task::yield_now().await;
                    touch(&tx, second).await?;
                    tx.emit(event(&keys[number], "done"));
                    Ok::<_, DbErr>(())
                });
                done.await.unwrap();
            }
        };
        let timers = join_all((0..3).map(timer));
        let commands = join_all((0..3).map(command));
        tokio::join!(timers, commands);
        settle(&[&journal.consumer_job(recorder.clone())]).await;
        assert_complete(&opened, 3 * 40 + 3 * 80).await;
        if db.kind() == Backend::Postgres {
            // A session has reported what it counted when it has ended.
            opened.close().await.unwrap();
            eventually(LONG, || async {
                let now = crate::catching_up::sessions(&db).await;
                (now <= sessions).then_some(()).ok_or((sessions, now))
            })
            .await;
            let count = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
            assert_eq!(number(&db, count).await, 0);
        }
    }
}

/// How many sessions this database has.
async fn sessions(db: &TestDb) -> i64 {
    match db.kind() {
        Backend::Sqlite => 0,
        Backend::Postgres => {
            let count = "SELECT COUNT(*) FROM pg_stat_activity \
                         WHERE datname = current_database() AND backend_type = 'client backend'";
            number(db, count).await
        }
    }
}

async fn number(db: &TestDb, sql: &str) -> i64 {
    let statement = Statement::from_string(db.backend(), sql);
    let row = db.reader().query_one_raw(statement).await.unwrap();
    row.unwrap().try_get_by(0).unwrap()
}
