//! A channel to a server that is made after those who call it.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use http::{Request, Response};
use lotse_errors::{BoxError, Error};
use tonic::Status;
use tonic::body::Body;
use tower::{Service as _, ServiceExt as _};

use crate::Channel;

/// When to try again what came before there was a server.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The other end of [`Channel::later`]: says where its calls go. When it is dropped they go nowhere
/// again, so that a server which calls itself does not keep itself alive.
pub struct Later(pub(crate) Arc<OnceLock<Channel>>);

impl Later {
    /// From now on calls go through `channel`. Only the first one counts.
    pub fn set(&self, channel: Channel) {
        self.0.get_or_init(|| channel);
    }
}

/// Sends a request where [`Later`] says.
pub(crate) async fn send(
    to: Weak<OnceLock<Channel>>,
    request: Request<Body>,
) -> Result<Response<Body>, BoxError> {
    let channel = to.upgrade().and_then(|to| to.get().cloned());
    match channel {
        Some(mut channel) => channel.ready().await?.call(request).await,
        None => {
            let error = Error::unavailable(RETRY_AFTER, "the server it calls is not there");
            Ok(Status::from(error).into_http())
        }
    }
}
