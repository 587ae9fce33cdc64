//! A service that does as it is told, and a server around it.
//!
//! It stands at paths of the suite, because only those have scopes, but speaks a message of its
//! own: one text.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use lotse_auth::Authenticator;
use lotse_clock::BusinessClock;
use lotse_errors::{BoxError, Error};
use lotse_grpc::{Config, Readiness, ServeError, Server, Service};
use lotse_supervise::Supervisor;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::server::{NamedService, ServerStreamingService, UnaryService};
use tonic::{Request, Response, Status, Streaming};
use tonic_health::pb::HealthCheckRequest as Text;
use tonic_prost::ProstCodec;

pub(crate) const UNARY: &str = "/lotse.intake.v1.TicketService/GetTicket";
pub(crate) const STREAM: &str = "/lotse.intake.v1.EventService/StreamEvents";

/// Lets a test know that a call has begun, and lets the call go on.
#[derive(Default)]
pub(crate) struct Gate {
    pub(crate) entered: Notify,
    pub(crate) open: Notify,
}

#[derive(Clone)]
struct Tickets(Arc<Gate>);

impl NamedService for Tickets {
    const NAME: &'static str = "lotse.intake.v1.TicketService";
}

impl UnaryService<Text> for Tickets {
    type Response = Text;
    type Future = BoxFuture<'static, Result<Response<Text>, Status>>;

    fn call(&mut self, request: Request<Text>) -> Self::Future {
        let gate = Arc::clone(&self.0);
        Box::pin(async move {
            let caller = lotse_grpc::caller(&request);
            let timeout = request.metadata().get("grpc-timeout").cloned();
            let token = request.metadata().get("authorization").cloned();
            let service = match request.into_inner().service.as_str() {
                "panic" => panic!("password hunter2"),
                "hang" => {
                    gate.entered.notify_one();
                    std::future::pending().await
                }
                "wait" => {
                    gate.entered.notify_one();
                    gate.open.notified().await;
                    "waited".to_owned()
                }
                "fail" => return Err(Error::internal("password hunter2").into()),
                "who" => caller.principal.to_string(),
                "trace" => lotse_telemetry::current_traceparent(),
                "timeout" => format!("{timeout:?}"),
                "token" => format!("{:?}", token.map(|token| token.to_str().map(str::to_owned))),
                text => format!("heard {text}"),
            };
            Ok(Response::new(Text { service }))
        })
    }
}

impl tower::Service<http::Request<Body>> for Tickets {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let own = self.clone();
        Box::pin(async move {
            Ok(tonic::server::Grpc::new(ProstCodec::default())
                .unary(own, request)
                .await)
        })
    }
}

#[derive(Clone)]
struct Events;

impl NamedService for Events {
    const NAME: &'static str = "lotse.intake.v1.EventService";
}

impl ServerStreamingService<Text> for Events {
    type Response = Text;
    type ResponseStream = BoxStream<'static, Result<Text, Status>>;
    type Future = BoxFuture<'static, Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<Text>) -> Self::Future {
        let asked = request.into_inner().service;
        let first = futures::stream::iter([Ok(Text {
            service: "first".to_owned(),
        })]);
        let rest: BoxStream<'static, Result<Text, Status>> = match asked.as_str() {
            "panic" => futures::stream::poll_fn(|_| panic!("password hunter2")).boxed(),
            "end" => futures::stream::empty().boxed(),
            _ => futures::stream::pending().boxed(),
        };
        Box::pin(std::future::ready(Ok(Response::new(
            first.chain(rest).boxed(),
        ))))
    }
}

impl tower::Service<http::Request<Body>> for Events {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let own = self.clone();
        Box::pin(async move {
            Ok(tonic::server::Grpc::new(ProstCodec::default())
                .server_streaming(own, request)
                .await)
        })
    }
}

/// The scripted service.
pub(crate) fn service(gate: &Arc<Gate>) -> Service {
    Service::new("intake")
        .add(Tickets(Arc::clone(gate)))
        .add(Events)
}

/// Gives the whole process spans without logs. One subscriber for all: with one per thread, a test
/// without any could switch a span off that another test waits for (callsites cache per process).
fn trace() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let quiet = lotse_telemetry::Config {
            log_filter: "off".to_owned(),
            ..lotse_telemetry::Config::default()
        };
        let (subscriber, _tracer) = lotse_telemetry::subscriber(&quiet, std::io::sink).unwrap();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// A server of it that is not listening.
