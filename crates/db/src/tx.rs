//! One transaction, run again when the database asks for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, IsolationLevel,
    QueryResult, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

use crate::Db;
use crate::failure::{OutcomeUnknown, certainly_rolled_back, connection_lost, retryable};

/// How often a transaction is run before its failure is the caller's.
const ATTEMPTS: u32 = 10;
/// Pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// An error that a transaction's work may end with.
pub trait TxError: From<DbErr> {
    /// The database's error in it, if that is what it is: some are worth another attempt.
    fn db_err(&self) -> Option<&DbErr>;
}

impl TxError for DbErr {
    fn db_err(&self) -> Option<&DbErr> {
        Some(self)
    }
}

/// The running transaction. A cheap handle: clones are the same transaction. It must not outlive
/// the work it was given to.
#[derive(Clone, Debug)]
pub struct Tx {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    transaction: DatabaseTransaction,
    /// The first failure of a statement. PostgreSQL answers COMMIT of a failed transaction with a
    /// silent rollback, so work that ignores an error must be told; on SQLite half of it would
    /// stay. Both refuse.
    failed: Mutex<Option<DbErr>>,
}

/// Why one attempt ended.
struct Ended<E> {
    error: E,
    again: bool,
}

impl Db {
    /// Runs `work` in one transaction: READ COMMITTED on PostgreSQL, BEGIN IMMEDIATE on the single
    /// writing connection of SQLite. Commits when it returns `Ok`, rolls back otherwise.
    ///
    /// `work` may run more than once, so it must not change anything but the database: a
    /// serialisation failure, a deadlock and a busy SQLite are tried again, up to ten times with a
    /// growing, jittered pause, also when COMMIT answers with them. A transaction whose COMMIT was
    /// not answered is never run again: its error [says so](crate::outcome_unknown).
    ///
    /// # Errors
    /// What `work` ends with, or the database's error.
    pub async fn in_tx<T, E, F, Fut>(&self, work: F) -> Result<T, E>
    where
        F: Fn(Tx) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, E>> + Send,
        T: Send,
        E: TxError + Send,
    {
        let mut attempt = 1;
        loop {
            // On the heap: the future of a use case is large, and each caller would carry it.
            match Box::pin(self.attempt(&work)).await {
                Ok(value) => return Ok(value),
                Err(Ended { error, again }) if again && attempt < ATTEMPTS => {
                    metrics::counter!("lotse_db_transaction_retries_total").increment(1);
                    if let Some(cause) = error.db_err() {
                        tracing::debug!(attempt, %cause, "running a transaction again");
                    }
                    tokio::time::sleep(pause_after(attempt)).await;
                    attempt += 1;
                }
                Err(Ended { error, .. }) => return Err(error),
            }
        }
    }

    /// One moment of the database, to be read with several statements; a service beside is neither
    /// stopped nor seen. Keep it short: PostgreSQL ends transactions that idle. Roll it back when
    /// done.
    ///
    /// # Errors
    /// The database's.
    pub async fn snapshot(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = match self.backend() {
            DbBackend::Sqlite => TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
                ..TransactionOptions::default()
            },
            _ => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..TransactionOptions::default()
            },
        };
        self.reader().begin_with_options(options).await
    }

    async fn attempt<T, E, F, Fut>(&self, work: &F) -> Result<T, Ended<E>>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: TxError,
    {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let begun = self.writer.begin_with_options(options).await;
        let transaction = begun.map_err(|error| Ended {
            // Nothing has been done yet, so a connection found dead costs nothing but another. A
            // pool that has none left has waited long enough.
            again: retryable(&error)
                || connection_lost(&error) && !matches!(error, DbErr::ConnectionAcquire(_)),
            error: E::from(error),
        })?;
        let tx = Tx::new(transaction);
        match work(tx.clone()).await {
            Ok(value) => tx.commit().await.map(|()| value),
            Err(error) => {
                let failure = tx.first_failure();
                let cause = failure.as_ref().or_else(|| error.db_err());
                let again = cause.is_some_and(retryable);
                tx.roll_back().await;
                Err(Ended { error, again })
            }
        }
    }
}

/// Between half of the pause and all of it, so that those who collided do not meet again.
fn pause_after(attempt: u32) -> Duration {
    let pause = FIRST_PAUSE * 2_u32.saturating_pow(attempt - 1);
    pause
        .min(LONGEST_PAUSE)
        .mul_f64(rand::random_range(0.5..1.0))
}

impl Tx {
    fn new(transaction: DatabaseTransaction) -> Self {
        let failed = Mutex::new(None);
        Self {
            inner: Arc::new(Inner {
                transaction,
                failed,
            }),
        }
    }

    /// For what sea-orm does only with its own type.
    pub(crate) fn transaction(&self) -> &DatabaseTransaction {
        &self.inner.transaction
    }

    fn first_failure(&self) -> Option<DbErr> {
        let failed = self.inner.failed.lock();
        failed.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn noting<T>(&self, outcome: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Err(error) = &outcome {
            let failed = self.inner.failed.lock();
            let mut failed = failed.unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert_with(|| error.clone());
        }
        outcome
    }

    async fn commit<E: TxError>(self) -> Result<(), Ended<E>> {
        if let Some(error) = self.first_failure() {
            let again = retryable(&error);
            self.roll_back().await;
            return Err(Ended {
                error: E::from(error),
                again,
            });
        }
        let Some(inner) = Arc::into_inner(self.inner) else {
            let error = DbErr::Custom("a handle of the transaction outlived its work".to_owned());
            return Err(Ended {
                error: E::from(error),
                again: false,
            });
        };
        inner.transaction.commit().await.map_err(|error| {
            if certainly_rolled_back(&error) {
                Ended {
                    again: retryable(&error),
                    error: E::from(error),
                }
            } else {
                metrics::counter!("lotse_db_unknown_commits_total").increment(1);
                Ended {
                    error: E::from(OutcomeUnknown::new(error).into_db_err()),
                    again: false,
                }
            }
        })
    }

    /// Ends the transaction before its locks are missed elsewhere. A failure to say so is no news:
    /// the server rolls back whatever loses its connection.
    async fn roll_back(self) {
        if let Some(inner) = Arc::into_inner(self.inner)
            && let Err(error) = inner.transaction.rollback().await
        {
            tracing::debug!(%error, "a rollback was not answered");
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Tx {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.noting(self.inner.transaction.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.noting(self.inner.transaction.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.noting(self.inner.transaction.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.noting(self.inner.transaction.query_all_raw(statement).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        assert!(pause_after(1) <= FIRST_PAUSE);
        for attempt in 1..=64 {
            assert!(pause_after(attempt) <= LONGEST_PAUSE, "{attempt}");
        }
        assert!(pause_after(64) >= LONGEST_PAUSE / 2);
    }
}
