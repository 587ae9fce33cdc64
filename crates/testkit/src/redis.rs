//! A part of the test Redis that one test has to itself.

use std::hash::{BuildHasher as _, RandomState};

use redis::AsyncCommands as _;
use redis::aio::MultiplexedConnection;

use crate::servers;

/// How many keys one step of a scan looks at.
const SCAN_STEP: usize = 1_000;

/// The test server and a prefix that no other test uses.
#[derive(Debug, Clone)]
pub struct TestRedis {
    url: &'static str,
    prefix: String,
}

impl TestRedis {
    /// The server's URL.
    pub fn url(&self) -> &str {
        self.url
    }

    /// What the names of this test's keys start with or contain. No other
    /// test's keys do.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A new connection.
    pub async fn connect(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.url);
        let connected = match client {
            Ok(client) => client.get_multiplexed_async_connection().await,
            Err(error) => Err(error),
        };
        match connected {
            Ok(connection) => connection,
            Err(error) => panic!("cannot use Redis at {}: {error}", self.url),
        }
    }

    /// Removes every key of this test: to it, what FLUSHALL is to a server.
    pub async fn flush(&self) {
        let flushed: redis::RedisResult<()> = async {
            let mut connection = self.connect().await;
            let mut cursor: u64 = 0;
            loop {
                let (next, keys): (u64, Vec<String>) = redis::cmd("SCAN")
                    .arg(cursor)
                    .arg("MATCH")
                    .arg(format!("*{}*", self.prefix))
                    .arg("COUNT")
                    .arg(SCAN_STEP)
                    .query_async(&mut connection)
                    .await?;
                if !keys.is_empty() {
                    let _removed: u64 = connection.unlink(keys).await?;
                }
                cursor = next;
                if cursor == 0 {
                    return Ok(());
                }
            }
        }
        .await;
        if let Err(error) = flushed {
            panic!("cannot flush {}: {error}", self.prefix);
        }
    }
}

/// The test Redis with a fresh prefix; `None` where Redis is not installed,
/// which has then been said and makes the test one that is left out. Where `CI`
/// is set it panics instead.
pub async fn redis() -> Option<TestRedis> {
    let url = servers::redis_url()?;
    // Random, because test processes share a server and do not know each other.
    let random = RandomState::new().hash_one(url);
    Some(TestRedis {
        url,
        prefix: format!("lotse-test-{random:016x}"),
    })
}
