//! A store full of timers that are not due: what arming them takes, and whether those that are due
//! notice.

use std::time::Duration;

use anyhow::Result;
use lotse_clock::SystemClock;
use lotse_timers::{Entry, LANES, RedisTimers, TimerStore as _};
use serde::Serialize;

use super::measure::{Setting, pass};
use super::plan::Plan;
use super::server::Server;
use super::side::Side;
use super::tally::Lateness;
use super::worker::QUEUE;
use crate::bench::tell;

/// Entries made at a time: what the process holds of them in memory.
const AT_ONCE: u64 = 100_000;
/// Claims whose duration is taken.
const CLAIMS: u64 = 200;

/// A full store in figures.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Million {
    armed: u64,
    arm_per_second: f64,
    bytes_per_timer: f64,
    /// One claim over all lanes with something due in each, from the call to its answer.
    claim_ms: Lateness,
    /// Of timers due among them.
    lateness_ms: Lateness,
    lost: u64,
}

impl Million {
    /// For people.
    pub(super) fn line(&self) -> String {
        format!(
            "with {} armed: {:.0} armed a second, {:.0} bytes each, a claim p50 {:.2} p99 {:.2} ms, \
             lateness p50 {} p99 {} max {} ms, lost {}",
            self.armed,
            self.arm_per_second,
            self.bytes_per_timer,
            self.claim_ms.p50,
            self.claim_ms.p99,
            self.lateness_ms.p50,
            self.lateness_ms.p99,
            self.lateness_ms.max,
            self.lost,
        )
    }
}

/// Arms `armed` timers for tomorrow, then lets a tenth of the setting's timers come due in a tenth
/// of its time.
pub(super) async fn measure(
    side: &Side,
    redis: &str,
    server: &Server,
    setting: &Setting,
    armed: u64,
) -> Result<Million> {
    let prefix = format!("{}:full", setting.prefix);
    server.clean(&prefix).await?;
    tell(&format!("Lotse: arming {armed} timers for tomorrow"));
    let store = RedisTimers::open(redis, &prefix)?;
    store.next_due(QUEUE).await?;
    let tomorrow = SystemClock.now() + Duration::from_secs(86_400);
    let far = Plan::new(armed, tomorrow, setting.over);
    let before = server.used().await?;
    let mut took = Duration::ZERO;
    for from in (0..armed).step_by(AT_ONCE as usize) {
        let entries: Vec<Entry> = (from..armed.min(from + AT_ONCE))
            .map(|index| Entry {
                row: format!("far_{index:026}"),
                generation: 1,
                due: far.due(index),
                lane: (index % u64::from(LANES)) as u8,
            })
            .collect();
        let began = SystemClock.monotonic();
        store.arm(QUEUE, &entries).await?;
        took += began.elapsed();
    }
    let bytes = server.used().await? - before;
    let claim_ms = claims(&store).await?;
    let tenth = Setting {
        timers: (setting.timers / 10).max(1),
        over: setting.over / 10,
        ..setting.clone()
    };
    let passed = pass(side, server, &tenth, &prefix, &mut vec![took / 10], false).await?;
    Ok(Million {
        armed,
        arm_per_second: (armed as f64 / took.as_secs_f64()).round(),
        bytes_per_timer: (bytes / armed as f64).round(),
        claim_ms,
        lateness_ms: passed.passed.lateness,
        lost: passed.lost,
    })
}

/// Claims one due timer of each lane at a time.
async fn claims(store: &RedisTimers) -> Result<Lateness> {
    let now = SystemClock.now();
    let due: Vec<Entry> = (0..CLAIMS * u64::from(LANES))
        .map(|index| Entry {
            row: format!("due_{index:026}"),
            generation: 1,
            due: now,
            lane: (index % u64::from(LANES)) as u8,
        })
        .collect();
    store.arm(QUEUE, &due).await?;
    let mut times = Vec::new();
    for _ in 0..CLAIMS {
        let began = SystemClock.monotonic();
        let claim = store.claim(QUEUE, now, 1, Duration::from_secs(60)).await?;
        times.push(began.elapsed().as_secs_f64() * 1_000.0);
        store.ack(QUEUE, &claim.entries).await?;
    }
    Ok(Lateness::of(times))
}
