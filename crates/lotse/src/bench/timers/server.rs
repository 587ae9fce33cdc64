//! The Redis that is measured on: what it holds, what it costs, and cleaning up.

use anyhow::{Context as _, Result};
use redis::aio::MultiplexedConnection;
use redis::{Client, Pipeline};

use super::plan::row;

/// Rows in one command.
const AT_ONCE: u64 = 5_000;

/// A connection that only looks and cleans.
#[derive(Clone)]
pub(super) struct Server {
    connection: MultiplexedConnection,
}

impl Server {
    /// Connects to `url`.
    pub(super) async fn connect(url: &str) -> Result<Self> {
        let connection = async {
            let client = Client::open(url)?;
            client.get_multiplexed_async_connection().await
        };
        Ok(Self {
            connection: connection.await.context("cannot reach Redis")?,
        })
    }

    async fn info(&self, section: &str, field: &str) -> Result<String> {
        let mut info = redis::cmd("INFO");
        let text: String = info
            .arg(section)
            .query_async(&mut self.connection.clone())
            .await?;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let value = value.with_context(|| format!("Redis does not tell its {field}"))?;
        Ok(value.trim().to_owned())
    }

    /// Its version.
    pub(super) async fn version(&self) -> Result<String> {
        self.info("server", "redis_version").await
    }

    /// Bytes it has allocated.
    pub(super) async fn used(&self) -> Result<f64> {
        Ok(self.info("memory", "used_memory").await?.parse()?)
    }

    /// CPU seconds it has spent, user and system.
    pub(super) async fn cpu_seconds(&self) -> Result<f64> {
        let user: f64 = self.info("cpu", "used_cpu_user").await?.parse()?;
        let system: f64 = self.info("cpu", "used_cpu_sys").await?.parse()?;
        Ok(user + system)
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor)
                .arg("MATCH")
                .arg(format!("{prefix}:*"))
                .arg("COUNT")
                .arg(AT_ONCE);
            let found: (u64, Vec<String>) = scan.query_async(&mut self.connection.clone()).await?;
            keys.extend(found.1);
            cursor = found.0;
            if cursor == 0 {
                return Ok(keys);
            }
        }
    }

    /// What `MEMORY USAGE` says of all keys under `prefix`, in bytes: without what the server needs
    /// around them.
    pub(super) async fn usage(&self, prefix: &str) -> Result<f64> {
        let mut bytes = 0_u64;
        for keys in self.keys(prefix).await?.chunks(1_000) {
            let mut usage = redis::pipe();
            for key in keys {
                usage.cmd("MEMORY").arg("USAGE").arg(key).arg("SAMPLES");
                // All elements, not a sample of them.
                usage.arg(0);
            }
            let usage: Vec<Option<u64>> = usage.query_async(&mut self.connection.clone()).await?;
            bytes += usage.into_iter().flatten().sum::<u64>();
        }
        Ok(bytes as f64)
    }

    /// Removes every key under `prefix`, and waits until its memory is free.
    pub(super) async fn clean(&self, prefix: &str) -> Result<()> {
        for keys in self.keys(prefix).await?.chunks(1_000) {
            let mut removal = Pipeline::new();
            removal.cmd("DEL").arg(keys).ignore();
            removal.exec_async(&mut self.connection.clone()).await?;
        }
        Ok(())
    }

    /// Makes the set `key` of the first `count` rows: those that are open.
    pub(super) async fn open_rows(&self, key: &str, count: u64) -> Result<()> {
        let mut from = 0;
        while from < count {
            let rows: Vec<String> = (from..count.min(from + AT_ONCE)).map(row).collect();
            let mut add = redis::cmd("SADD");
            add.arg(key).arg(rows);
            add.exec_async(&mut self.connection.clone()).await?;
            from += AT_ONCE;
        }
        Ok(())
    }

    /// How many rows are open.
    pub(super) async fn still_open(&self, key: &str) -> Result<u64> {
        let mut count = redis::cmd("SCARD");
        let mut connection = self.connection.clone();
        Ok(count.arg(key).query_async(&mut connection).await?)
    }
}
