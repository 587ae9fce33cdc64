//! How much a server takes on at once, over all connections.

use std::sync::Arc;
use std::time::Duration;

use lotse_errors::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// When a caller that was turned away may come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The places of a server. What finds none is refused at once: a queue would only grow until
/// callers have given up on what is in it.
#[derive(Debug)]
pub(crate) struct Limits {
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

impl Limits {
    pub(crate) fn new(calls: usize, streams: usize) -> Self {
        Self {
            calls: Arc::new(Semaphore::new(calls)),
            streams: Arc::new(Semaphore::new(streams)),
        }
    }

    /// Takes a place for one call, or for one stream: streams live long and mostly wait, so they
    /// have places of their own and do not keep calls out.
    pub(crate) fn admit(&self, streams: bool) -> Result<OwnedSemaphorePermit, Error> {
        let (places, what) = if streams {
            (&self.streams, "stream")
        } else {
            (&self.calls, "call")
        };
        Arc::clone(places).try_acquire_owned().map_err(|_| {
            metrics::counter!("lotse_rpcs_shed_total", "kind" => what).increment(1);
            Error::exhausted(RETRY_AFTER, format!("no room for another {what} now"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lotse_errors::Kind;

    #[test]
    fn streams_do_not_take_the_places_of_calls() {
        let limits = Limits::new(1, 1);
        let stream = limits.admit(true).unwrap();
        let call = limits.admit(false).unwrap();
        assert_eq!(
            *limits.admit(true).unwrap_err().kind(),
            Kind::Exhausted(RETRY_AFTER)
        );
        assert_eq!(
            *limits.admit(false).unwrap_err().kind(),
            Kind::Exhausted(RETRY_AFTER)
        );
        drop(call);
        assert!(limits.admit(false).is_ok());
        drop(stream);
        assert!(limits.admit(true).is_ok());
    }
}
