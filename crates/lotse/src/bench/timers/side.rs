//! The two sides, behind one face.

use std::time::Duration;

use anyhow::{Context as _, Result};
use lotse_clock::SystemClock;
use lotse_timers::{RedisTimers, TimerStore as _};
use serde_json::json;
use tokio::process::Command;

use super::bullmq::BullMq;
use super::plan::Plan;
use super::worker::QUEUE;

/// Who is measured.
pub(super) enum Side {
    /// This program, on the Redis at this URL.
    Lotse { redis: String },
    /// The other one.
    BullMq(BullMq),
}

impl Side {
    /// Its name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Lotse { .. } => "Lotse",
            Self::BullMq(_) => "BullMQ",
        }
    }

    /// Arms all timers of `plan` in bulk; says how long that took.
    pub(super) async fn arm(&self, prefix: &str, plan: &Plan) -> Result<Duration> {
        match self {
            Self::Lotse { redis } => {
                let store = RedisTimers::open(redis, prefix)?;
                // Connects: BullMQ's queue is connected too before its time is taken.
                store.next_due(QUEUE).await?;
                let entries = plan.entries();
                let began = SystemClock.monotonic();
                store.arm(QUEUE, &entries).await?;
                Ok(began.elapsed())
            }
            Self::BullMq(bullmq) => bullmq.arm(prefix, plan).await,
        }
    }

    /// One worker.
    pub(super) fn worker(
        &self,
        prefix: &str,
        open: &str,
        plan: &Plan,
        hold_at: Option<u64>,
    ) -> Result<Command> {
        match self {
            Self::Lotse { redis } => {
                let program = std::env::current_exe().context("where is this program?")?;
                let mut command = Command::new(program);
                command.args(["bench", "timers-worker"]);
                command.args(["--redis", redis, "--prefix", prefix, "--open", open]);
                for (name, value) in [
                    ("--count", plan.count.to_string()),
                    ("--first", plan.first.to_string()),
                    ("--over", plan.over.to_string()),
                ] {
                    command.arg(name).arg(value);
                }
                if let Some(at) = hold_at {
                    command.arg("--hold-at").arg(at.to_string());
                }
                Ok(command)
            }
            Self::BullMq(bullmq) => Ok(bullmq.worker(prefix, open, plan, hold_at)),
        }
    }

    /// What was chosen for it.
    pub(super) fn settings(&self) -> serde_json::Value {
        match self {
            Self::Lotse { .. } => json!({ "defaults": true }),
            Self::BullMq(_) => BullMq::settings(),
        }
    }
}
