//! How much and how often.

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, StatusCode};
use lotse_gateway::Config;
use serde_json::json;
use std::net::SocketAddr;

use crate::fakes::{Link, csat_form};
use crate::stage::{Answer, Stage, ask};

async fn from(router: &Router, address: [u8; 4], path: &str, forwarded: &str) -> Answer {
    let request = Request::get(path)
        .header("x-forwarded-for", forwarded)
        .extension(ConnectInfo(SocketAddr::from((address, 4711))));
    ask(router.clone(), request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn each_address_has_a_quota_of_its_own_that_no_header_escapes() {
    let config = Config {
        requests_per_address: 9,
        ..Config::default()
    };
    let router = Stage::new(config).gateway.public();
    for n in 0..3 {
        let made_up = format!("203.0.113.{n}");
        let page = from(&router, [192, 0, 2, 1], "/s/open", &made_up).await;
        assert_eq!(page.status, StatusCode::OK);
    }
    let over = from(&router, [192, 0, 2, 1], "/s/open", "203.0.113.9").await;
    assert_eq!(over.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(over.body.contains("Too many requests"), "{}", over.body);
    assert!(
        ["6", "7"].contains(&over.header("retry-after")),
        "{:?}",
        over.headers
    );
    let other = from(&router, [192, 0, 2, 2], "/s/open", "").await;
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn each_link_has_a_quota_shared_by_page_and_json() {
    let config = Config {
        requests_per_link: 6,
        ..Config::default()
    };
    let stage = Stage::new(config);
    let other = Link {
        form: csat_form(),
        ..Link::default()
    };
    stage.world.lock().links.insert("other".to_owned(), other);
    let router = stage.gateway.public();
    for n in 0..2 {
        let page = from(&router, [192, 0, 2, n], "/s/open", "").await;
        assert_eq!(page.status, StatusCode::OK);
    }
    let json = Request::post("/s/open/answer")
        .header("content-type", "application/json")
        .body(Body::from(
            json!({"request_id": "r", "score": 5}).to_string(),
        ));
    let refused = ask(router.clone(), json.unwrap()).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.json()["error"]["reason"], "QUOTA_EXCEEDED");
    assert!(stage.stored().is_empty());
    let other = from(&router, [192, 0, 2, 1], "/s/other", "").await;
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn a_body_above_16_kib_is_refused() {
    let stage = Stage::new(Config::default());
    let comment = "x".repeat(16 * 1024);
    let form = stage
        .post("/s/open", &format!("score=4&comment={comment}"))
        .await;
    assert_eq!(form.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(
        form.body.contains("Your comment is too long."),
        "{}",
        form.body
    );
    let body = json!({"request_id": "r", "score": 4, "comment": comment});
    let answer = stage.post_json("/s/open/answer", body).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(stage.stored().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_is_not_waited_for() {
    let stage = Stage::new(Config::default());
    let endless = Body::from_stream(futures::stream::pending::<Result<String, std::io::Error>>());
    let request = Request::post("/s/open")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(endless);
    let answer = ask(stage.gateway.public(), request.unwrap()).await;
    assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn more_requests_at_once_than_there_are_places_are_refused() {
    let config = Config {
        max_concurrent_requests: 0,
        ..Config::default()
    };
    let answer = Stage::new(config).open("/s/open", "en").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), "1");
}
