//! Writers, batches and consumers side by side: what a small writer feels.
//!
//! `cargo bench -p lotse-journal` starts a throwaway PostgreSQL and prints two tables; it takes
//! about half a minute. `LOTSE_BENCH_SECONDS` sets the length of each line (default 4).
#![allow(clippy::print_stdout, reason = "the tables are the product")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lotse_clock::{BusinessClock, SystemClock};
use lotse_db::{Db, DbConfig, Durability, TxError};
use lotse_journal::{
    Body, Consumer, ConsumerError, Draft, Journal, JournalConfig, Origin, Recorded,
    RequestIdReused, Tx, Wakeups, bucket_of, lane_of,
};
use lotse_proto::journal::v1::TicketQueued;
use lotse_supervise::Supervisor;
use sea_orm::DbErr;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Writers of one event each, as use cases of callers are. They come at a pace: how long one waits
/// for others is asked here, not how many fit in a second.
const WRITERS: u64 = 8;
const WRITER_PACE: Duration = Duration::from_millis(40);
/// Transactions of many events, as imports and group commits are.
const BATCHERS: u64 = 2;
const BATCHER_PACE: Duration = Duration::from_millis(100);
const BATCH: u64 = 200;
const CONSUMERS: [&str; 2] = ["routing", "sla"];

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What runs beside the small writers.
#[derive(Clone, Copy)]
struct Scene {
    name: &'static str,
    consumers: bool,
    batches: Option<Batches>,
}

#[derive(Clone, Copy, PartialEq)]
enum Batches {
    /// Each inside one lane, as the journal's rules want it.
    InOneLane,
    /// Each over all buckets: what the rule prevents.
    OverAllBuckets,
}

const SCENES: [Scene; 5] = [
    Scene {
        name: "small writers alone",
        consumers: false,
        batches: None,
    },
    Scene {
        name: "with consumers",
        consumers: true,
        batches: None,
    },
    Scene {
        name: "with batches in one lane each",
        consumers: false,
        batches: Some(Batches::InOneLane),
    },
    Scene {
        name: "with consumers and batches in lanes",
        consumers: true,
        batches: Some(Batches::InOneLane),
    },
    Scene {
        name: "with consumers and batches over all",
        consumers: true,
        batches: Some(Batches::OverAllBuckets),
    },
];

fn migrations() -> lotse_db::Migrations {
    lotse_journal::migrations()
}

/// Latencies in microseconds, and what the others did.
#[derive(Default)]
struct Counts {
    latencies: Mutex<Vec<u64>>,
    batched: AtomicU64,
    consumed: AtomicU64,
    /// Off while things warm up.
    counting: AtomicBool,
}

impl Counts {
    fn note(&self, latency: Duration) {
        if self.counting.load(Ordering::Relaxed) {
            let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
            let latencies = self.latencies.lock();
            latencies
                .unwrap_or_else(PoisonError::into_inner)
                .push(micros);
        }
    }

    fn add(&self, to: &AtomicU64, number: u64) {
        if self.counting.load(Ordering::Relaxed) {
            to.fetch_add(number, Ordering::Relaxed);
        }
    }
}

/// Reads everything and does a little SQL for it.
struct Reader {
    name: &'static str,
    counts: Arc<Counts>,
}

#[async_trait]
impl Consumer for Reader {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn apply(&self, tx: &Tx, events: &[Recorded]) -> Result<(), ConsumerError> {
        lotse_db::meta::set(tx, self.name, &events.len().to_string()).await?;
        self.counts.add(&self.counts.consumed, events.len() as u64);
        Ok(())
    }
}

fn origin() -> Origin {
    Origin {
        principal: "bench".to_owned(),
        cause: "bench".to_owned(),
    }
}

fn event(key: String) -> Draft {
    let queued = TicketQueued {
        group_id: "grp_01h2xcejqtf2nbrexx3vqjhp41".to_owned(),
        reason: "all_busy".to_owned(),
        decision_id: "dec_01h2xcejqtf2nbrexx3vqjhp41".to_owned(),
    };
    Draft::ticket(key, Body::TicketQueued(queued))
}

