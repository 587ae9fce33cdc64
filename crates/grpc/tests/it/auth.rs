//! Scopes, and servers without authentication.

use std::time::Duration;

use lotse_auth::{Authenticator, Claims, KeySource, LocalKey, TokenConfig};
use lotse_clock::SystemClock;
use lotse_errors::{ErrorReason, peer};
use lotse_grpc::Config;
use tonic::Code;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

use crate::scripted::{ask, request, server};

/// An authenticator and the key it trusts.
fn tokens(folder: &tempfile::TempDir) -> (Authenticator, LocalKey) {
    let key = LocalKey::generate().unwrap();
    let path = folder.path().join("jwks.json");
    std::fs::write(&path, key.jwks()).unwrap();
    (
        Authenticator::tokens(TokenConfig::new(KeySource::File(path), "lotse")),
        key,
    )
}

fn mint(key: &LocalKey, scopes: &[&str]) -> String {
    let claims = Claims {
        subject: "someone".to_owned(),
        audience: "lotse".to_owned(),
        issuer: None,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        agent_id: None,
        lifetime: Duration::from_secs(60),
    };
    key.mint(&claims, SystemClock.now()).unwrap()
}

fn bearing(text: &str, token: &str) -> tonic::Request<tonic_health::pb::HealthCheckRequest> {
    let mut request = request(text);
    request
        .metadata_mut()
        .insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

#[tokio::test]
async fn caller_needs_a_token_with_the_methods_scope() {
    let folder = tempfile::tempdir().unwrap();
    let (auth, key) = tokens(&folder);
    let (server, _gate) = server(Config::default(), auth);
    let origin: http::Uri = "http://lotse.example".parse().unwrap();

    let refused = ask(server.stack(), origin.clone(), request("who"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);

    let token = mint(&key, &["tickets.write", "routing.read"]);
    let refused = ask(server.stack(), origin.clone(), bearing("who", &token))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(peer::reason(&refused), Some(ErrorReason::ScopeMissing));
    assert_eq!(
        refused.get_details_error_info().unwrap().metadata["scope"],
        "tickets.read"
    );

    let token = mint(&key, &["tickets.read"]);
    let who = ask(server.stack(), origin, bearing("who", &token))
        .await
        .unwrap();
    assert!(who.starts_with("prn_"), "{who}");
}

#[tokio::test]
async fn probes_need_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let (auth, _key) = tokens(&folder);
    let (server, _gate) = server(
        Config {
            max_concurrent_calls: 0,
            ..Config::default()
        },
        auth,
    );
    assert!(
        HealthClient::new(server.stack())
            .check(request(""))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn without_authentication_only_loopback_names_are_answered() {
    let (server, _gate) = server(Config::default(), Authenticator::local());
    for origin in ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"] {
        let who = ask(server.stack(), origin.parse().unwrap(), request("who"))
            .await
            .unwrap();
        assert_eq!(who, "local");
    }
    let rebound = "http://evil.example:1".parse().unwrap();
    let refused = ask(server.stack(), rebound, request("who"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let mut page = request("who");
    page.metadata_mut()
        .insert("origin", "https://evil.example".parse().unwrap());
    let refused = ask(server.stack(), "http://localhost:1".parse().unwrap(), page).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unauthenticated);
}
