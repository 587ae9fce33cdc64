//! The survey's answer as JSON, for scripts of configured origins.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use lotse_client::deadline;
use lotse_errors::{Error, ErrorReason};
use lotse_proto::survey::v1::{Answer, SubmitAnswerRequest};
use serde::{Deserialize, Serialize};

use super::form::request_id;
use super::{CALL, Door, plausible, unknown_link};
use crate::refusal::Refusal;

/// An answer as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    /// Makes a retry safe: the same id and answer is one answer.
    request_id: String,
    score: i32,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    resolved_first_contact: Option<bool>,
}

/// The answer as it is stored.
#[derive(Debug, Serialize)]
pub(super) struct Stored {
    score: i32,
    comment: String,
    resolved_first_contact: Option<bool>,
    /// 1 for the first answer, one more per revision.
    revision: u32,
}

/// `POST /s/{token}/answer`
pub(super) async fn submit(
    State(door): State<Door>,
    Path(token): Path<String>,
    given: Result<Json<Given>, JsonRejection>,
) -> Result<Json<Stored>, Refusal> {
    let Json(given) = given.map_err(|rejection| {
        let reason = ErrorReason::InvalidField;
        Refusal::new(rejection.status(), reason, rejection.body_text())
    })?;
    if !(1..=128).contains(&given.request_id.len()) {
        return Err(Error::invalid("request_id", "must have 1 to 128 bytes").into());
    }
    let request = SubmitAnswerRequest {
        request_id: request_id(&token, &given.request_id, &[]),
        token,
        score: given.score,
        comment: given.comment,
        resolved_first_contact: given.resolved_first_contact,
    };
    let answer = door.submit(request).await?;
    Ok(Json(Stored {
        score: answer.score,
        comment: answer.comment,
        resolved_first_contact: answer.resolved_first_contact,
        revision: answer.revision,
    }))
}

impl Door {
    /// Stores an answer and gives it as stored.
    pub(super) async fn submit(&self, request: SubmitAnswerRequest) -> Result<Answer, Refusal> {
        if !plausible(&request.token) {
            return Err(unknown_link());
        }
        let mut survey = self.survey.clone();
        let response = deadline::within(CALL, survey.submit_answer(request)).await;
        let answer = response.map_err(Refusal::from_peer)?.into_inner().answer;
        Ok(answer.unwrap_or_default())
    }
}
