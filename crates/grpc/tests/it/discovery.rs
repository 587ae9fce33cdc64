//! Health and reflection.

use std::collections::BTreeSet;

use lotse_auth::Authenticator;
use lotse_grpc::Config;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{v1, v1alpha};

use crate::scripted::{request, server, soon};

#[tokio::test]
async fn nothing_is_healthy_until_it_is_ready() {
    let (server, _gate) = server(Config::default(), Authenticator::local());
    let mut client = HealthClient::new(server.stack());
    let names = [
        "",
        "intake",
        "lotse.intake.v1.TicketService",
        "lotse.intake.v1.EventService",
    ];
    for name in names {
        let status = client
            .check(request(name))
            .await
            .unwrap()
            .into_inner()
            .status();
        assert_eq!(status, ServingStatus::NotServing, "{name:?}");
    }
    server.readiness().set("intake", true);
    for name in names {
        let status = client
            .check(request(name))
            .await
            .unwrap()
            .into_inner()
            .status();
        assert_eq!(status, ServingStatus::Serving, "{name:?}");
    }
    let unknown = client.check(request("sla")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn watcher_sees_each_change_once() {
    let (server, _gate) = server(Config::default(), Authenticator::local());
    let readiness = server.readiness();
    let mut client = HealthClient::new(server.stack());
    let mut watched = client.watch(request("")).await.unwrap().into_inner();
    let mut unknown = client.watch(request("sla")).await.unwrap().into_inner();
    let status = soon(unknown.message()).await.unwrap().unwrap().status();
    assert_eq!(status, ServingStatus::ServiceUnknown);
    let mut next = async || soon(watched.message()).await.unwrap().unwrap().status();
    assert_eq!(next().await, ServingStatus::NotServing);
    readiness.set_all(true);
    assert!(readiness.is_ready());
    assert_eq!(next().await, ServingStatus::Serving);
    readiness.set_all(true);
    readiness.set_all(false);
    assert_eq!(next().await, ServingStatus::NotServing);
}

#[tokio::test]
async fn reflection_lists_what_is_served_and_describes_it() {
    let (server, _gate) = server(Config::default(), Authenticator::local());
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(server.stack());
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;
    let ask = |message| v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(message),
    };
    let asked = [
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol(
            "lotse.intake.v1.TicketService".to_owned(),
        )),
        ask(MessageRequest::FileContainingSymbol(
            "grpc.health.v1.Health".to_owned(),
        )),
    ];
    let answers = client
        .server_reflection_info(futures::stream::iter(asked))
        .await
        .unwrap();
    let mut answers = answers.into_inner();
    let mut next = async || {
        soon(answers.message())
            .await
            .unwrap()
            .unwrap()
            .message_response
    };

    let Some(MessageResponse::ListServicesResponse(list)) = next().await else {
        panic!()
    };
    let names: BTreeSet<String> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    for name in [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "lotse.intake.v1.EventService",
        "lotse.intake.v1.TicketService",
    ] {
        assert!(names.contains(name), "{names:?}");
    }
    assert!(
        !names.contains("lotse.sla.v1.SlaService"),
        "not served here: {names:?}"
    );
    for _ in 0..2 {
        let answer = next().await;
        assert!(
            matches!(answer, Some(MessageResponse::FileDescriptorResponse(_))),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn older_clients_find_reflection_too() {
    let (server, _gate) = server(Config::default(), Authenticator::local());
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(server.stack());
    use v1alpha::server_reflection_request::MessageRequest;
    let list = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answers = client
        .server_reflection_info(futures::stream::iter([list]))
        .await
        .unwrap();
    assert!(
        soon(answers.into_inner().message())
            .await
            .unwrap()
            .is_some()
    );
}
