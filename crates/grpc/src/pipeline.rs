//! The way of every call, step by step.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use lotse_auth::{Authenticator, Caller};
use lotse_client::deadline::within;
use lotse_errors::{BoxError, Error};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Status};
use tower::Service as _;
use tracing::{Instrument as _, Span};

use crate::answer::{Answer, Stream};
use crate::limit::Limits;
use crate::methods::{Access, Method, Methods};
use crate::observe::{self, Call};
use crate::size::Limited;
use crate::{Config, deadline};

const REQUEST_ID: &str = "x-request-id";

/// Everything a server does with a call, ready to be put behind a listener, or to be called within
/// the process: a generated client takes it as its transport. Cheap to clone.
#[derive(Clone)]
pub struct Stack {
    shared: Arc<Shared>,
    routes: Routes,
}

pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) methods: Methods,
    pub(crate) auth: Authenticator,
    pub(crate) limits: Limits,
    pub(crate) draining: CancellationToken,
}

impl Stack {
    pub(crate) fn new(shared: Shared, routes: Routes) -> Self {
        Self {
            shared: Arc::new(shared),
            routes: routes.prepare(),
        }
    }

    /// The steps, outermost first.
    async fn run(self, request: Request<Body>) -> Response<Body> {
        let method = self.shared.methods.find(request.uri().path());
        // Trace context: everything below is logged and traced as part of the caller's trace.
        let span = observe::span(&method, request.headers());
        // Metrics: outside of all that may refuse, so that refusals are counted too.
        let call = Call::begin(Arc::clone(&method), span.clone());
        self.guarded(method, call, request).instrument(span).await
    }

    /// Catches panics: one broken call must not take the connection, which others share, along.
    async fn guarded(
        self,
        method: Arc<Method>,
        mut call: Call,
        mut request: Request<Body>,
    ) -> Response<Body> {
        // Request id: what caller and operator both can name, before anything can go wrong.
        let request_id = identify(request.headers_mut());
        let streams = method.streams;
        // Deadline: covers what follows. A stream keeps it, a call without one gets the default.
        let asked = deadline::of(request.headers());
        let limit = if streams {
            asked
        } else {
            asked.or(Some(self.shared.config.default_deadline))
        };
        let ends = asked
            .filter(|_| streams)
            .map(|asked| Box::pin(tokio::time::sleep(asked)));
        let draining = self.shared.draining.clone();

        let work = AssertUnwindSafe(self.admitted(&method, request)).catch_unwind();
        let outcome = match limit {
            // Calls made on the way to the answer get what is left of it.
            Some(limit) => tokio::time::timeout(limit, within(limit, work)).await,
            None => Ok(work.await),
        };
        let outcome = match outcome {
            Err(_elapsed) => Err(Error::deadline_exceeded()),
            Ok(Err(panic)) => Err(panicked(panic)),
            Ok(Ok(outcome)) => outcome,
        };

        let (mut response, place) = match outcome {
            Ok((response, place)) => (response, place),
            Err(error) => (Status::from(error).into_http(), None),
        };
        response.headers_mut().insert(REQUEST_ID, request_id);
        // A refusal has its status in the headers and no body.
        if response.headers().contains_key("grpc-status") {
            call.ended(response.headers());
            return response;
        }
        let stream = streams.then(|| Stream {
            deadline: ends,
            draining: Box::pin(draining.cancelled_owned()),
            _place: place,
        });
        response.map(|body| Body::new(Answer::new(body, call, stream)))
    }

    /// Load shedding, authentication, size limits, then the service's own code.
    async fn admitted(
        mut self,
        method: &Method,
        mut request: Request<Body>,
    ) -> Result<(Response<Body>, Option<OwnedSemaphorePermit>), Error> {
        // Before authentication: checking a signature is work that must not be forced on us.
        let place = match method.access {
            Access::Probe => None,
            Access::Scope(_) | Access::Schema => Some(self.shared.limits.admit(method.streams)?),
        };
        let caller = match method.access {
            Access::Probe | Access::Schema => Caller::nobody(),
            Access::Scope(scope) => {
                let authority = authority(&request);
                let caller = self
                    .shared
                    .auth
                    .authenticate(authority.as_deref(), request.headers())
                    .await?;
                caller.require(scope)?;
                caller
            }
        };
        request.extensions_mut().insert(caller);
        let max = self.shared.config.max_message_bytes;
        let request = request.map(|body| Body::new(Limited::new(body, max)));
        let response = match self.routes.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        match undecodable(response.headers()) {
            Some(error) => Err(error),
            None => Ok((response, place)),
        }
    }
}

impl tower::Service<Request<Body>> for Stack {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().run(request).map(Ok))
    }
}

/// Takes the caller's request id if it is sound, else makes one, and names the span by it.
fn identify(headers: &mut HeaderMap) -> HeaderValue {
    let given = headers.get(REQUEST_ID).filter(|id| {
        !id.is_empty() && id.len() <= 128 && id.as_bytes().iter().all(u8::is_ascii_graphic)
    });
    let id = given.cloned().unwrap_or_else(|| {
        let id = format!("{:032x}", rand::random::<u128>());
        HeaderValue::from_str(&id).expect("hex digits") // invariant: hex digits make a header
    });
    headers.insert(REQUEST_ID, id.clone());
    Span::current().record("request_id", id.to_str().unwrap_or_default());
    id
}

/// tonic calls a message that does not decode INTERNAL, and repeats what the decoder says. The
/// fault is the caller's.
fn undecodable(headers: &HeaderMap) -> Option<Error> {
    let status = Status::from_header_map(headers)?;
    // Every error of our own carries details.
    let of_tonic = status.code() == Code::Internal && status.details().is_empty();
    let of_decoder = status
        .message()
        .starts_with("failed to decode Protobuf message");
    (of_tonic && of_decoder).then(|| {
        Error::invalid(
            "request",
            "must be a protobuf message of this method's type",
        )
    })
}

/// The host the caller believes it is talking to: `:authority` of HTTP/2, else `Host`.
fn authority(request: &Request<Body>) -> Option<String> {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    request
        .uri()
        .authority()
        .map(|authority| authority.as_str())
        .or(host)
        .map(str::to_owned)
}

/// A panic as an error; its message goes to the log only.
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Error {
    metrics::counter!("lotse_rpc_panics_total").increment(1);
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned());
    Error::internal(BoxError::from(format!("panicked: {text}")))
}
