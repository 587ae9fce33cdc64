//! What a transaction does when something fails.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::join_all;
use lotse_db::{Tx, meta, outcome_unknown, sqlstate};
use lotse_testkit::{TestDb, on_both_databases, postgres};
use sea_orm::{ConnectionTrait, DbErr};
use tokio::sync::{Barrier, Notify};

async fn value(db: &TestDb, name: &str) -> Option<String> {
    meta::get(db.reader(), name).await.unwrap()
}

on_both_databases! {
    migrations = lotse_db::migrations;

    async fn what_returns_ok_is_there_and_what_fails_is_not(db: TestDb) {
        let done = db.in_tx(|tx| async move {
            meta::set(&tx, "kept", "1").await?;
            Ok::<_, DbErr>(7)
        });
        assert_eq!(done.await, Ok(7));
        let failed: Result<(), DbErr> = db
            .in_tx(|tx| async move {
                meta::set(&tx, "lost", "1").await?;
                Err(DbErr::Custom("changed its mind".to_owned()))
            })
            .await;
        assert_eq!(failed, Err(DbErr::Custom("changed its mind".to_owned())));
        assert_eq!(value(&db, "kept").await.as_deref(), Some("1"));
        assert_eq!(value(&db, "lost").await, None);
    }

    async fn the_reader_cannot_write(db: TestDb) {
        let refused = meta::set(db.reader(), "sneaked", "1").await;
        assert!(refused.is_err());
        assert_eq!(value(&db, "sneaked").await, None);
    }

    async fn work_that_ignores_a_failed_statement_is_rolled_back(db: TestDb) {
        let outcome = db
            .in_tx(|tx| async move {
                meta::set(&tx, "half", "1").await?;
                let _ignored = tx.execute_unprepared("SELECT * FROM no_such_table").await;
                Ok::<_, DbErr>(())
            })
            .await;
        assert!(outcome.unwrap_err().to_string().contains("no_such_table"));
        assert_eq!(value(&db, "half").await, None);
    }

    async fn a_handle_that_outlives_its_work_fails_the_transaction(db: TestDb) {
        let kept: Mutex<Vec<Tx>> = Mutex::default();
        let outcome = db
            .in_tx(|tx| {
                kept.lock().unwrap().push(tx.clone());
                async move { meta::set(&tx, "leaked", "1").await }
            })
            .await;
        assert!(outcome.unwrap_err().to_string().contains("outlived"));
        kept.lock().unwrap().clear();
        assert_eq!(value(&db, "leaked").await, None);
    }

    async fn concurrent_increments_all_count(db: TestDb) {
        db.in_tx(|tx| async move { meta::set(&tx, "count", "0").await }).await.unwrap();
        let increment = || db.in_tx(|tx| async move {
            tx.execute_unprepared(
                "UPDATE meta SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) \
                 WHERE name = 'count'",
            )
            .await
        });
        for outcome in join_all((0..40).map(|_| increment())).await {
            outcome.unwrap();
        }
        assert_eq!(value(&db, "count").await.as_deref(), Some("40"));
    }

    async fn a_cancelled_transaction_leaves_nothing_and_blocks_nobody(db: TestDb) {
        let begun = Notify::new();
        let stuck = db.in_tx(|tx| {
            let begun = &begun;
            async move {
                meta::set(&tx, "cancelled", "1").await?;
                begun.notify_one();
                std::future::pending::<Result<(), DbErr>>().await
            }
        });
        tokio::select! {
            outcome = stuck => panic!("it ended: {outcome:?}"),
            () = begun.notified() => {}
        }
        db.in_tx(|tx| async move { meta::set(&tx, "next", "1").await }).await.unwrap();
        assert_eq!(value(&db, "cancelled").await, None);
        assert_eq!(value(&db, "next").await.as_deref(), Some("1"));
    }

    async fn facts_are_kept_and_replaced(db: TestDb) {
        use lotse_clock::Timestamp;
        assert_eq!(meta::manual_clock(db.reader()).await, Ok(None));
        for millis in [5, 9] {
            let now = Timestamp::from_millis(millis);
            db.in_tx(|tx| async move { meta::set_manual_clock(&tx, now).await }).await.unwrap();
            assert_eq!(meta::manual_clock(db.reader()).await, Ok(Some(now)));
        }
    }
}

