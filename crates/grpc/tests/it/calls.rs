//! Unary calls: deadlines, panics, overload, sizes.

use std::time::{Duration, Instant};

use lotse_auth::Authenticator;
use lotse_clock::SystemClock;
use lotse_errors::{ErrorReason, peer};
use lotse_grpc::{Config, ServeError, Server, Service};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::scripted::{Running, ask, request, server, service, soon, supervisor, with_timeout};

fn since(began: Instant) -> Duration {
    began.elapsed()
}

#[tokio::test]
async fn late_call_is_answered_deadline_exceeded_on_time() {
    let running = Running::start(Config::default(), Authenticator::local()).await;
    let (client, origin) = running.plain();
    let began = SystemClock.monotonic();
    let status = soon(ask(client, origin, with_timeout("hang", "200m")))
        .await
        .unwrap_err();
    let took = since(began);
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert_eq!(peer::reason(&status), Some(ErrorReason::DeadlineExceeded));
    assert!(
        took >= Duration::from_millis(150) && took < Duration::from_secs(2),
        "{took:?}"
    );
}

#[tokio::test]
async fn call_without_deadline_gets_the_default_one() {
    let config = Config {
        default_deadline: Duration::from_millis(50),
        ..Config::default()
    };
    let (server, _gate) = server(config, Authenticator::local());
    let status = soon(ask(server.stack(), "/".parse().unwrap(), request("hang"))).await;
    assert_eq!(status.unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn panic_is_answered_internal_without_leaking_and_the_connection_lives_on() {
    let running = Running::start(Config::default(), Authenticator::local()).await;
    let (client, origin) = running.plain();
    for text in ["panic", "fail"] {
        let status = ask(client.clone(), origin.clone(), request(text))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::Internal);
        let shown = format!("{status:?} {:?}", status.get_error_details());
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(
            status
                .get_details_error_info()
                .unwrap()
                .metadata
                .contains_key("trace_id")
        );
    }
    assert_eq!(
        ask(client, origin, request("on")).await.unwrap(),
        "heard on"
    );
}

#[tokio::test]
async fn overload_over_all_connections_is_answered_at_once_with_a_time_to_come_back() {
    let config = Config {
        max_concurrent_calls: 1,
        ..Config::default()
    };
    let running = Running::start(config, Authenticator::local()).await;
    let (first, second) = (running.ask("wait"), async {
        soon(running.gate.entered.notified()).await;
        // Another connection.
        let status = running.ask("more").await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(peer::reason(&status), Some(ErrorReason::Overloaded));
        assert_eq!(peer::retry_after(&status), Some(Duration::from_secs(1)));
        running.gate.open.notify_one();
    });
    let (first, ()) = soon(Box::pin(async { tokio::join!(first, second) })).await;
    assert_eq!(first.unwrap(), "waited");
    assert_eq!(running.ask("again").await.unwrap(), "heard again");
}

#[tokio::test]
async fn message_above_the_limit_is_refused_as_invalid() {
    let config = Config {
        max_message_bytes: 1000,
        ..Config::default()
    };
    let (server, _gate) = server(config, Authenticator::local());
    let origin: http::Uri = "/".parse().unwrap();
    let small = ask(server.stack(), origin.clone(), request(&"x".repeat(990))).await;
    assert!(small.is_ok());
    let large = ask(server.stack(), origin, request(&"x".repeat(1000)))
        .await
        .unwrap_err();
    assert_eq!(large.code(), Code::InvalidArgument, "{large:?}");
    assert!(large.message().contains("1000 bytes"), "{large:?}");
}

#[tokio::test]
async fn request_id_is_echoed_or_made() {
    let (server, _gate) = server(Config::default(), Authenticator::local());
    let mut stack = server.stack();
    let mut id = async |given: Option<&'static str>| {
        let mut request = http::Request::post("/made.Up/Name").body(tonic::body::Body::empty());
        if let (Ok(request), Some(given)) = (&mut request, given) {
            request
                .headers_mut()
                .insert("x-request-id", given.parse().unwrap());
        }
        let response = tower::Service::call(&mut stack, request.unwrap())
            .await
            .unwrap();
        assert_eq!(response.headers()["grpc-status"], "12", "unimplemented");
        response.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(id(Some("mine-1")).await, "mine-1");
    assert_eq!(id(Some("with blank")).await.len(), 32);
    assert_ne!(id(None).await, id(None).await);
}

#[tokio::test]
async fn method_without_scope_is_a_refused_start() {
    #[derive(Clone)]
    struct Unknown;
    impl tonic::server::NamedService for Unknown {
        const NAME: &'static str = "made.up.v1.Service";
    }
    impl tower::Service<http::Request<tonic::body::Body>> for Unknown {
        type Response = http::Response<tonic::body::Body>;
        type Error = std::convert::Infallible;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Self::Error>> {
            std::task::Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: http::Request<tonic::body::Body>) -> Self::Future {
            std::future::ready(Ok(http::Response::default()))
        }
    }
    let services = vec![Service::new("unknown").add(Unknown)];
    let refused = Server::new(Config::default(), Authenticator::local(), services);
    let Err(ServeError::ScopeMissing(paths)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(paths, ["/made.up.v1.Service/*"]);
}

#[tokio::test]
async fn address_open_to_all_is_not_served_without_authentication() {
    let (server, _gate) = server(Config::default(), Authenticator::local());
    let listener = lotse_grpc::bind("0.0.0.0:0".parse().unwrap())
        .await
        .unwrap();
    let served = soon(server.serve(listener, &supervisor(), std::future::pending())).await;
    assert!(matches!(served, Err(ServeError::Open(_))), "{served:?}");
}

#[tokio::test]
async fn port_in_use_is_said_in_words() {
    let first = lotse_grpc::bind("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let address = first.local_addr().unwrap();
    let error = lotse_grpc::bind(address).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("{address} is in use")),
        "{error}"
    );
}

#[tokio::test]
async fn tuned_server_takes_gzip_and_answers_zstd() {
    use tonic::codec::CompressionEncoding::{Gzip, Zstd};
    use tonic_health::pb::health_client::HealthClient;
    use tonic_health::pb::health_server::HealthServer;
    let gate = std::sync::Arc::default();
    let readiness = Server::new(
        Config::default(),
        Authenticator::local(),
        vec![service(&gate)],
    )
    .unwrap();
    let server = lotse_grpc::tuned!(HealthServer::new(readiness.readiness()));
    let mut client = HealthClient::new(server)
        .send_compressed(Gzip)
        .accept_compressed(Zstd);
    let answer = client.check(request("")).await.unwrap();
    assert_eq!(answer.metadata().get("grpc-encoding").unwrap(), "zstd");
}
