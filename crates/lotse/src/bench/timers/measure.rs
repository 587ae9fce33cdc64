//! The passes: arming, a quiet run, a run with a kill in the middle.

use std::time::Duration;

use anyhow::{Result, bail};
use lotse_clock::{SystemClock, Timestamp};

use super::crew::{Crew, Said};
use super::plan::Plan;
use super::report::{Contestant, Kill};
use super::server::Server;
use super::side::Side;
use super::tally::{Passed, Tally};
use crate::bench::tell;

/// What both sides go through.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub(super) timers: u64,
    pub(super) over: Duration,
    pub(super) replicas: usize,
    /// What this run's keys begin with.
    pub(super) prefix: String,
}

/// A time at which nothing armed is due.
const FAR: Duration = Duration::from_secs(86_400);
/// How long after its due time something may still come: two of BullMQ's stalled intervals and more.
const PATIENCE: Duration = Duration::from_secs(100);
/// How long after the last effect a second one is waited for.
const AFTERMATH: Duration = Duration::from_secs(1);

/// Everything about one side.
pub(super) async fn measure(side: &Side, server: &Server, setting: &Setting) -> Result<Contestant> {
    let prefix = format!("{}:{}", setting.prefix, side.name().to_lowercase());
    server.clean(&prefix).await?;
    tell(&format!(
        "{}: arming {} timers",
        side.name(),
        setting.timers
    ));
    let before = server.used().await?;
    let far = Plan::new(setting.timers, SystemClock.now() + FAR, setting.over);
    let mut arming = vec![side.arm(&prefix, &far).await?];
    let bytes = server.used().await? - before;
    let usage = server.usage(&prefix).await?;
    server.clean(&prefix).await?;

    let quiet = pass(side, server, setting, &prefix, &mut arming, false).await?;
    let killed = pass(side, server, setting, &prefix, &mut arming, true).await?;
    arming.sort();
    let per_timer = |bytes: f64| (bytes / setting.timers as f64).round();
    let kill = Kill {
        killed_batch: killed.passed.reclaimed,
        late_ms_max_killed_batch: killed.passed.late_max_reclaimed,
        late_ms_max_others: killed.passed.lateness.max,
        late_ms_p99_others: killed.passed.lateness.p99,
        catch_up_seconds: killed.catch_up.as_secs_f64(),
    };
    Ok(Contestant {
        arm_per_second: (setting.timers as f64 / arming[arming.len() / 2].as_secs_f64()).round(),
        lateness_ms: quiet.passed.lateness,
        bytes_per_timer: per_timer(bytes),
        bytes_per_timer_by_memory_usage: per_timer(usage),
        cpu_seconds: quiet.cpu,
        redis_cpu_seconds: quiet.redis_cpu,
        lost: quiet.lost + killed.lost,
        doubled: quiet.passed.doubled + killed.passed.doubled,
        delivered_again: quiet.passed.delivered_again + killed.passed.delivered_again,
        kill,
        settings: side.settings(),
    })
}

/// One run of all timers through workers.
pub(super) struct Pass {
    pub(super) passed: Passed,
    pub(super) lost: u64,
    pub(super) cpu: f64,
    pub(super) redis_cpu: f64,
    /// From the kill until the last row of the killed worker was done.
    pub(super) catch_up: Duration,
}

/// Arms timers that are due soon and watches workers handle them; with `kill` one worker of two or
/// more is killed when it has handled half of its share, with work in hand.
pub(super) async fn pass(
    side: &Side,
    server: &Server,
    setting: &Setting,
    prefix: &str,
    arming: &mut Vec<Duration>,
    kill: bool,
) -> Result<Pass> {
    let Setting {
        timers,
        over,
        replicas,
        ..
    } = *setting;
    let replicas = if kill { replicas.max(2) } else { replicas };
    let open = format!("{prefix}:open");
    server.open_rows(&open, timers).await?;
    // Time to start the workers, and then to arm twice over.
    let slowest = arming.iter().max().copied().unwrap_or_default();
    let lead = Duration::from_secs(3) + Duration::from_secs(replicas as u64) + 2 * slowest;
    let plan = Plan::new(timers, SystemClock.now() + lead, over);
    tell(&format!(
        "{}: {timers} timers over {} s, {replicas} workers{}",
        side.name(),
        over.as_secs(),
        if kill { ", one of them killed" } else { "" },
    ));
    let commands = (0..replicas).map(|member| {
        let hold_at = (kill && member == 0).then_some(timers / replicas as u64 / 2);
        side.worker(prefix, &open, &plan, hold_at)
    });
    let mut crew = Crew::start(commands.collect::<Result<_>>()?).await?;
    let redis_before = server.cpu_seconds().await?;
    arming.push(side.arm(prefix, &plan).await?);
    if SystemClock.now() >= plan.due(0) {
        bail!("arming took longer than expected: the machine is too busy to measure on");
    }
    let mut tally = Tally::new(timers);
    let catch_up = watch(&mut crew, &mut tally, server, &open, plan.end()).await?;
    let pass = Pass {
        cpu: crew.cpu_seconds(),
        redis_cpu: server.cpu_seconds().await? - redis_before,
        lost: server.still_open(&open).await?,
        passed: tally.figures(),
        catch_up,
    };
    crew.end().await;
    server.clean(prefix).await?;
    Ok(pass)
}

/// Notes what workers say until all is done or the time is up; kills whoever holds.
async fn watch(
    crew: &mut Crew,
    tally: &mut Tally,
    server: &Server,
    open: &str,
    end: Timestamp,
) -> Result<Duration> {
    let mut killed = None;
    let mut caught_up = Duration::ZERO;
    loop {
        match crew.next(AFTERMATH).await {
            Some(Said::Holding) => {
                // Only the first is told to hold.
                crew.kill(0).await?;
                killed = Some(SystemClock.monotonic());
            }
            Some(said) => {
                if let (Some(killed), Said::Effect { again: true, .. }) = (&killed, &said) {
                    caught_up = caught_up.max(SystemClock.monotonic().duration_since(*killed));
                }
                tally.note(&said);
            }
            // Silence: nothing left, or what is left waits for a lease.
            None => {
                let over = SystemClock.now() > end + PATIENCE;
                if over || server.still_open(open).await? == 0 {
                    return Ok(caught_up);
                }
            }
        }
    }
}
