//! Calls to a peer.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use lotse_client::{Channel, Target, Token, connect, deadline};
use lotse_clock::BusinessClock;
use lotse_errors::{Error, ErrorReason, peer};
use lotse_supervise::Supervisor;
use tonic::body::Body;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// A peer that answers no call but says, as an error, what it was sent.
#[derive(Clone)]
struct Mirror;

impl tower::Service<http::Request<Body>> for Mirror {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let headers = request.headers().clone();
        Box::pin(async move {
            let header = |name: &str| {
                let value = headers.get(name).map(|v| v.to_str().unwrap().to_owned());
                value.unwrap_or_default()
            };
            if header("x-hang") == "yes" {
                std::future::pending::<()>().await;
            }
            let seen = ["grpc-timeout", "authorization", "traceparent"]
                .map(header)
                .join("|");
            Ok(tonic::Status::from(Error::unauthenticated(seen)).into_http())
        })
    }
}

fn check(service: &str) -> Request<HealthCheckRequest> {
    Request::new(HealthCheckRequest {
        service: service.to_owned(),
    })
}

/// What a peer behind `channel` is sent: timeout, token and trace.
async fn sent(channel: Channel, request: Request<HealthCheckRequest>) -> [String; 3] {
    let status = HealthClient::new(channel).check(request).await.unwrap_err();
    let parts: Vec<String> = status.message().split('|').map(str::to_owned).collect();
    parts.try_into().unwrap_or_else(|_| panic!("{status:?}"))
}

#[tokio::test]
async fn deadline_of_the_call_being_served_is_passed_on_and_the_shorter_one_counts() {
    let channel = Channel::in_process(Mirror);
    assert_eq!(
        sent(channel.clone(), check("")).await[0],
        "",
        "none to pass on"
    );
    let inherited = deadline::within(Duration::from_secs(5), sent(channel.clone(), check("")));
    let micros = |text: &str| text.strip_suffix('u').unwrap().parse::<u64>().unwrap();
    let inherited = micros(&inherited.await[0]);
    assert!((4_000_000..=5_000_000).contains(&inherited), "{inherited}");
    let mut short = check("");
    short.set_timeout(Duration::from_secs(1));
    let own = deadline::within(Duration::from_secs(5), sent(channel, short)).await;
    assert_eq!(micros(&own[0]), 1_000_000);
}

#[tokio::test]
async fn peer_that_hangs_is_deadline_exceeded() {
    let channel = Channel::in_process(Mirror);
    let mut request = check("");
    request
        .metadata_mut()
        .insert("x-hang", "yes".parse().unwrap());
    request.set_timeout(Duration::from_millis(50));
    let status = HealthClient::new(channel).check(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert_eq!(peer::reason(&status), Some(ErrorReason::DeadlineExceeded));
}

#[tokio::test]
async fn peer_that_hangs_on_the_network_is_deadline_exceeded_too() {
    // It takes connections and never says a word.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::new(format!("http://{}", silent.local_addr().unwrap()));
    let mut request = check("");
    request.set_timeout(Duration::from_millis(100));
    let status = HealthClient::new(connect(&target).unwrap())
        .check(request)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
}

#[tokio::test]
async fn token_is_shown_and_one_from_a_file_may_be_absent_at_first() {
    let channel = Channel::in_process(Mirror);
    assert_eq!(sent(channel.clone(), check("")).await[1], "");
    let fixed = channel.clone().with_token(Token::Fixed("abc".to_owned()));
    assert_eq!(sent(fixed, check("")).await[1], "Bearer abc");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let from_file = channel.with_token(Token::File(path.clone()));
    let status = HealthClient::new(from_file.clone())
        .check(check(""))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    std::fs::write(&path, "from-file\n").unwrap();
    assert_eq!(
        sent(from_file.clone(), check("")).await[1],
        "Bearer from-file"
    );
    // Calls on their own behalf, such as the gateway's, keep the token they bring.
    let mut brought = check("");
    brought
        .metadata_mut()
        .insert("authorization", "Bearer own".parse().unwrap());
    assert_eq!(sent(from_file, brought).await[1], "Bearer own");
}

#[tokio::test]
async fn trace_goes_on_at_the_peer() {
    let (subscriber, _tracer) =
        lotse_telemetry::subscriber(&lotse_telemetry::Config::default(), std::io::sink).unwrap();
    let _installed = tracing::subscriber::set_default(subscriber);
    let span = tracing::info_span!("caller");
    let trace_id = lotse_telemetry::trace::trace_id(&span).unwrap();
    let call = sent(Channel::in_process(Mirror), check(""));
    let seen = tracing::Instrument::instrument(call, span).await;
    assert!(seen[2].contains(&trace_id), "{seen:?}");
}

#[tokio::test]
async fn peer_that_is_away_is_unavailable_and_found_when_it_comes_back() {
    let listener = lotse_grpc::bind("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let channel = connect(&Target::new(format!("http://{address}"))).unwrap();
    let status = HealthClient::new(channel.clone())
        .check(check(""))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");

    let (tasks, jobs) = (
        Supervisor::new(BusinessClock::system()),
        Supervisor::new(BusinessClock::system()),
    );
    let auth = lotse_auth::Authenticator::local();
    let server = lotse_grpc::Server::new(lotse_grpc::Config::default(), auth, Vec::new()).unwrap();
    let listener = lotse_grpc::bind(address).await.unwrap();
    tasks.spawn_task("server", async move {
        server
            .serve(listener, &jobs, std::future::pending())
            .await
            .unwrap();
    });
    assert!(HealthClient::new(channel).check(check("")).await.is_ok());
}

#[test]
fn wrong_addresses_are_said_in_words() {
    let error = connect(&Target::new("https://sla:7070")).unwrap_err();
    assert!(error.to_string().contains("http://"), "{error}");
    assert!(connect(&Target::new("no address")).is_err());
}

#[tokio::test]
async fn a_channel_made_before_its_server_is_unavailable_until_it_is_there_and_after_it_is_gone() {
    let (channel, later) = Channel::later();
    let mut client = HealthClient::new(channel.clone());
    let early = client.check(check("")).await.unwrap_err();
    assert_eq!(peer::reason(&early), Some(ErrorReason::DependencyDown));
    later.set(Channel::in_process(Mirror));
    assert_eq!(sent(channel.clone(), check("")).await[0], "");
    drop(later);
    let gone = client.check(check("")).await.unwrap_err();
    assert_eq!(gone.code(), Code::Unavailable);
}
