//! A consumer that leaves a trace of everything it applies, and short ways to what tests need.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lotse_clock::BusinessClock;
use lotse_db::{Db, Migrations};
use lotse_journal::{
    Body, Consumer, ConsumerError, Draft, Journal, JournalConfig, Origin, Recorded, Tx, Wakeups,
};
use lotse_proto::journal::v1::TicketQueued;
use lotse_supervise::{Job, Step};
use sea_orm::{ConnectionTrait, DbErr, Statement};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

/// Longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// The journal's tables, one for what consumers of tests do, and one for rows that many want.
pub(crate) fn migrations() -> Migrations {
    let mut all = lotse_journal::migrations();
    all.push(Box::new(CreateEffects));
    all
}

struct CreateEffects;

impl MigrationName for CreateEffects {
    fn name(&self) -> &str {
        "m0001_test_effects"
    }
}

#[async_trait]
impl MigrationTrait for CreateEffects {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The primary key refuses an effect that happens twice.
        let sql = "CREATE TABLE effects (consumer TEXT, bucket INTEGER, position BIGINT, \
                   key TEXT, turn BIGINT, replica TEXT, \
                   PRIMARY KEY (consumer, bucket, position))";
        let rows = "CREATE TABLE shared_rows (id INTEGER PRIMARY KEY, touched INTEGER)";
        for sql in [sql, rows] {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

/// An event that carries a word.
pub(crate) fn event(key: &str, word: &str) -> Draft {
    let queued = TicketQueued {
        reason: word.to_owned(),
        ..TicketQueued::default()
    };
    Draft::ticket(key, Body::TicketQueued(queued))
}

/// The word of an event.
pub(crate) fn word(event: &Recorded) -> &str {
    match &event.body {
        Body::TicketQueued(queued) => &queued.reason,
        other => panic!("not an event of these tests: {other:?}"),
    }
}

pub(crate) fn origin() -> Origin {
    Origin {
        principal: "tester".to_owned(),
        cause: "test".to_owned(),
    }
}

/// Looks often, fails fast, and waits for no real time to pass.
pub(crate) fn quick(replica: &str) -> JournalConfig {
    JournalConfig {
        replica: replica.to_owned(),
        poll: Duration::from_millis(20),
        retry: Duration::from_millis(1),
        attempts: 3,
        ..JournalConfig::default()
    }
}

pub(crate) async fn open(db: Db, config: JournalConfig) -> Journal {
    Journal::open(db, BusinessClock::system(), Wakeups::local(), config)
        .await
        .unwrap()
}

/// Appends these events in one transaction.
pub(crate) async fn append(journal: &Journal, drafts: &[Draft]) {
    journal
        .in_tx(&origin(), |tx| async move {
            drafts.iter().for_each(|draft| tx.emit(draft.clone()));
            Ok::<_, DbErr>(())
        })
        .await
        .unwrap();
}

/// Notes every event in the table `effects`.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) replica: String,
    /// Keys whose events fail.
    pub(crate) poisoned: Mutex<Vec<String>>,
    /// Words whose events are answered with an event of the same key.
    pub(crate) answered: Option<(&'static str, &'static str)>,
}

/// Order of effects over all consumers of this process.
static TURN: AtomicI64 = AtomicI64::new(0);

impl Recorder {
    pub(crate) fn on(replica: &str) -> Arc<Self> {
        Arc::new(Self {
            replica: replica.to_owned(),
            ..Self::default()
        })
    }

    pub(crate) fn poison(&self, key: &str) {
        self.poisoned.lock().unwrap().push(key.to_owned());
    }

    pub(crate) fn heal(&self) {
        self.poisoned.lock().unwrap().clear();
    }
}

#[async_trait]
impl Consumer for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    async fn apply(&self, tx: &Tx, events: &[Recorded]) -> Result<(), ConsumerError> {
        for event in events {
            if self.poisoned.lock().unwrap().contains(&event.key) {
                assert_ne!(word(event), "panic", "made to");
                return Err(ConsumerError::other("poisoned"));
            }
            if self.answered.is_some_and(|(asked, _)| asked == word(event)) {
                let (_, answer) = self.answered.unwrap();
                tx.emit(support_answer(event, answer));
            }
        }
        note(tx, self.name(), &self.replica, events)
            .await
            .map_err(ConsumerError::from)
    }
}

fn support_answer(event: &Recorded, answer: &str) -> Draft {
    self::event(&event.key, answer)
}

pub(crate) async fn note(
    tx: &impl ConnectionTrait,
    consumer: &str,
    replica: &str,
    events: &[Recorded],
) -> Result<(), DbErr> {
    let rows: Vec<String> = events
        .iter()
        .map(|event| {
            let turn = TURN.fetch_add(1, Ordering::Relaxed);
            format!(
                "('{consumer}', {}, {}, '{}', {turn}, '{replica}')",
                event.bucket, event.position, event.key
            )
        })
        .collect();
    let sql = format!("INSERT INTO effects VALUES {}", rows.join(", "));
    tx.execute_unprepared(&sql).await.map(|_| ())
}

/// One effect, by order of application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) bucket: i32,
    pub(crate) position: i64,
    pub(crate) key: String,
    pub(crate) replica: String,
}

pub(crate) async fn effects(db: &Db) -> Vec<Effect> {
    let sql = "SELECT bucket, position, key, replica FROM effects ORDER BY turn";
    let rows = db
        .reader()
        .query_all_raw(Statement::from_string(db.backend(), sql))
        .await
        .unwrap();
    rows.iter()
        .map(|row| Effect {
            bucket: row.try_get_by(0).unwrap(),
            position: row.try_get_by(1).unwrap(),
            key: row.try_get_by(2).unwrap(),
            replica: row.try_get_by(3).unwrap(),
        })
        .collect()
}

/// Every bucket's events have been applied once, in order, with no gap, `total` in all.
pub(crate) async fn assert_complete(db: &Db, total: usize) {
    let effects = effects(db).await;
    assert_eq!(effects.len(), total);
    let mut next: BTreeMap<i32, i64> = BTreeMap::new();
    for effect in effects {
        let position = next.entry(effect.bucket).or_insert(1);
        assert_eq!(effect.position, *position, "bucket {}", effect.bucket);
        *position += 1;
    }
}

/// Steps jobs until a round finds nothing to do.
pub(crate) async fn settle(jobs: &[&Arc<dyn Job>]) {
    for _ in 0..10_000 {
        let mut busy = false;
        for job in jobs {
            while job.step().await.unwrap() == Step::Busy {
                busy = true;
            }
        }
        if !busy {
            return;
        }
    }
    panic!("never idle");
}

/// Drives a job as a process would, until it is dropped: which is how a process is killed.
pub(crate) async fn drive(job: &Arc<dyn Job>) {
    loop {
        if !matches!(job.step().await, Ok(Step::Busy)) {
            let _ = tokio::time::timeout(job.poll_every(), job.woken()).await;
        }
    }
}

/// A key in each of the first `count` buckets of `bucket`'s choosing.
pub(crate) fn key_in(bucket: u8, number: usize) -> String {
    (0..)
        .map(|n| format!("tkt_{n}"))
        .filter(|key| lotse_journal::bucket_of(key) == bucket)
        .nth(number)
        .unwrap()
}

pub(crate) async fn sql(db: &Db, sql: &str) {
    db.in_tx(|tx| async move { tx.execute_unprepared(sql).await.map(|_| ()) })
        .await
        .unwrap();
}