async fn raise(tx: &Tx, code: &str) -> Result<(), DbErr> {
    let sql = format!("DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '{code}'; END $$");
    tx.execute_unprepared(&sql).await.map(|_| ())
}

#[tokio::test]
async fn serialisation_failures_and_deadlocks_are_run_again() {
    let Some(db) = postgres(lotse_db::migrations).await else {
        return;
    };
    for code in ["40001", "40P01"] {
        let attempts = AtomicU32::new(0);
        let outcome = db
            .in_tx(|tx| {
                let attempt = attempts.fetch_add(1, Ordering::Relaxed);
                async move {
                    if attempt < 2 {
                        raise(&tx, code).await?;
                    }
                    meta::set(&tx, code, "1").await
                }
            })
            .await;
        assert_eq!(outcome, Ok(()));
        assert_eq!(attempts.into_inner(), 3);
        assert_eq!(value(&db, code).await.as_deref(), Some("1"));
    }
}

#[tokio::test]
async fn other_failures_are_not_run_again() {
    let Some(db) = postgres(lotse_db::migrations).await else {
        return;
    };
    for code in ["23505", "57014", "55P03"] {
        let attempts = AtomicU32::new(0);
        let outcome = db
            .in_tx(|tx| {
                attempts.fetch_add(1, Ordering::Relaxed);
                async move { raise(&tx, code).await }
            })
            .await;
        assert_eq!(sqlstate(&outcome.unwrap_err()).as_deref(), Some(code));
        assert_eq!(attempts.into_inner(), 1, "{code}");
    }
}