fn pace(every: Duration) -> Interval {
    let mut pace = interval(every);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

async fn write(journal: Journal, counts: Arc<Counts>, writer: u64) {
    let mut pace = pace(WRITER_PACE);
    for number in (writer..).step_by(WRITERS as usize) {
        pace.tick().await;
        let began = SystemClock.monotonic();
        let key = format!("tkt_{number}");
        let written = journal
            .in_tx(&origin(), |tx| {
                tx.emit(event(key.clone()));
                async { Ok::<_, DbErr>(()) }
            })
            .await;
        match written {
            Ok(()) => counts.note(SystemClock.monotonic() - began),
            Err(error) => println!("a writer failed: {error}"),
        }
    }
}

async fn batch(journal: Journal, counts: Arc<Counts>, batches: Batches, batcher: u64) {
    let mut pace = pace(BATCHER_PACE);
    for round in (batcher..).step_by(BATCHERS as usize) {
        pace.tick().await;
        let lane = (round % u64::from(lotse_journal::LANES)) as u8;
        let keys: Vec<String> = (0..)
            .map(|number| format!("tkt_b{round}_{number}"))
            .filter(|key| batches == Batches::OverAllBuckets || lane_of(bucket_of(key)) == lane)
            .take(BATCH as usize)
            .collect();
        let written = journal
            .in_tx(&origin(), |tx| {
                keys.iter().for_each(|key| tx.emit(event(key.clone())));
                async { Ok::<_, DbErr>(()) }
            })
            .await;
        match written {
            Ok(()) => counts.add(&counts.batched, BATCH),
            Err(error) => println!("a batch failed: {error}"),
        }
    }
}

async fn play(scene: Scene, length: Duration) -> Result<(), BoxError> {
    let Some(db) = lotse_testkit::postgres(migrations).await else {
        return Err("this bench needs PostgreSQL".into());
    };
    let clock = BusinessClock::system();
    let config = JournalConfig::default();
    let journal = Journal::open(db.db(), clock.clone(), Wakeups::local(), config).await?;
    let supervisor = Supervisor::new(clock);
    let counts = Arc::new(Counts::default());
    if scene.consumers {
        for name in CONSUMERS {
            let counts = Arc::clone(&counts);
            supervisor.spawn(journal.consumer_job(Arc::new(Reader { name, counts })));
        }
    }
    for writer in 0..WRITERS {
        let (journal, counts) = (journal.clone(), Arc::clone(&counts));
        supervisor.spawn_task("writer", write(journal, counts, writer));
    }
    if let Some(batches) = scene.batches {
        for batcher in 0..BATCHERS {
            let (journal, counts) = (journal.clone(), Arc::clone(&counts));
            supervisor.spawn_task("batcher", batch(journal, counts, batches, batcher));
        }
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    counts.counting.store(true, Ordering::Relaxed);
    tokio::time::sleep(length).await;
    counts.counting.store(false, Ordering::Relaxed);
    supervisor.shutdown(Duration::from_secs(10)).await?;

    let mut latencies = std::mem::take(
        &mut *counts
            .latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner),
    );
    latencies.sort_unstable();
    let at = |share: f64| {
        let rank = (latencies.len() as f64 * share) as usize;
        latencies
            .get(rank)
            .or(latencies.last())
            .map_or(0.0, |micros| *micros as f64 / 1e3)
    };
    let per_second = |number: u64| number as f64 / length.as_secs_f64();
    println!(
        "{:<38} {:>9.0} {:>9.1} {:>9.1} {:>9.1} {:>10.0} {:>10.0}",
        scene.name,
        per_second(latencies.len() as u64),
        at(0.5),
        at(0.99),
        at(1.0),
        per_second(counts.batched.load(Ordering::Relaxed)),
        per_second(counts.consumed.load(Ordering::Relaxed)),
    );
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Db(#[from] DbErr),
    #[error(transparent)]
    Reused(#[from] RequestIdReused),
}

impl TxError for CommandError {
    fn db_err(&self) -> Option<&DbErr> {
        match self {
            Self::Db(error) => Some(error),
            Self::Reused(_) => None,
        }
    }
}

/// Commands one after the other over SQLite, as a replay runs them, then one consumer over all.
async fn embedded(durability: Durability, length: Duration) -> Result<(), BoxError> {
    let made = lotse_testkit::sqlite(migrations).await;
    let config = DbConfig {
        durability,
        ..made.config().clone()
    };
    let db = Db::connect(&config).await?;
    let clock = BusinessClock::system();
    let config = JournalConfig::default();
    let journal = Journal::open(db.clone(), clock, Wakeups::local(), config).await?;
    let counts = Arc::new(Counts::default());
    let began = SystemClock.monotonic();
    let mut commands = 0_u64;
    while SystemClock.monotonic() - began < length {
        let request = TicketQueued::default();
        let (id, key) = (format!("replay-{commands}"), format!("tkt_{commands}"));
        let _: TicketQueued = journal
            .command(&origin(), "bench", &id, &request, |tx| {
                let key = key.clone();
                async move {
                    // One row of the use case's own.
                    lotse_db::meta::set(&tx, "bench", &key).await?;
                    tx.emit(event(key));
                    Ok::<_, CommandError>(TicketQueued::default())
                }
            })
            .await?;
        commands += 1;
    }
    let commanded = SystemClock.monotonic() - began;
    counts.counting.store(true, Ordering::Relaxed);
    let reader = Reader {
        name: "insight",
        counts: Arc::clone(&counts),
    };
    let job = journal.consumer_job(Arc::new(reader));
    let began = SystemClock.monotonic();
    while job.step().await? == lotse_supervise::Step::Busy {}
    let consumed = SystemClock.monotonic() - began;
    println!(
        "{:<38} {:>12.0} {:>16.0}",
        format!("survives the loss of {durability:?}").to_lowercase(),
        commands as f64 / commanded.as_secs_f64(),
        counts.consumed.load(Ordering::Relaxed) as f64 / consumed.as_secs_f64(),
    );
    db.close().await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let seconds = std::env::var("LOTSE_BENCH_SECONDS").ok();
    let seconds = seconds
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or(4);
    let length = Duration::from_secs(seconds);

    println!("PostgreSQL: {WRITERS} small writers, {BATCHERS} writers of {BATCH} events each");
    println!(
        "{:<38} {:>9} {:>9} {:>9} {:>9} {:>10} {:>10}",
        "", "writes/s", "p50 ms", "p99 ms", "max ms", "batched/s", "consumed/s"
    );
    for scene in SCENES {
        play(scene, length).await?;
    }
    println!("\nSQLite: idempotent commands of one row and one event each, then one consumer");
    println!("{:<38} {:>12} {:>16}", "", "commands/s", "consumed/s");
    for durability in [Durability::Power, Durability::Process] {
        embedded(durability, length).await?;
    }
    Ok(())
}
