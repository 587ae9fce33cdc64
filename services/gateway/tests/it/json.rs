//! The JSON twin of the survey form, and who may use it from where.

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use lotse_gateway::{Config, Origin};
use serde_json::json;

use crate::stage::{Stage, ask};

const PATH: &str = "/s/open/answer";

#[tokio::test]
async fn the_same_request_id_is_one_answer_and_with_another_body_a_conflict() {
    let stage = Stage::new(Config::default());
    let body =
        json!({"request_id": "r1", "score": 5, "comment": "<b>", "resolved_first_contact": false});
    for _ in 0..2 {
        let answer = stage.post_json(PATH, body.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(
            answer.json(),
            json!({"score": 5, "comment": "<b>", "resolved_first_contact": false, "revision": 1})
        );
    }
    assert_eq!(stage.stored().len(), 1);
    let other = stage
        .post_json(PATH, json!({"request_id": "r1", "score": 1}))
        .await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert_eq!(other.json()["error"]["reason"], "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn request_ids_of_two_links_do_not_meet() {
    let stage = Stage::new(Config::default());
    let other = crate::fakes::Link {
        form: crate::fakes::csat_form(),
        ..Default::default()
    };
    stage.world.lock().links.insert("other".to_owned(), other);
    for path in [PATH, "/s/other/answer"] {
        stage
            .post_json(path, json!({"request_id": "1", "score": 3}))
            .await;
    }
    let world = stage.world.lock();
    let ids: Vec<&str> = ["open", "other"]
        .map(|token| world.links[token].stored[0].request_id.as_str())
        .to_vec();
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_stored() {
    let stage = Stage::new(Config::default());
    let wrong = StatusCode::UNPROCESSABLE_ENTITY;
    for (body, status, words) in [
        (json!({"request_id": "r", "score": 6}), wrong, "score"),
        (json!({"request_id": "", "score": 5}), wrong, "request_id"),
        (json!({"score": 5}), wrong, "request_id"),
        (json!({"request_id": "r", "score": "5"}), wrong, "score"),
        (
            json!({"request_id": "r", "score": 5, "rating": 5}),
            wrong,
            "rating",
        ),
    ] {
        let answer = stage.post_json(PATH, body).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(answer.json()["error"]["reason"], "INVALID_FIELD");
        assert!(answer.body.contains(words), "{}", answer.body);
    }
    let forged = stage
        .post_json("/s/forged/answer", json!({"request_id": "r", "score": 5}))
        .await;
    assert_eq!(forged.status, StatusCode::NOT_FOUND);
    stage.world.lock().links.get_mut("open").unwrap().form.open = false;
    let closed = stage
        .post_json(PATH, json!({"request_id": "r", "score": 5}))
        .await;
    assert_eq!(closed.status, StatusCode::GONE);
    assert_eq!(closed.json()["error"]["reason"], "INVITATION_CLOSED");
    assert!(stage.stored().is_empty());
}

#[tokio::test]
async fn a_form_of_another_page_is_no_json() {
    let stage = Stage::new(Config::default());
    let answer = stage.post(PATH, "request_id=r&score=5").await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(stage.stored().is_empty());
}

fn preflight(path: &str, origin: &str) -> Request<Body> {
    Request::builder()
        .method(Method::OPTIONS)
        .uri(path)
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "content-type")
        .body(Body::empty())
        .unwrap()
}

#[tokio::test]
async fn scripts_answer_from_configured_origins_only_and_only_json() {
    let shop = "https://shop.example";
    let config = Config {
        cors_origins: vec![Origin::try_from(shop.to_owned()).unwrap()],
        ..Config::default()
    };
    let open = Stage::new(config);
    let closed = Stage::new(Config::default());
    let allowed = ask(open.gateway.public(), preflight(PATH, shop)).await;
    assert_eq!(allowed.header("access-control-allow-origin"), shop);
    assert_eq!(
        allowed.header("access-control-allow-headers"),
        "content-type"
    );
    for (stage, path, origin) in [
        (&open, PATH, "https://evil.example"),
        (&open, "/s/open", shop),
        (&closed, PATH, shop),
    ] {
        let answer = ask(stage.gateway.public(), preflight(path, origin)).await;
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, "", "{path} from {origin}");
    }
}
