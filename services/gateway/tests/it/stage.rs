//! What the tests stand on: a gateway over a faked world, on a manual clock, without a socket.

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use lotse_clock::{BusinessClock, Timestamp};
use lotse_gateway::{Config, Deps, Gateway};
use tower::ServiceExt as _;

use crate::fakes::{Link, Shared, csat_form};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(crate) struct Stage {
    pub(crate) world: Shared,
    pub(crate) gateway: Gateway,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The value of a hidden field of the form.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let begin = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&begin).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }
}

impl Stage {
    /// A gateway with an open survey at `/s/open`.
    pub(crate) fn new(config: Config) -> Self {
        let world = Shared::default();
        let clock = BusinessClock::manual(NOW);
        let link = Link {
            form: csat_form(),
            ..Link::default()
        };
        world.lock().links.insert("open".to_owned(), link);
        let deps = Deps {
            peers: world.peers(&clock),
            clock,
            metrics: None,
        };
        let gateway = lotse_gateway::build(deps, config);
        Self { world, gateway }
    }

    /// What was stored through `/s/open`.
    pub(crate) fn stored(&self) -> Vec<lotse_proto::survey::v1::SubmitAnswerRequest> {
        self.world.lock().links["open"].stored.clone()
    }

    /// Posts a form.
    pub(crate) async fn post(&self, path: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()));
        ask(self.gateway.public(), request.unwrap()).await
    }

    /// Posts JSON.
    pub(crate) async fn post_json(&self, path: &str, body: serde_json::Value) -> Answer {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()));
        ask(self.gateway.public(), request.unwrap()).await
    }

    /// Opens a survey page in a language.
    pub(crate) async fn open(&self, path: &str, language: &str) -> Answer {
        let request = Request::get(path).header(header::ACCEPT_LANGUAGE, language);
        ask(self.gateway.public(), request.body(Body::empty()).unwrap()).await
    }
}

/// Sends a request and reads the answer.
pub(crate) async fn ask(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}
