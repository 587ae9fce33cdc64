//! One worker process of Lotse: the real worker on the real store, over rows that live in Redis.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use lotse_clock::{BusinessClock, Timestamp};
use lotse_supervise::{BoxError, Supervisor};
use lotse_timers::{DueRows, Entry, RedisTimers, Worker};
use redis::aio::MultiplexedConnection;
use tokio::io::AsyncReadExt as _;

use super::plan::{Plan, index};

/// The queue that all passes use.
pub(super) const QUEUE: &str = "bench";

/// What the benchmark tells its worker.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Where timers and rows are.
    #[arg(long)]
    redis: String,
    /// What the keys begin with.
    #[arg(long)]
    prefix: String,
    /// The set of rows that are open.
    #[arg(long)]
    open: String,
    #[command(flatten)]
    plan: Plan,
    /// After this many timers it takes no further step, so that it is killed with work in hand.
    #[arg(long)]
    hold_at: Option<u64>,
}

/// Works until its input ends: that is when the benchmark ends, however it does.
///
/// # Errors
/// When Redis cannot be reached.
pub async fn run(args: &Args) -> Result<()> {
    let clock = BusinessClock::system();
    let table = redis::Client::open(args.redis.as_str())?
        .get_multiplexed_async_connection()
        .await?;
    let rows = Rows {
        clock: clock.clone(),
        table,
        args: args.clone(),
        handled: AtomicU64::new(0),
    };
    let store = Arc::new(RedisTimers::open(&args.redis, &args.prefix)?);
    let supervisor = Supervisor::new(clock.clone());
    supervisor.spawn(Arc::new(Worker::new(store, clock, QUEUE, Arc::new(rows))));
    say("ready\n")?;
    wait_for_the_end().await;
    supervisor.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

/// Returns when whoever started this process has closed its input.
pub(super) async fn wait_for_the_end() {
    let mut input = tokio::io::stdin();
    let mut nothing = [0; 64];
    while input.read(&mut nothing).await.is_ok_and(|read| read > 0) {}
}

/// Whole lines, in one write.
pub(super) fn say(lines: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(lines.as_bytes())?;
    out.flush()
}

/// Rows whose whole state is whether they are in the set of open ones. Taking one out is the
/// effect, and the fence: who comes second finds nothing.
struct Rows {
    clock: BusinessClock,
    table: MultiplexedConnection,
    args: Args,
    handled: AtomicU64,
}

impl Rows {
    async fn hold_if_it_is_time(&self, more: u64) {
        let before = self.handled.fetch_add(more, Ordering::SeqCst);
        let Some(at) = self.args.hold_at.filter(|at| before + more >= *at) else {
            return;
        };
        if before < at {
            say("holding\n").ok();
        }
        std::future::pending().await
    }
}

#[async_trait]
impl DueRows for Rows {
    async fn fire(&self, _lane: u8, due: &[Entry]) -> Result<(), BoxError> {
        self.hold_if_it_is_time(due.len() as u64).await;
        let mut effects = redis::pipe();
        for entry in due {
            effects.srem(&self.args.open, &entry.row);
        }
        let effects: Vec<u64> = effects.query_async(&mut self.table.clone()).await?;
        let now = self.clock.now();
        let mut lines = String::new();
        for (entry, effect) in due.iter().zip(effects) {
            let Some(index) = index(&entry.row) else {
                continue;
            };
            let plan = self.args.plan.due(index);
            let late = now.millis_since(plan);
            // An entry claimed anew is due when the claim before it ran out.
            let again = u8::from(entry.due != plan);
            lines += &match effect {
                0 => format!("again {index}\n"),
                _ => format!("{index} {late} {again}\n"),
            };
        }
        Ok(say(&lines)?)
    }

    async fn due_before(&self, _: Timestamp, _: u64) -> Result<Vec<Entry>, BoxError> {
        Ok(Vec::new())
    }

    async fn armed(&self, _: u8, _: &str, _: u64) -> Result<Vec<Entry>, BoxError> {
        Ok(Vec::new())
    }
}
