//! Probes.

use axum::body::Body;
use http::{Request, StatusCode};
use lotse_auth::Authenticator;
use lotse_gateway::Config;
use lotse_grpc::Server;

use crate::stage::{Stage, ask};

async fn status(router: &axum::Router, path: &str) -> StatusCode {
    let request = Request::get(path).body(Body::empty()).unwrap();
    ask(router.clone(), request).await.status
}

#[tokio::test]
async fn ready_is_what_readiness_says_and_alive_is_whoever_answers() {
    let stage = Stage::new(Config::default());
    let services = vec![stage.gateway.service()];
    let server = Server::new(Default::default(), Authenticator::local(), services).unwrap();
    let gateway = stage.gateway.watching(server.readiness());
    let router = gateway.internal();
    assert_eq!(status(&router, "/livez").await, StatusCode::OK);
    assert_eq!(
        status(&router, "/readyz").await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    server.readiness().set("gateway", true);
    assert_eq!(status(&router, "/readyz").await, StatusCode::OK);
    assert_eq!(status(&router, "/metrics").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_public_listener_has_nothing_of_the_internal_one() {
    let router = Stage::new(Config::default()).gateway.public();
    for path in ["/", "/events", "/metrics", "/livez", "/console/main.js"] {
        assert_eq!(status(&router, path).await, StatusCode::NOT_FOUND, "{path}");
    }
}
