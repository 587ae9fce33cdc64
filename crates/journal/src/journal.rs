//! The journal as the services hold it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lotse_clock::BusinessClock;
use lotse_db::{Db, TxError};
use lotse_supervise::Job;
use sea_orm::{DbBackend, DbErr};

use crate::append::{NotAppended, append};
use crate::consumer::Consumer;
use crate::event::Origin;
use crate::heads::Heads;
use crate::incarnation;
use crate::job::ConsumerJob;
use crate::sweep::Sweeper;
use crate::tx::{Source, Tx};
use crate::wakeups::Wakeups;

/// Shortest time that responses of commands are kept: what api.md promises to callers.
const KEEP_AT_LEAST: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs of a transaction that is overtaken each time, before it is given up.
const RUNS: u32 = 20;

/// What can be chosen about the journal.
#[derive(Debug, Clone)]
pub struct JournalConfig {
    /// The name of this replica, different from all others and from its own former lives. By
    /// default a random one.
    pub replica: String,
    /// How long a replica that no longer speaks keeps its buckets: what a kill costs, at most, with
    /// one poll interval. Replicas' clocks must agree better than this, or buckets change hands for
    /// nothing; fencing keeps their effects single.
    pub lease: Duration,
    /// How often to look without a wake-up.
    pub poll: Duration,
    /// Events of one batch. On PostgreSQL of one bucket, and a lane has four.
    pub batch: u32,
    /// Lanes that one consumer of one replica reads at the same time. PostgreSQL only.
    pub lanes_at_once: usize,
    /// Failures after which an event is parked.
    pub attempts: i32,
    /// Pause after the first failure of an event; it doubles with each further one.
    pub retry: Duration,
    /// How long responses of commands are kept for callers that repeat them: at least 24 hours.
    pub keep_commands: Duration,
    /// Whether this is the only process that reads the journal. It then takes all buckets at once,
    /// also those of a process that was killed a moment ago. Wrong only costs peace: fencing holds
    /// in any case. By default true on SQLite and false on PostgreSQL.
    pub exclusive: Option<bool>,
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self {
            replica: format!("{:016x}", rand::random::<u64>()),
            lease: Duration::from_secs(5),
            poll: Duration::from_secs(1),
            batch: 256,
            lanes_at_once: 4,
            attempts: 5,
            retry: Duration::from_millis(200),
            keep_commands: 2 * KEEP_AT_LEAST,
            exclusive: None,
        }
    }
}

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The journal was made with another number of buckets or another hash: its events stand where
    /// this program would not look for them.
    #[error("the journal was made with {what} {stored:?}, this program has {here:?}")]
    OtherShape {
        /// `buckets` or `hash`.
        what: &'static str,
        /// As stored.
        stored: String,
        /// As this program has it.
        here: String,
    },
    /// Commands would be forgotten while callers may still repeat them.
    #[error("responses must be kept for 24 hours at least")]
    KeepsTooShort,
    /// The database failed.
    #[error("cannot open the journal: {0}")]
    Db(#[from] DbErr),
}

/// Why a transaction ended without a commit.
enum Ended<E> {
    /// The work's own error.
    Work(E),
    /// More came in about what it [judged](Journal::catch_up).
    Overtaken,
}

impl<E: TxError> From<DbErr> for Ended<E> {
    fn from(error: DbErr) -> Self {
        Self::Work(E::from(error))
    }
}

impl<E: TxError> From<NotAppended> for Ended<E> {
    fn from(error: NotAppended) -> Self {
        match error {
            NotAppended::Overtaken => Self::Overtaken,
            NotAppended::Db(error) => error.into(),
        }
    }
}

impl<E: TxError> TxError for Ended<E> {
    fn db_err(&self) -> Option<&DbErr> {
        match self {
            Self::Work(error) => error.db_err(),
            Self::Overtaken => None,
        }
    }
}

/// The journal. Cloning is cheap; clones are the same journal.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
}

struct Shared {
    db: Db,
    clock: BusinessClock,
    wakeups: Wakeups,
    heads: Arc<Heads>,
    config: JournalConfig,
    /// Consumers whose cursors are known to be there.
    with_cursors: Mutex<HashSet<&'static str>>,
}

