//! The same request id gives the same response, once executed.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::join_all;
use lotse_db::TxError;
use lotse_journal::{
    Call, Earlier, Journal, JournalConfig, OpenError, Origin, RequestIdReused, Wakeups,
};
use lotse_proto::journal::v1::{ConfigurationChanged, TicketUpdated};
use lotse_testkit::{TestDb, on_both_databases};
use sea_orm::DbErr;

use crate::support::{event, migrations, open, quick, sql};

#[derive(Debug, thiserror::Error, PartialEq)]
enum Error {
    #[error(transparent)]
    Db(#[from] DbErr),
    #[error(transparent)]
    Reused(#[from] RequestIdReused),
    #[error("refused")]
    Refused,
}

impl TxError for Error {
    fn db_err(&self) -> Option<&DbErr> {
        match self {
            Self::Db(error) => Some(error),
            Self::Reused(_) | Self::Refused => None,
        }
    }
}

fn caller(principal: &str) -> Origin {
    Origin {
        principal: principal.to_owned(),
        cause: "request".to_owned(),
    }
}

fn request(category: &str) -> TicketUpdated {
    TicketUpdated {
        category: category.to_owned(),
        // In any order of making: the fingerprint must not depend on it.
        attributes: [("b", "2"), ("a", "1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..TicketUpdated::default()
    }
}

/// Runs a command that answers with the number of its execution.
async fn call(
    journal: &Journal,
    executions: &AtomicU32,
    (principal, method, id): (&str, &'static str, &str),
    category: &str,
) -> Result<u32, Error> {
    let response: ConfigurationChanged = journal
        .command(
            &caller(principal),
            method,
            id,
            &request(category),
            |tx| async move {
                let version = executions.fetch_add(1, Ordering::Relaxed) + 1;
                tx.emit(event("tkt_1", category));
                Ok::<_, Error>(ConfigurationChanged {
                    version,
                    ..ConfigurationChanged::default()
                })
            },
        )
        .await?;
    Ok(response.version)
}

async fn events(journal: &Journal) -> usize {
    let start = journal.start().await.unwrap();
    journal.read_feed(&start, 6_400).await.unwrap().events.len()
}

on_both_databases! {
    migrations = migrations;

    async fn a_repeated_command_answers_the_same_and_does_nothing(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let executions = AtomicU32::new(0);
        for _ in 0..3 {
            let version = call(&journal, &executions, ("p", "m", "id"), "x").await;
            assert_eq!(version, Ok(1));
        }
        assert_eq!(events(&journal).await, 1);
        // Also after a restart.
        let reborn = open(db.connect_again().await, quick("b")).await;
        assert_eq!(call(&reborn, &executions, ("p", "m", "id"), "x").await, Ok(1));
    }

    async fn another_body_under_the_same_id_is_refused(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let executions = AtomicU32::new(0);
        call(&journal, &executions, ("p", "m", "id"), "x").await.unwrap();
        let refused = call(&journal, &executions, ("p", "m", "id"), "y").await;
        let reused = RequestIdReused { request_id: "id".to_owned() };
        assert_eq!(refused, Err(Error::Reused(reused)));
        assert_eq!((executions.into_inner(), events(&journal).await), (1, 1));
    }

    async fn ids_are_each_callers_and_each_methods_own(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let executions = AtomicU32::new(0);
        for (key, expected) in [
            (("p", "m", "id"), 1),
            (("q", "m", "id"), 2),
            (("p", "n", "id"), 3),
            (("p", "m", "other"), 4),
            (("p", "m", "id"), 1),
        ] {
            assert_eq!(call(&journal, &executions, key, "x").await, Ok(expected));
        }
    }

    async fn without_an_id_every_call_counts(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let executions = AtomicU32::new(0);
        assert_eq!(call(&journal, &executions, ("p", "m", ""), "x").await, Ok(1));
        assert_eq!(call(&journal, &executions, ("p", "m", ""), "x").await, Ok(2));
    }

    async fn concurrent_calls_with_one_id_have_one_effect(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let executions = AtomicU32::new(0);
        let calls = (0..16).map(|_| call(&journal, &executions, ("p", "m", "id"), "x"));
        let versions: Vec<u32> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
        // Which execution won does not matter; all callers hear of the same one.
        assert!(versions.iter().all(|version| *version == versions[0]), "{versions:?}");
        assert_eq!(events(&journal).await, 1);
    }

    async fn of_concurrent_calls_with_two_bodies_one_is_refused(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let executions = AtomicU32::new(0);
        let (x, y) = tokio::join!(
            call(&journal, &executions, ("p", "m", "id"), "x"),
            call(&journal, &executions, ("p", "m", "id"), "y"),
        );
        assert_ne!(x.is_ok(), y.is_ok());
        let loser = if x.is_ok() { y } else { x };
        assert!(matches!(loser, Err(Error::Reused(_))));
        assert_eq!(events(&journal).await, 1);
    }

    async fn a_refused_command_may_be_tried_again(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let executions = AtomicU32::new(0);
        let refused: Result<ConfigurationChanged, Error> = journal
            .command(&caller("p"), "m", "id", &request("x"), |tx| async move {
                tx.emit(event("tkt_1", "lost"));
                Err(Error::Refused)
            })
            .await;
        assert_eq!(refused.unwrap_err(), Error::Refused);
        assert_eq!(call(&journal, &executions, ("p", "m", "id"), "x").await, Ok(1));
        assert_eq!(events(&journal).await, 1);
    }

    async fn calls_that_share_a_transaction_are_told_apart(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let id = |id: &str| Origin { cause: id.to_owned(), ..caller("p") };
        let made = |name: &str, category: &str| Call::new(&id(name), "m", &request(category)).unwrap();
        let calls = [made("one", "x"), made("two", "x")];
        let answer = |calls: Vec<Call>| {
            let journal = journal.clone();
            async move {
                journal
                    .in_tx(&caller("p"), |tx| {
                        let calls = &calls;
                        async move {
                            let answers: Vec<_> =
                                calls.iter().map(|call| (call, call.id().2.into())).collect();
                            tx.answer(&answers).await
                        }
                    })
                    .await
            }
        };
        assert_eq!(answer(calls.to_vec()).await, Ok(true));
        // One of them again: the whole batch has to be given up.
        assert_eq!(answer(vec![made("three", "x"), calls[0].clone()]).await, Ok(false));
        let asked = [made("two", "x"), made("one", "y"), made("four", "x"), made("one", "x")];
        let earlier = journal
            .in_tx(&caller("p"), |tx| {
                let asked: Vec<&Call> = asked.iter().collect();
                async move { tx.earlier(&asked).await }
            })
            .await;
        let expected = vec![
            Earlier::Answered("two".into()),
            Earlier::Reused,
            Earlier::Nothing,
            Earlier::Answered("one".into()),
        ];
        assert_eq!(earlier, Ok::<_, DbErr>(expected));
        assert_eq!(Call::new(&id(""), "m", &request("x")), None);
        // And a single command meets what a batch has stored.
        let executions = AtomicU32::new(0);
        let refused = call(&journal, &executions, ("p", "m", "one"), "y").await;
        assert!(matches!(refused, Err(Error::Reused(_))));
    }

    async fn only_old_commands_are_swept(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let executions = AtomicU32::new(0);
        call(&journal, &executions, ("p", "m", "old"), "x").await.unwrap();
        call(&journal, &executions, ("p", "m", "young"), "x").await.unwrap();
        let day = 24 * 60 * 60 * 1000;
        sql(
            &db,
            &format!("UPDATE commands SET created_at = created_at - {} WHERE request_id = 'old'", 3 * day),
        )
        .await;
        sql(
            &db,
            &format!("UPDATE commands SET created_at = created_at - {day} WHERE request_id = 'young'"),
        )
        .await;
        assert_eq!(journal.sweep_commands().await, Ok(1));
        assert_eq!(call(&journal, &executions, ("p", "m", "young"), "x").await, Ok(2));
        assert_eq!(call(&journal, &executions, ("p", "m", "old"), "x").await, Ok(3));
    }

    async fn responses_cannot_be_kept_for_less_than_a_day(db: TestDb) {
        let config = JournalConfig { keep_commands: Duration::from_secs(3600), ..quick("a") };
        let clock = lotse_clock::BusinessClock::system();
        let opened = Journal::open(db.db(), clock, Wakeups::local(), config).await;
        assert!(matches!(opened.err(), Some(OpenError::KeepsTooShort)));
    }
}