#[tokio::test]
async fn the_last_of_ten_attempts_is_the_callers() {
    let Some(db) = postgres(lotse_db::migrations).await else {
        return;
    };
    let attempts = AtomicU32::new(0);
    let outcome = db
        .in_tx(|tx| {
            attempts.fetch_add(1, Ordering::Relaxed);
            async move { raise(&tx, "40001").await }
        })
        .await;
    assert_eq!(sqlstate(&outcome.unwrap_err()).as_deref(), Some("40001"));
    assert_eq!(attempts.into_inner(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_lock_in_opposite_order_both_succeed() {
    let Some(db) = postgres(lotse_db::migrations).await else {
        return;
    };
    db.in_tx(|tx| async move {
        meta::set(&tx, "a", "0").await?;
        meta::set(&tx, "b", "0").await
    })
    .await
    .unwrap();
    let met = Barrier::new(2);
    let crossing = |first: &'static str, second: &'static str| {
        let attempts = AtomicU32::new(0);
        let (db, met) = (&db, &met);
        async move {
            db.in_tx(|tx| {
                let attempt = attempts.fetch_add(1, Ordering::Relaxed);
                async move {
                    meta::set(&tx, first, first).await?;
                    if attempt == 0 {
                        met.wait().await;
                    }
                    meta::set(&tx, second, first).await
                }
            })
            .await
        }
    };
    let (one, two) = tokio::join!(crossing("a", "b"), crossing("b", "a"));
    assert_eq!((one, two), (Ok(()), Ok(())));
    assert_eq!(value(&db, "a").await, value(&db, "b").await);
}

/// Makes COMMIT of a transaction that touches `doomed` run `body`, after all its statements went
/// well.
async fn at_commit(db: &TestDb, body: &str) {
    let function = format!(
        "CREATE FUNCTION doom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; \
         END $$"
    );
    db.in_tx(|tx| {
        let function = &function;
        async move {
            tx.execute_unprepared("CREATE TABLE doomed (id INTEGER)")
                .await?;
            tx.execute_unprepared("CREATE SEQUENCE attempts").await?;
            tx.execute_unprepared(function).await?;
            tx.execute_unprepared(
                "CREATE CONSTRAINT TRIGGER doom AFTER INSERT ON doomed \
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION doom()",
            )
            .await
        }
    })
    .await
    .unwrap();
}

async fn doomed_rows(db: &TestDb) -> i64 {
    let sql = "SELECT count(*) FROM doomed";
    let statement = sea_orm::Statement::from_string(db.backend(), sql);
    let row = db.reader().query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by(0).unwrap()
}

#[tokio::test]
async fn a_commit_that_certainly_rolled_back_is_run_again() {
    let Some(db) = postgres(lotse_db::migrations).await else {
        return;
    };
    // Sequences do not roll back, so this fails the first two commits only.
    at_commit(
        &db,
        "IF nextval('attempts') < 3 THEN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END IF;",
    )
    .await;
    let attempts = AtomicU32::new(0);
    let outcome = db
        .in_tx(|tx| {
            attempts.fetch_add(1, Ordering::Relaxed);
            async move { tx.execute_unprepared("INSERT INTO doomed VALUES (1)").await }
        })
        .await;
    outcome.unwrap();
    assert_eq!(attempts.into_inner(), 3);
    assert_eq!(doomed_rows(&db).await, 1);
}

#[tokio::test]
async fn a_commit_without_an_answer_is_not_run_again_and_says_so() {
    let Some(db) = postgres(lotse_db::migrations).await else {
        return;
    };
    at_commit(&db, "PERFORM pg_terminate_backend(pg_backend_pid());").await;
    let attempts = AtomicU32::new(0);
    let outcome = db
        .in_tx(|tx| {
            attempts.fetch_add(1, Ordering::Relaxed);
            async move { tx.execute_unprepared("INSERT INTO doomed VALUES (1)").await }
        })
        .await;
    let error = outcome.unwrap_err();
    assert!(outcome_unknown(&error).is_some(), "{error}");
    assert_eq!(attempts.into_inner(), 1);
    // The pool has learnt of it.
    db.in_tx(|tx| async move { meta::set(&tx, "after", "1").await })
        .await
        .unwrap();
}

#[tokio::test]
async fn connections_found_dead_at_begin_are_replaced() {
    let Some(db) = postgres(lotse_db::migrations).await else {
        return;
    };
    let warm = || db.in_tx(|tx| async move { meta::set(&tx, "warm", "1").await });
    for outcome in join_all((0..4).map(|_| warm())).await {
        outcome.unwrap();
    }
    let killer = db.connect_again().await;
    killer
        .in_tx(|tx| async move {
            tx.execute_unprepared(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .await
        })
        .await
        .unwrap();
    assert_eq!(warm().await, Ok(()));
}

#[tokio::test]
async fn a_stuck_transaction_loses_its_locks() {
    let Some(db) = postgres(lotse_db::migrations).await else {
        return;
    };
    let mut config = db.config().clone();
    config.idle_in_transaction_timeout = Duration::from_millis(50);
    let hasty = lotse_db::Db::connect(&config).await.unwrap();
    let (held, done) = (Notify::new(), Notify::new());
    let stuck = hasty.in_tx(|tx| {
        let (held, done) = (&held, &done);
        async move {
            meta::set(&tx, "locked", "stuck").await?;
            held.notify_one();
            done.notified().await;
            meta::set(&tx, "locked", "late").await
        }
    });
    let other = async {
        held.notified().await;
        let outcome = db
            .in_tx(|tx| async move { meta::set(&tx, "locked", "free").await })
            .await;
        done.notify_one();
        outcome
    };
    let (stuck, other) = tokio::join!(stuck, other);
    assert_eq!(other, Ok(()));
    assert!(stuck.is_err());
    assert_eq!(value(&db, "locked").await.as_deref(), Some("free"));
}

#[tokio::test]
async fn sqlite_waits_for_another_process_that_writes() {
    let db = lotse_testkit::sqlite(lotse_db::migrations).await;
    let mut config = db.config().clone();
    // So short that only running the transaction again helps.
    config.busy_timeout = Duration::from_millis(1);
    let other = lotse_db::Db::connect(&config).await.unwrap();
    let (held, tried) = (Notify::new(), Notify::new());
    let holder = db.in_tx(|tx| {
        let (held, tried) = (&held, &tried);
        async move {
            meta::set(&tx, "first", "1").await?;
            held.notify_one();
            tried.notified().await;
            Ok::<_, DbErr>(())
        }
    });
    let waiter = async {
        held.notified().await;
        let blocked = other.in_tx(|tx| async move { meta::set(&tx, "second", "1").await });
        tokio::pin!(blocked);
        // Busy at least once, then the holder lets go.
        let first_tries = tokio::time::timeout(Duration::from_millis(30), &mut blocked).await;
        assert!(first_tries.is_err());
        tried.notify_one();
        blocked.await
    };
    let (holder, waiter) = tokio::join!(holder, waiter);
    assert_eq!((holder, waiter), (Ok(()), Ok(())));
    assert_eq!(value(&db, "second").await.as_deref(), Some("1"));
}
