//! Refusals that take more than one call.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use http_body_util::BodyExt as _;
use lotse_client::Channel;
use lotse_errors::{ErrorReason, peer};
use lotse_gateway::Peers;
use lotse_proto::common::v1::SurveyKind;
use lotse_proto::survey::v1::survey::Trigger;
use lotse_proto::survey::v1::{CreateInvitationRequest, SubmitAnswerRequest};
use lotse_testkit::eventually;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use tower::ServiceExt as _;

use crate::clients::printer_on_fire;
use crate::desk::Desk;

/// Both have read the invitation before either has written it: a lock of ours makes them wait.
#[tokio::test]
async fn two_first_answers_at_once_are_one_answer() {
    let Some(desk) = Desk::postgres_and_redis().await else {
        return;
    };
    let clients = &desk.clients;
    let survey = clients
        .survey("How easy was it?", SurveyKind::Ces, Trigger::Manual)
        .await;
    let requester_id = clients
        .create(printer_on_fire("customer-1"))
        .await
        .requester_id;
    let invite = CreateInvitationRequest {
        survey_id: survey,
        requester_id,
        ..CreateInvitationRequest::default()
    };
    let invited = clients
        .surveys
        .clone()
        .create_invitation(invite)
        .await
        .unwrap()
        .into_inner();
    let invitation = invited.invitation.unwrap();
    let answer = |score| {
        let (mut surveys, token) = (clients.surveys.clone(), invitation.token.clone());
        let request = SubmitAnswerRequest {
            token,
            score,
            ..SubmitAnswerRequest::default()
        };
        async move { surveys.submit_answer(request).await }
    };

    let db = &desk.parts.db;
    let (locked, both_wait) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
    let hold = db.in_tx::<_, sea_orm::DbErr, _, _>(|tx| {
        let (locked, both_wait) = (&locked, &both_wait);
        async move {
            tx.execute_unprepared("SELECT 1 FROM survey_invitations FOR UPDATE")
                .await?;
            locked.notify_one();
            both_wait.notified().await;
            Ok(())
        }
    });
    let race = async {
        locked.notified().await;
        tokio::join!(answer(7), answer(1), async {
            eventually(Duration::from_secs(10), || async {
                waiting(&desk).await >= 2
            })
            .await;
            both_wait.notify_one();
        })
    };
    let (held, (one, other, ())) = tokio::join!(hold, race);
    held.unwrap();
    let (kept, refused) = match (one, other) {
        (Ok(kept), Err(refused)) | (Err(refused), Ok(kept)) => (kept.into_inner(), refused),
        both => panic!("one of the two: {both:?}"),
    };
    assert_eq!(
        peer::reason(&refused),
        Some(ErrorReason::LostRace),
        "{refused:?}"
    );
    assert_eq!(refused.code(), tonic::Code::Aborted);
    assert_eq!(kept.answer.unwrap().revision, 1);
}

/// How many connections to this test's database wait for a lock.
async fn waiting(desk: &Desk) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity \
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = desk
        .parts
        .db
        .reader()
        .query_one_raw(statement)
        .await
        .unwrap()
        .unwrap();
    row.try_get_by(0).unwrap()
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_to_wait() {
    let desk = Desk::sqlite().await;
    let deps = lotse_gateway::Deps {
        peers: Peers::all(&Channel::in_process(desk.suite.stack())),
        clock: desk.parts.clock.clone(),
        metrics: None,
    };
    let config = lotse_gateway::Config {
        requests_per_address: 1,
        ..Default::default()
    };
    let public = lotse_gateway::build(deps, config).public();
    let ask = async || {
        let request = http::Request::post("/s/forged/answer")
            .header("content-type", "application/json")
            .extension(ConnectInfo::<SocketAddr>(([127, 0, 0, 1], 4711).into()))
            .body(axum::body::Body::from(
                r#"{"request_id": "r-1", "score": 5}"#,
            ))
            .unwrap();
        public.clone().oneshot(request).await.unwrap()
    };
    let first = ask().await;
    assert_eq!(
        first.status(),
        http::StatusCode::NOT_FOUND,
        "forged tokens lead nowhere"
    );
    let second = ask().await;
    assert_eq!(second.status(), http::StatusCode::TOO_MANY_REQUESTS);
    assert!(second.headers().contains_key("retry-after"));
    let body = second.into_body().collect().await.unwrap().to_bytes();
    let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        told["error"]["reason"],
        lotse_errors::status::reason_name(ErrorReason::QuotaExceeded)
    );
}
