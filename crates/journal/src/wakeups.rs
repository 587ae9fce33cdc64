//! Telling other processes that something was appended. Only shortens the wait: whoever misses it
//! looks by himself within a second.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use lotse_supervise::{BoxError, Job, Step};
use redis::aio::{MultiplexedConnection, PubSubStream};
use tokio::sync::Notify;

use crate::heads::Heads;

/// Time allowed for reaching Redis and for one message.
const TIMEOUT: Duration = Duration::from_secs(2);
/// What replicas say when they come or go.
const LEASES: &str = "leases";

/// How processes wake each other.
#[derive(Clone)]
pub struct Wakeups(Option<Arc<Redis>>);

struct Redis {
    client: redis::Client,
    channel: String,
    outbox: Mutex<Outbox>,
    filled: Notify,
}

/// What is still to be told. Only the latest position of a bucket matters, so it stays small
/// however long Redis is away.
#[derive(Default)]
struct Outbox {
    ends: BTreeMap<u8, i64>,
    leases: bool,
}

impl Wakeups {
    /// For a single process.
    pub fn local() -> Self {
        Self(None)
    }

    /// Over Redis pub/sub; `prefix` keeps suites apart that share a server.
    ///
    /// # Errors
    /// When the URL is wrong. Redis itself may be away, now or at any time.
    pub fn redis(url: &str, prefix: &str) -> Result<Self, redis::RedisError> {
        let client = redis::Client::open(url)?;
        Ok(Self(Some(Arc::new(Redis {
            client,
            channel: format!("{prefix}journal"),
            outbox: Mutex::default(),
            filled: Notify::new(),
        }))))
    }

    pub(crate) fn appended(&self, ends: &[(u8, i64)]) {
        if let Some(redis) = &self.0 {
            redis.fill(|outbox| {
                for (bucket, position) in ends {
                    let end = outbox.ends.entry(*bucket).or_default();
                    *end = (*end).max(*position);
                }
            });
        }
    }

    pub(crate) fn leases_changed(&self) {
        if let Some(redis) = &self.0 {
            redis.fill(|outbox| outbox.leases = true);
        }
    }

    /// The job that talks to Redis, where there is one.
    pub(crate) fn job(&self, heads: Arc<Heads>) -> Option<Arc<dyn Job>> {
        let redis = self.0.clone()?;
        Some(Arc::new(Bridge {
            redis,
            heads,
            line: tokio::sync::Mutex::default(),
        }))
    }
}

impl Redis {
    fn fill(&self, fill: impl FnOnce(&mut Outbox)) {
        fill(&mut self.outbox.lock().unwrap_or_else(PoisonError::into_inner));
        self.filled.notify_one();
    }

    fn empty(&self) -> Outbox {
        std::mem::take(&mut self.outbox.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Carries wake-ups to Redis and from it.
struct Bridge {
    redis: Arc<Redis>,
    heads: Arc<Heads>,
    line: tokio::sync::Mutex<Option<Line>>,
}

struct Line {
    talk: MultiplexedConnection,
    listen: PubSubStream,
    /// Heard while waiting, not yet acted upon.
    heard: Option<String>,
    /// The other side hung up.
    over: bool,
}

impl Bridge {
    async fn connect(&self) -> Result<Line, BoxError> {
        let client = &self.redis.client;
        let line = async {
            let talk = client.get_multiplexed_async_connection().await?;
            let mut listen = client.get_async_pubsub().await?;
            listen.subscribe(&self.redis.channel).await?;
            Ok::<_, redis::RedisError>(Line {
                talk,
                listen: listen.into_on_message(),
                heard: None,
                over: false,
            })
        };
        let line = tokio::time::timeout(TIMEOUT, line).await??;
        // Whatever was said meanwhile was not heard here.
        self.heads.leases_changed();
        Ok(line)
    }

    fn hear(&self, message: &str) {
        let mut ends = Vec::new();
        for word in message.split(' ') {
            if word == LEASES {
                self.heads.leases_changed();
            } else if let Some((bucket, position)) = word.split_once(':')
                && let (Ok(bucket), Ok(position)) = (bucket.parse(), position.parse())
            {
                ends.push((bucket, position));
            }
        }
        self.heads.raise(&ends);
    }

    async fn say(&self, line: &mut Line, outbox: &Outbox) -> Result<(), BoxError> {
        let mut message = String::new();
        if outbox.leases {
            message.push_str(LEASES);
        }
        for (bucket, position) in &outbox.ends {
            // Writing to a string does not fail.
            let _ = write!(message, " {bucket}:{position}");
        }
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(&self.redis.channel).arg(message.trim_start());
        tokio::time::timeout(TIMEOUT, publish.query_async::<()>(&mut line.talk)).await??;
        Ok(())
    }
}

#[async_trait]
impl Job for Bridge {
    fn name(&self) -> &str {
        "journal.wakeups"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        let mut slot = self.line.lock().await;
        let mut line = match slot.take().filter(|line| !line.over) {
            Some(line) => line,
            None => self.connect().await?,
        };
        // The line is put back only when it has proved good.
        while let Some(heard) = line.heard.take() {
            self.hear(&heard);
            let more = futures::FutureExt::now_or_never(line.listen.next());
            line.heard = more
                .flatten()
                .and_then(|message| message.get_payload().ok());
        }
        let outbox = self.redis.empty();
        if outbox.leases || !outbox.ends.is_empty() {
            self.say(&mut line, &outbox).await?;
        }
        *slot = Some(line);
        Ok(Step::Idle { until: None })
    }

    async fn woken(&self) {
        let mut slot = self.line.lock().await;
        let Some(line) = &mut *slot else {
            // Nobody to listen to; the next step connects.
            return self.redis.filled.notified().await;
        };
        if line.heard.is_some() || line.over {
            return;
        }
        tokio::select! {
            () = self.redis.filled.notified() => {}
            message = line.listen.next() => match message {
                Some(message) => line.heard = message.get_payload().ok(),
                None => line.over = true,
            },
        }
    }
}
