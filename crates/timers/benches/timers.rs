//! What the two stores cost and how late they are: `cargo bench -p lotse-timers`.
//!
//! Arms 100,000 timers (rate, bytes each), lets those due over ten seconds fire with two workers,
//! as two replicas would (lateness: effect - due), then measures the CPU of an idle worker with a
//! store still full. Redis is a throwaway server; its own CPU is counted too.
#![allow(clippy::print_stdout, reason = "the figures are the product")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lotse_clock::{BusinessClock, SystemClock, Timestamp};
use lotse_supervise::{BoxError, Supervisor};
use lotse_testkit::own_redis;
use lotse_timers::{DueRows, Entry, LocalTimers, RedisTimers, TimerStore, Worker};

const QUEUE: &str = "bench";
const TIMERS: usize = 100_000;
const SPREAD: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(10);

/// Rows without a database: the fence is a map, so the figures are the stores' own.
struct Rows {
    clock: BusinessClock,
    open: Mutex<HashMap<String, Timestamp>>,
    lateness_us: Mutex<Vec<u64>>,
}

#[async_trait]
impl DueRows for Rows {
    async fn fire(&self, _: u8, due: &[Entry]) -> Result<(), BoxError> {
        let now = self.clock.now();
        let mut open = self.open.lock().expect("not poisoned"); // invariant: nothing panics under it
        let fired = due.iter().filter_map(|entry| open.remove(&entry.row));
        let late = fired.map(|due| now.since(due).as_micros() as u64);
        self.lateness_us.lock().expect("not poisoned").extend(late); // invariant: as above
        Ok(())
    }

    async fn due_before(&self, _: Timestamp, _: u64) -> Result<Vec<Entry>, BoxError> {
        Ok(Vec::new())
    }

    async fn armed(&self, _: u8, _: &str, _: u64) -> Result<Vec<Entry>, BoxError> {
        Ok(Vec::new())
    }
}

fn entries(first: Timestamp, spread: Duration) -> Vec<Entry> {
    let step = spread.as_millis() as u64;
    (0..TIMERS as u64)
        .map(|n| Entry {
            row: format!("clk_{n:026}"),
            generation: 1,
            due: first + Duration::from_millis(n * step / TIMERS as u64),
            lane: (n % 16) as u8,
        })
        .collect()
}

/// CPU seconds of a process so far (`/proc/PID/stat`, ticks of 10 ms).
fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or("")
        .split_whitespace()
        .collect();
    let ticks = |n: usize| {
        fields
            .get(n)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}

/// Resident bytes of this process.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

async fn redis_info(url: &str, section: &str, field: &str) -> Result<u64, redis::RedisError> {
    let mut connection = redis::Client::open(url)?
        .get_multiplexed_async_connection()
        .await?;
    let text: String = redis::cmd("INFO")
        .arg(section)
        .query_async(&mut connection)
        .await?;
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    Ok(value
        .and_then(|value| value.trim().parse().ok())
        .unwrap_or(0))
}

async fn measure(
    name: &str,
    stores: [Arc<dyn TimerStore>; 2],
    redis: Option<&str>,
) -> Result<(), BoxError> {
    println!("{name}");
    let clock = BusinessClock::system();
    let bytes = async || match redis {
        Some(url) => redis_info(url, "memory", "used_memory").await,
        None => Ok(resident()),
    };
    let far = entries(clock.now() + Duration::from_secs(86_400), SPREAD);
    let before = bytes().await?;
    let begun = SystemClock.monotonic();
    stores[0].arm(QUEUE, &far).await?;
    let took = begun.elapsed().as_secs_f64();
    println!("  armed      {:>9.0} /s", TIMERS as f64 / took);
    println!(
        "  memory     {:>9.0} bytes a timer",
        (bytes().await? - before) as f64 / TIMERS as f64
    );

    let due = entries(clock.now() + Duration::from_secs(3), SPREAD);
    let open = due
        .iter()
        .map(|entry| (entry.row.clone(), entry.due))
        .collect();
    let lateness_us = Mutex::new(Vec::with_capacity(TIMERS));
    let rows = Arc::new(Rows {
        clock: clock.clone(),
        open: Mutex::new(open),
        lateness_us,
    });
    let supervisor = Supervisor::new(clock.clone());
    for store in &stores {
        let worker = Worker::new(store.clone(), clock.clone(), QUEUE, rows.clone());
        supervisor.spawn(Arc::new(worker));
    }
    let due: Vec<Entry> = due
        .into_iter()
        .map(|entry| Entry {
            generation: 2,
            ..entry
        })
        .collect();
    stores[0].arm(QUEUE, &due).await?;
    tokio::time::sleep(SPREAD + Duration::from_secs(5)).await;
    let mut late = rows.lateness_us.lock().expect("not poisoned").clone(); // invariant: as above
    late.sort_unstable();
    println!(
        "  fired      {:>9} of {TIMERS}, over {} s",
        late.len(),
        SPREAD.as_secs()
    );
    for (label, share) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
        let rank = ((late.len() as f64 * share).ceil() as usize).max(1) - 1;
        println!(
            "  late {label}   {:>9.1} ms",
            late.get(rank).copied().unwrap_or(0) as f64 / 1000.0
        );
    }

    let far: Vec<Entry> = far
        .into_iter()
        .map(|entry| Entry {
            generation: 3,
            ..entry
        })
        .collect();
    stores[0].arm(QUEUE, &far).await?;
    let server = match redis {
        Some(url) => Some(redis_info(url, "server", "process_id").await? as u32),
        None => None,
    };
    let cpu = || cpu_seconds(std::process::id()) + server.map_or(0.0, cpu_seconds);
    let (before, begun) = (cpu(), SystemClock.monotonic());
    tokio::time::sleep(IDLE).await;
    let share = (cpu() - before) / begun.elapsed().as_secs_f64();
    println!(
        "  idle CPU   {:>9.2} % of a core, two workers, {TIMERS} armed",
        share * 100.0
    );
    supervisor.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // `cargo test --all-targets` runs benches too, without this flag: a minute of waiting.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let local: Arc<dyn TimerStore> = Arc::new(LocalTimers::new());
    measure("LocalTimers", [local.clone(), local], None).await?;
    if let Some(redis) = own_redis() {
        let url = redis.url();
        let open = || RedisTimers::open(&url, "bench");
        measure(
            "RedisTimers",
            [Arc::new(open()?), Arc::new(open()?)],
            Some(&url),
        )
        .await?;
    }
    Ok(())
}