impl Journal {
    /// Opens the journal in a migrated database; founds it in a fresh one.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(
        db: Db,
        clock: BusinessClock,
        wakeups: Wakeups,
        config: JournalConfig,
    ) -> Result<Self, OpenError> {
        if config.keep_commands < KEEP_AT_LEAST {
            return Err(OpenError::KeepsTooShort);
        }
        incarnation::found_or_check(&db).await?;
        Ok(Self {
            shared: Arc::new(Shared {
                db,
                clock,
                wakeups,
                heads: Arc::new(Heads::new()),
                config,
                with_cursors: Mutex::default(),
            }),
        })
    }

    /// The database it is in.
    pub fn db(&self) -> &Db {
        &self.shared.db
    }

    /// The clock that stamps events.
    pub fn clock(&self) -> &BusinessClock {
        &self.shared.clock
    }

    /// Runs one use case: everything in one transaction, what it [emits](Tx::emit) appended as the
    /// last thing in it, readers woken after its commit. `work` may run more than once, see
    /// [`Db::in_tx`].
    ///
    /// # Errors
    /// What `work` ends with, or the database's error.
    pub async fn in_tx<T, E, F, Fut>(&self, origin: &Origin, work: F) -> Result<T, E>
    where
        F: Fn(Tx) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, E>> + Send,
        T: Send,
        E: TxError + Send,
    {
        self.run(|| Source::command(origin.clone()), work).await
    }

    pub(crate) async fn run<T, E, F, Fut>(
        &self,
        source: impl Fn() -> Source + Send + Sync,
        work: F,
    ) -> Result<T, E>
    where
        F: Fn(Tx) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, E>> + Send,
        T: Send,
        E: TxError + Send,
    {
        let source = Arc::new(source());
        let mut runs = 1;
        let (value, ends) = loop {
            let ran = self.db().in_tx(|db_tx| {
                let tx = Tx::new(db_tx, Arc::clone(&source));
                let work = work(tx.clone());
                async move {
                    let value = work.await.map_err(Ended::Work)?;
                    let ends = append(&tx, self.clock()).await?;
                    Ok::<_, Ended<E>>((value, ends))
                }
            });
            match ran.await {
                Ok(done) => break done,
                Err(Ended::Work(error)) => return Err(error),
                Err(Ended::Overtaken) if runs < RUNS => {
                    metrics::counter!("lotse_journal_overtaken_total").increment(1);
                    runs += 1;
                }
                Err(Ended::Overtaken) => {
                    let error = "overtaken again and again by what came in";
                    return Err(DbErr::Custom(error.to_owned()).into());
                }
            }
        };
        if !ends.is_empty() {
            self.shared.heads.raise(&ends);
            self.shared.wakeups.appended(&ends);
        }
        Ok(value)
    }

    /// The loop of a consumer: leases, fencing, retries and parking included.
    pub fn consumer_job(&self, consumer: Arc<dyn Consumer>) -> Arc<dyn Job> {
        Arc::new(ConsumerJob::new(self.clone(), consumer))
    }

    /// The journal's own background work, once per process: forgetting old commands, carrying
    /// wake-ups between processes.
    pub fn jobs(&self) -> Vec<Arc<dyn Job>> {
        let mut jobs: Vec<Arc<dyn Job>> = vec![Arc::new(Sweeper::new(self.clone()))];
        jobs.extend(self.shared.wakeups.job(Arc::clone(&self.shared.heads)));
        jobs
    }

    pub(crate) fn config(&self) -> &JournalConfig {
        &self.shared.config
    }

    pub(crate) fn heads(&self) -> &Heads {
        &self.shared.heads
    }

    pub(crate) fn is_exclusive(&self) -> bool {
        let embedded = self.db().backend() == DbBackend::Sqlite;
        self.config().exclusive.unwrap_or(embedded)
    }

    /// Tells all replicas to look whose the buckets are, and what is to be redriven.
    pub(crate) fn leases_changed(&self) {
        self.shared.heads.leases_changed();
        self.shared.wakeups.leases_changed();
    }

    pub(crate) fn has_cursors(&self, consumer: &'static str) -> bool {
        self.lock_cursors().contains(consumer)
    }

    pub(crate) fn found_cursors(&self, consumer: &'static str) {
        self.lock_cursors().insert(consumer);
    }

    fn lock_cursors(&self) -> std::sync::MutexGuard<'_, HashSet<&'static str>> {
        let known = self.shared.with_cursors.lock();
        known.unwrap_or_else(PoisonError::into_inner)
    }
}
