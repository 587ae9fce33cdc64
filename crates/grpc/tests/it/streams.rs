//! Streams: what ends them.

use lotse_auth::Authenticator;
use lotse_errors::{ErrorReason, peer};
use lotse_grpc::Config;
use tonic::Code;

use crate::scripted::{Running, open, request, server, soon, with_timeout};

#[tokio::test]
async fn stream_without_deadline_outlives_the_default_one_and_ends_by_itself() {
    let config = Config {
        default_deadline: std::time::Duration::ZERO,
        ..Config::default()
    };
    let (server, _gate) = server(config, Authenticator::local());
    let mut stream = open(server.stack(), "/".parse().unwrap(), request("end"))
        .await
        .unwrap();
    assert_eq!(
        soon(stream.message()).await.unwrap().unwrap().service,
        "first"
    );
    assert!(soon(stream.message()).await.unwrap().is_none());
}

#[tokio::test]
async fn deadline_ends_an_open_stream_with_deadline_exceeded() {
    let running = Running::start(Config::default(), Authenticator::local()).await;
    let (client, origin) = running.plain();
    let mut stream = open(client, origin, with_timeout("on", "200m"))
        .await
        .unwrap();
    assert_eq!(
        soon(stream.message()).await.unwrap().unwrap().service,
        "first"
    );
    let ended = soon(stream.message()).await.unwrap_err();
    assert_eq!(ended.code(), Code::DeadlineExceeded);
    assert_eq!(peer::reason(&ended), Some(ErrorReason::DeadlineExceeded));
}

#[tokio::test]
async fn panic_within_a_stream_is_answered_internal_without_leaking() {
    let running = Running::start(Config::default(), Authenticator::local()).await;
    let (client, origin) = running.plain();
    let mut stream = open(client, origin, request("panic")).await.unwrap();
    let ended = loop {
        match soon(stream.message()).await {
            Ok(Some(_first)) => {}
            Ok(None) => panic!("ended well"),
            Err(status) => break status,
        }
    };
    assert_eq!(ended.code(), Code::Internal, "{ended:?}");
    assert!(!format!("{ended:?}").contains("hunter2"), "{ended:?}");
    assert_eq!(running.ask("on").await.unwrap(), "heard on");
}

#[tokio::test]
async fn open_streams_are_limited_and_a_closed_one_gives_its_place_back() {
    let config = Config {
        max_open_streams: 1,
        ..Config::default()
    };
    let (server, _gate) = server(config, Authenticator::local());
    let origin: http::Uri = "/".parse().unwrap();
    let first = open(server.stack(), origin.clone(), request("on"))
        .await
        .unwrap();
    let refused = open(server.stack(), origin.clone(), request("on"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(peer::retry_after(&refused).is_some());
    drop(first);
    assert!(open(server.stack(), origin, request("on")).await.is_ok());
}