pub(crate) fn server(config: Config, auth: Authenticator) -> (Server, Arc<Gate>) {
    trace();
    let gate = Arc::new(Gate::default());
    let server = Server::new(config, auth, vec![service(&gate)]).unwrap();
    (server, gate)
}

/// A server that listens on loopback.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) readiness: Readiness,
    pub(crate) gate: Arc<Gate>,
    pub(crate) stop: CancellationToken,
    ended: oneshot::Receiver<Result<(), ServeError>>,
    _tasks: Supervisor,
}

impl Running {
    pub(crate) async fn start(config: Config, auth: Authenticator) -> Self {
        let (server, gate) = server(config, auth);
        Self::serve(server, gate).await
    }

    pub(crate) async fn serve(server: Server, gate: Arc<Gate>) -> Self {
        let listener = lotse_grpc::bind("127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let (readiness, stop) = (server.readiness(), CancellationToken::new());
        let (end, ended) = oneshot::channel();
        let (tasks, jobs) = (supervisor(), supervisor());
        let stopped = stop.clone().cancelled_owned();
        tasks.spawn_draining("server", async move {
            // Nobody listens when the test does not care how it ended.
            let _ = end.send(server.serve(listener, &jobs, stopped).await);
        });
        Self {
            address,
            readiness,
            gate,
            stop,
            ended,
            _tasks: tasks,
        }
    }

    /// How serving ended.
    pub(crate) async fn ended(self) -> Result<(), ServeError> {
        self.ended.await.unwrap()
    }

    /// A transport without timers of its own, so that answers are the server's.
    pub(crate) fn plain(&self) -> (Client<HttpConnector, Body>, http::Uri) {
        let client = Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build_http();
        (client, format!("http://{}", self.address).parse().unwrap())
    }

    pub(crate) async fn ask(&self, text: &str) -> Result<String, Status> {
        let (client, origin) = self.plain();
        ask(client, origin, request(text)).await
    }
}

pub(crate) fn supervisor() -> Supervisor {
    Supervisor::new(BusinessClock::system())
}

pub(crate) fn request(text: &str) -> Request<Text> {
    Request::new(Text {
        service: text.to_owned(),
    })
}

pub(crate) fn with_timeout(text: &str, timeout: &'static str) -> Request<Text> {
    let mut request = request(text);
    request
        .metadata_mut()
        .insert("grpc-timeout", timeout.parse().unwrap());
    request
}

/// Makes the unary call.
pub(crate) async fn ask<S>(
    transport: S,
    origin: http::Uri,
    request: Request<Text>,
) -> Result<String, Status>
where
    S: GrpcService<Body>,
    S::ResponseBody: http_body::Body<Data = Bytes> + Send + 'static,
    <S::ResponseBody as http_body::Body>::Error: Into<BoxError> + Send,
    S::Error: std::fmt::Debug,
{
    let mut grpc = tonic::client::Grpc::with_origin(transport, origin);
    grpc.ready().await.unwrap();
    let codec = ProstCodec::<Text, Text>::default();
    let answer = grpc.unary(request, UNARY.parse().unwrap(), codec).await?;
    Ok(answer.into_inner().service)
}

/// Opens the stream.
pub(crate) async fn open<S>(
    transport: S,
    origin: http::Uri,
    request: Request<Text>,
) -> Result<Streaming<Text>, Status>
where
    S: GrpcService<Body>,
    S::ResponseBody: http_body::Body<Data = Bytes> + Send + 'static,
    <S::ResponseBody as http_body::Body>::Error: Into<BoxError> + Send,
    S::Error: std::fmt::Debug,
{
    let mut grpc = tonic::client::Grpc::with_origin(transport, origin);
    grpc.ready().await.unwrap();
    let codec = ProstCodec::<Text, Text>::default();
    Ok(grpc
        .server_streaming(request, STREAM.parse().unwrap(), codec)
        .await?
        .into_inner())
}

/// Ends a test that waits for something that does not come.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), what)
        .await
        .expect("it comes within ten seconds")
}
