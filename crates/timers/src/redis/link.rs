//! The connections: made on first use, made again when lost, and one log line for each change.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig, SendError};
use ::redis::{
    Client, ErrorKind, FromRedisValue, IntoConnectionInfo, Msg, Pipeline, ProtocolVersion,
    PushInfo, PushKind, RedisError, ServerErrorKind,
};

use super::feed::Feed;
use super::scripts;
use crate::StoreError;

/// SQL fires a second or two late without Redis: waiting longer for it would only add to that.
const PATIENCE: Duration = Duration::from_secs(1);

/// Feeds by channel.
type Feeds = Arc<Mutex<HashMap<String, Arc<Feed>>>>;

/// Two shared connections that reconnect by themselves, so that a claim never waits behind a
/// hundred thousand armings: Redis takes turns between connections, not within one.
pub(super) struct Link {
    /// Claims, and the messages that arrive as RESP3 pushes.
    pub(super) claims: Line,
    /// Arming and cancelling.
    pub(super) arming: Line,
    feeds: Feeds,
}

/// One of the two.
pub(super) struct Line {
    purpose: &'static str,
    manager: ConnectionManager,
    address: String,
    failing: AtomicBool,
}

impl Link {
    pub(super) fn open(url: &str) -> Result<Link, StoreError> {
        let refuse = |error: RedisError| StoreError::Config(format!("the Redis URL: {error}"));
        let info = url.into_connection_info().map_err(refuse)?;
        let address = info.addr().to_string();
        let settings = info
            .redis_settings()
            .clone()
            .set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings)).map_err(refuse)?;
        let feeds = Feeds::default();
        let config = ConnectionManagerConfig::new()
            // A retry inside would hold up the worker, which retries anyway.
            .set_number_of_retries(0)
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let listening = config
            .clone()
            .set_push_sender(deliver(feeds.clone()))
            .set_automatic_resubscription();
        let line = |purpose, config| {
            let manager = ConnectionManager::new_lazy_with_config(client.clone(), config);
            Ok::<_, StoreError>(Line {
                purpose,
                manager: manager.map_err(refuse)?,
                address: address.clone(),
                failing: AtomicBool::new(false),
            })
        };
        Ok(Link {
            claims: line("claims", listening)?,
            arming: line("arming", config)?,
            feeds,
        })
    }

    pub(super) fn feed(&self, channel: &str) -> Arc<Feed> {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feeds.get(channel) {
            return feed.clone();
        }
        feeds.entry(channel.to_owned()).or_default().clone()
    }

    /// Waits for a message on `channel`, subscribing when that has not been done. After a lost
    /// connection the manager subscribes again.
    pub(super) async fn await_message(&self, channel: &str) {
        let feed = self.feed(channel);
        if !feed.subscribed.load(Ordering::SeqCst) {
            match self.claims.manager.clone().subscribe(channel).await {
                // What was published before the subscription is lost: have the caller look.
                Ok(()) => {
                    feed.forget();
                    feed.subscribed.store(true, Ordering::SeqCst);
                    return;
                }
                Err(error) => {
                    tracing::debug!(channel, %error, "cannot listen for timers that moved");
                    return std::future::pending().await;
                }
            }
        }
        feed.moved.notified().await;
    }
}

impl Line {
    /// Sends `pipeline`; loads the scripts first where the server does not know them. Everything
    /// sent here may be sent twice.
    pub(super) async fn send<T: FromRedisValue>(
        &self,
        pipeline: &Pipeline,
    ) -> Result<T, StoreError> {
        let mut connection = self.manager.clone();
        let mut answer = pipeline.query_async(&mut connection).await;
        if answer.as_ref().is_err_and(was_cut_off) {
            // The manager connects anew when it meets the loss, and tells it to whoever met it.
            answer = pipeline.query_async(&mut connection).await;
        }
        if answer.as_ref().is_err_and(is_unknown_script) {
            answer = match self.load_scripts().await {
                Ok(()) => pipeline.query_async(&mut connection).await,
                Err(error) => Err(error),
            };
        }
        self.tell(answer.as_ref().err());
        answer.map_err(|source| StoreError::Redis {
            address: self.address.clone(),
            source,
        })
    }

    async fn load_scripts(&self) -> Result<(), RedisError> {
        for script in scripts::all() {
            script.load_async(&mut self.manager.clone()).await?;
        }
        Ok(())
    }

    /// Logs the first failure and the recovery, not what lies between.
    fn tell(&self, error: Option<&RedisError>) {
        let was_failing = self.failing.swap(error.is_some(), Ordering::SeqCst);
        metrics::gauge!("lotse_timers_redis_up", "for" => self.purpose).set(if error.is_some() {
            0
        } else {
            1
        });
        match error {
            Some(error) if !was_failing => tracing::warn!(
                address = self.address,
                purpose = self.purpose,
                %error,
                "Redis fails the timers; until it is back they fire from SQL, a second or two late"
            ),
            None if was_failing => {
                tracing::info!(
                    address = self.address,
                    purpose = self.purpose,
                    "Redis keeps timers again"
                );
            }
            _ => {}
        }
    }
}

/// The connection was lost before this, or with it; not a server that is slow.
fn was_cut_off(error: &RedisError) -> bool {
    !error.is_timeout() && (error.is_io_error() || error.is_connection_dropped())
}

fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// Hands messages to whoever waits for their channel.
fn deliver(feeds: Feeds) -> impl Fn(PushInfo) -> Result<(), SendError> + Send + Sync + 'static {
    move |push| {
        let feeds = feeds.lock().unwrap_or_else(PoisonError::into_inner);
        if push.kind == PushKind::Disconnection {
            // Messages may be missed from here on: everybody looks for himself.
            for feed in feeds.values() {
                feed.forget();
                feed.moved.notify_one();
            }
        } else if let Some(message) = Msg::from_push_info(push)
            && let Some(feed) = feeds.get(message.get_channel_name())
        {
            feed.hear(&message.get_payload::<String>().unwrap_or_default());
        }
        Ok(())
    }
}
