//! A connection to a peer, with what every call must carry.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response, header};
use lotse_errors::{BoxError, Error};
use tonic::Status;
use tonic::body::Body;
use tonic::transport::Endpoint;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};

use crate::later::{self, Later};
use crate::token::Bearer;
use crate::{Token, deadline};

/// A peer, and how it is called.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it listens, as in `http://sla:7070`.
    pub uri: String,
    /// The token it is shown.
    pub token: Token,
    /// Time for connecting.
    pub connect_timeout: Duration,
    /// Time until the answer begins, for calls that set no deadline and are made outside of any.
    pub default_deadline: Duration,
    /// Pings on a quiet connection, so that a dead one is noticed.
    pub keepalive_interval: Duration,
}

impl Target {
    /// A peer without a token.
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            token: Token::Absent,
            connect_timeout: Duration::from_secs(3),
            default_deadline: Duration::from_secs(10),
            keepalive_interval: Duration::from_secs(30),
        }
    }

    /// Shows `token`.
    #[must_use]
    pub fn with_token(self, token: Token) -> Self {
        Self { token, ..self }
    }
}

/// Why a target cannot be one.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URI does not parse.
    #[error("{uri:?} is no address of a service: {source}")]
    Uri {
        /// As configured.
        uri: String,
        /// What the parser says.
        source: tonic::transport::Error,
    },
    /// Only plain HTTP/2 is spoken.
    #[error("{0:?} must begin with http://; between services TLS is the mesh's business so far")]
    Scheme(String),
}

/// Gives a channel to a peer. It connects with the first call; needs a tokio runtime.
///
/// # Errors
/// When the URI is wrong. A peer that is away is an error of the call (UNAVAILABLE), not of this.
pub fn connect(target: &Target) -> Result<Channel, ConnectError> {
    let endpoint =
        Endpoint::from_shared(target.uri.clone()).map_err(|source| ConnectError::Uri {
            uri: target.uri.clone(),
            source,
        })?;
    if endpoint.uri().scheme_str() != Some("http") {
        return Err(ConnectError::Scheme(target.uri.clone()));
    }
    let channel = endpoint
        .connect_timeout(target.connect_timeout)
        .http2_keep_alive_interval(target.keepalive_interval)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true)
        .connect_lazy();
    Ok(Channel {
        inner: BoxCloneSyncService::new(channel.map_err(BoxError::from)),
        bearer: Bearer::new(target.token.clone()),
        default_deadline: target.default_deadline,
    })
}

/// What generated clients call through. Cheap to clone; clones share the connection.
#[derive(Clone)]
pub struct Channel {
    inner: BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>,
    bearer: Bearer,
    default_deadline: Duration,
}

impl Channel {
    /// A channel to a server within this process, such as `lotse_grpc::Stack`.
    pub fn in_process<S>(server: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
        let server = server.map_err(|never: Infallible| -> BoxError { match never {} });
        Self {
            inner: BoxCloneSyncService::new(server),
            bearer: Bearer::new(Token::Absent),
            default_deadline: Target::new("").default_deadline,
        }
    }

    /// A channel to a server that is made later, such as the one whose services hold the channel.
    /// Until the other end is [set](Later::set) every call is UNAVAILABLE.
    pub fn later() -> (Self, Later) {
        let later = Later(Arc::default());
        let to = Arc::downgrade(&later.0);
        let inner = tower::service_fn(move |request| later::send(to.clone(), request));
        let channel = Self {
            inner: BoxCloneSyncService::new(inner),
            bearer: Bearer::new(Token::Absent),
            default_deadline: Target::new("").default_deadline,
        };
        (channel, later)
    }

    /// Shows `token` instead.
    #[must_use]
    pub fn with_token(self, token: Token) -> Self {
        Self {
            bearer: Bearer::new(token),
            ..self
        }
    }

    async fn send(mut self, mut request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let headers = request.headers_mut();
        lotse_telemetry::trace::inject_current(headers);
        match self.bearer.header().await {
            Ok(Some(bearer)) if !headers.contains_key(header::AUTHORIZATION) => {
                headers.insert(header::AUTHORIZATION, bearer);
            }
            Ok(_) => {}
            Err(error) => return Ok(Status::from(error).into_http()),
        }
        let own = deadline::of(headers);
        let limit = match [own, deadline::remaining()].into_iter().flatten().min() {
            // The peer is told, so that it stops working in time.
            Some(limit) => {
                headers.insert("grpc-timeout", deadline::encode(limit));
                limit
            }
            // The peer is not told: this one ends with the head of the answer, because the call may
            // be a stream that goes on.
            None => self.default_deadline,
        };
        let call = async { self.inner.ready().await?.call(request).await };
        let late = || Ok(Status::from(Error::deadline_exceeded()).into_http());
        match tokio::time::timeout(limit, call).await {
            Err(_elapsed) => late(),
            // tonic's own timer for `grpc-timeout` may be first; it calls that CANCELLED.
            Ok(Err(error)) if is_timeout(&error) => late(),
            Ok(outcome) => outcome,
        }
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Readiness is awaited within the call, so that waiting for it counts against the deadline.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("default_deadline", &self.default_deadline)
            .finish()
    }
}

/// Whether tonic's own timer ended the call.
fn is_timeout(error: &BoxError) -> bool {
    let first: &(dyn std::error::Error + 'static) = error.as_ref();
    std::iter::successors(Some(first), |error| error.source())
        .any(|error| error.is::<tonic::TimeoutExpired>())
}
