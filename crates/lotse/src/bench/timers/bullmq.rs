//! BullMQ as the other side: its own scripts under Node, its packages installed once.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tokio::process::Command;

use super::plan::Plan;
use crate::bench::tell;

/// Jobs in one `addBulk`: the fastest of 50, 100, 200, 500, 1,000, 2,000, 5,000 and 20,000.
const CHUNK: u64 = 100;
/// Jobs that one worker has in hand: of 10, 50 and 200 the one with the lowest p99.
const CONCURRENCY: u64 = 50;

/// What is measured, and how it is installed.
const FILES: [(&str, &str); 5] = [
    ("package.json", include_str!("../bullmq/package.json")),
    (
        "package-lock.json",
        include_str!("../bullmq/package-lock.json"),
    ),
    ("plan.mjs", include_str!("../bullmq/plan.mjs")),
    ("arm.mjs", include_str!("../bullmq/arm.mjs")),
    ("work.mjs", include_str!("../bullmq/work.mjs")),
];

/// BullMQ, installed.
pub(super) struct BullMq {
    folder: PathBuf,
    redis: String,
    pub(super) version: String,
    pub(super) node: String,
}

impl BullMq {
    /// Writes the scripts into a folder of the user's cache and installs the packages there, unless
    /// that has been done.
    pub(super) async fn install(redis: &str) -> Result<Self> {
        let node = Command::new("node").arg("--version").output().await;
        let node =
            node.context("BullMQ needs Node 20 and npm: install them, or --without-bullmq")?;
        let node = String::from_utf8_lossy(&node.stdout).trim().to_owned();
        let package: serde_json::Value = serde_json::from_str(FILES[0].1)?;
        let version = package["dependencies"]["bullmq"].as_str();
        let version = version.context("package.json names no BullMQ")?.to_owned();
        let folder = cache().join(format!("lotse/bench-bullmq-{version}"));
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        for (name, text) in FILES {
            std::fs::write(folder.join(name), text)?;
        }
        if !folder.join("node_modules/bullmq/package.json").is_file() {
            tell(&format!(
                "installing BullMQ {version} into {}",
                folder.display()
            ));
            let installed = Command::new("npm")
                .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
                .current_dir(&folder)
                .stdout(Stdio::null())
                .status()
                .await
                .context("BullMQ needs npm: install it, or --without-bullmq")?;
            ensure!(installed.success(), "npm ci failed in {}", folder.display());
        }
        Ok(Self {
            folder,
            redis: redis.to_owned(),
            version,
            node,
        })
    }

    fn script(&self, name: &str, argument: &serde_json::Value) -> Command {
        let mut command = Command::new("node");
        command
            .arg(self.folder.join(name))
            .arg(argument.to_string());
        command
    }

    /// Adds the jobs of `plan`; says how long `addBulk` took for them.
    pub(super) async fn arm(&self, prefix: &str, plan: &Plan) -> Result<Duration> {
        let argument = json!({
            "redis": self.redis, "prefix": prefix, "queue": super::worker::QUEUE,
            "chunk": CHUNK, "count": plan.count, "first": plan.first, "over": plan.over,
        });
        let armed = self
            .script("arm.mjs", &argument)
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .output()
            .await
            .context("cannot start Node")?;
        ensure!(armed.status.success(), "BullMQ did not add its jobs");
        let seconds: f64 = String::from_utf8_lossy(&armed.stdout).trim().parse()?;
        Ok(Duration::from_secs_f64(seconds))
    }

    /// One worker.
    pub(super) fn worker(
        &self,
        prefix: &str,
        open: &str,
        plan: &Plan,
        hold_at: Option<u64>,
    ) -> Command {
        let argument = json!({
            "redis": self.redis, "prefix": prefix, "queue": super::worker::QUEUE, "open": open,
            "concurrency": CONCURRENCY, "holdAt": hold_at,
            "count": plan.count, "first": plan.first, "over": plan.over,
        });
        self.script("work.mjs", &argument)
    }

    /// What was chosen; the rest are its defaults.
    pub(super) fn settings() -> serde_json::Value {
        json!({
            "add_bulk_chunk": CHUNK,
            "worker_concurrency": CONCURRENCY,
            "stalled_interval_ms": 30_000,
            "lock_duration_ms": 30_000,
            "remove_on_complete": true,
            "job_data": "none",
        })
    }
}

/// Where the user's programs keep what can be fetched again.
fn cache() -> PathBuf {
    let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = || of("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let chosen = of("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    chosen.unwrap_or_else(std::env::temp_dir)
}
