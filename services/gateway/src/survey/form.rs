//! The hosted page's two halves: showing the form, and taking it in.

use axum::Form as Body;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use http::HeaderMap;
use lotse_client::deadline;
use lotse_errors::ErrorReason;
use lotse_proto::survey::v1::{Form, GetFormRequest, SubmitAnswerRequest};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::page::{self, Filled};
use super::words::{self, Words};
use super::{CALL, Door, language, plausible, unknown_link};
use crate::refusal::Refusal;

/// What a link may preselect.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Preselected {
    score: Option<String>,
}

/// The form as browsers send it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    request_id: String,
    language: String,
    score: String,
    comment: String,
    resolved_first_contact: String,
}

/// `GET /s/{token}`: shows the form. Whatever the query says, nothing is answered by it.
pub(super) async fn show(
    State(door): State<Door>,
    Path(token): Path<String>,
    preselected: Result<Query<Preselected>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let form = match door.form(&token, language::wanted(&headers)).await {
        Ok(form) => form,
        Err(refusal) => return page::refused(&refusal, language::own(&headers)),
    };
    let words = words::of(&form.language);
    if !form.open {
        return page::closed(&form.language, words, form.answer.is_some());
    }
    let Preselected { score } = preselected.map(|Query(it)| it).unwrap_or_default();
    let preselected = score.and_then(|score| on_scale(&form, &score));
    let answer = form.answer.as_ref();
    let filled = Filled {
        score: preselected.or(answer.map(|answer| answer.score)),
        comment: answer
            .map(|answer| answer.comment.clone())
            .unwrap_or_default(),
        resolved_first_contact: answer.and_then(|answer| answer.resolved_first_contact),
        error: None,
    };
    page::form(&form, words, &filled, &fresh_id())
}

/// `POST /s/{token}`: stores the answer.
pub(super) async fn submit(
    State(door): State<Door>,
    Path(token): Path<String>,
    headers: HeaderMap,
    sent: Result<Body<Sent>, FormRejection>,
) -> Response {
    let sent = match sent {
        Ok(Body(sent)) => sent,
        Err(rejection) => {
            let reason = ErrorReason::InvalidField;
            let refusal = Refusal::new(rejection.status(), reason, "the form cannot be read");
            return page::refused(&refusal, language::own(&headers));
        }
    };
    // The page was in this language, so the answer to it is too.
    let language = if language::is_tag(&sent.language) {
        sent.language.clone()
    } else {
        language::own(&headers).language.to_owned()
    };
    let words = words::of(&language);
    let Ok(score) = sent.score.parse::<i32>() else {
        return door.again(&token, language, &sent, words.choose).await;
    };
    match door.submit(answer(&token, &sent, score)).await {
        Ok(_) => page::thanks(&language, words, &token),
        Err(refusal) => match what_is_wrong(&refusal, words) {
            Some(error) => door.again(&token, language, &sent, error).await,
            None => page::refused(&refusal, words),
        },
    }
}

fn what_is_wrong(refusal: &Refusal, words: &Words) -> Option<&'static str> {
    let fields = &refusal.fields;
    let names = |name: &str| fields.iter().any(|(field, _)| field == name);
    if names("comment") {
        Some(words.too_long)
    } else {
        names("score").then_some(words.choose)
    }
}

fn answer(token: &str, sent: &Sent, score: i32) -> SubmitAnswerRequest {
    // Browsers send CR LF whatever was typed.
    let comment = sent.comment.replace("\r\n", "\n");
    let resolved_first_contact = yes_or_no(&sent.resolved_first_contact);
    // Sent twice, the same form is one answer. Sent again after going back and changing something,
    // it is a revision and not a contradiction, so what was said is part of the id.
    let said = [
        score.to_string(),
        comment.clone(),
        format!("{resolved_first_contact:?}"),
    ];
    let request_id = request_id(token, &sent.request_id, &said);
    SubmitAnswerRequest {
        request_id,
        token: token.to_owned(),
        score,
        comment,
        resolved_first_contact,
    }
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn on_scale(form: &Form, score: &str) -> Option<i32> {
    let score = score.parse().ok()?;
    (form.min_score..=form.max_score)
        .contains(&score)
        .then_some(score)
}

fn fresh_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// A request id as the service sees it. All answers come from one caller, the gateway, so the link
/// is part of it: ids that two senders choose alike do not meet.
pub(super) fn request_id(token: &str, chosen: &str, said: &[String]) -> String {
    let mut hash = Sha256::new();
    for part in [token, chosen]
        .into_iter()
        .chain(said.iter().map(String::as_str))
    {
        // The length keeps ("ab", "c") apart from ("a", "bc").
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let hash = hash.finalize();
    hash.iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl Door {
    async fn form(&self, token: &str, language: String) -> Result<Form, Refusal> {
        if !plausible(token) {
            return Err(unknown_link());
        }
        let token = token.to_owned();
        let mut survey = self.survey.clone();
        let call = survey.get_form(GetFormRequest { token, language });
        let response = deadline::within(CALL, call).await;
        let form = response.map_err(Refusal::from_peer)?.into_inner().form;
        form.ok_or_else(unknown_link)
    }

    /// The form once more, as it was sent, with what was wrong.
    async fn again(
        &self,
        token: &str,
        language: String,
        sent: &Sent,
        error: &'static str,
    ) -> Response {
        let words = words::of(&language);
        match self.form(token, language).await {
            Ok(form) if form.open => {
                let filled = Filled {
                    score: on_scale(&form, &sent.score),
                    comment: sent.comment.clone(),
                    resolved_first_contact: yes_or_no(&sent.resolved_first_contact),
                    error: Some(error),
                };
                page::form(&form, words, &filled, &fresh_id())
            }
            Ok(form) => page::closed(&form.language, words, form.answer.is_some()),
            Err(refusal) => page::refused(&refusal, words),
        }
    }
}
