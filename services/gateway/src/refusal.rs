//! The one place where an error becomes an HTTP answer.
//!
//! A caller learns what to do about it and nothing of how it came about: the source of an error of
//! ours goes to the log, here, once.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use lotse_errors::{Error, ErrorReason, Kind};
use serde_json::json;

/// A request that is not done, and what its sender is told.
#[derive(Debug)]
pub struct Refusal {
    /// The status of the answer.
    pub status: StatusCode,
    /// Why, for programs: a value of `lotse.common.v1.ErrorReason`.
    pub reason: &'static str,
    /// Why, for people.
    pub message: String,
    /// Names of the fields that are wrong and what each must be.
    pub fields: Vec<(String, String)>,
    /// When it may be tried again.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal of the gateway itself.
    pub fn new(status: StatusCode, reason: ErrorReason, message: impl Into<String>) -> Self {
        Self {
            status,
            reason: lotse_errors::status::reason_name(reason),
            message: message.into(),
            fields: Vec::new(),
            retry_after: None,
        }
    }

    /// Too much at once; come back after `retry_after`.
    pub fn busy(status: StatusCode, reason: ErrorReason, retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(status, reason, "too many requests; try again later")
        }
    }

    /// What a peer answered to a call that was made for the sender of a request.
    pub fn from_peer(status: tonic::Status) -> Self {
        Error::from_peer(status).into()
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let (status, retry_after) = match error.kind() {
            Kind::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, None),
            Kind::NotFound => (StatusCode::NOT_FOUND, None),
            Kind::AlreadyExists | Kind::Aborted => (StatusCode::CONFLICT, None),
            Kind::FailedPrecondition => match error.reason() {
                // The link was good once.
                ErrorReason::InvitationClosed | ErrorReason::AnswerFinal => {
                    (StatusCode::GONE, None)
                }
                _ => (StatusCode::CONFLICT, None),
            },
            Kind::Exhausted(after) => (StatusCode::TOO_MANY_REQUESTS, Some(*after)),
            Kind::Unavailable(after) => (StatusCode::SERVICE_UNAVAILABLE, Some(*after)),
            Kind::DeadlineExceeded => (StatusCode::GATEWAY_TIMEOUT, None),
            Kind::PermissionDenied => (StatusCode::FORBIDDEN, None),
            Kind::Unauthenticated => (StatusCode::UNAUTHORIZED, None),
            Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, None),
        };
        if status.is_server_error() {
            tracing::error!(error = told(&error), "a request could not be answered");
        }
        let fields = match error.kind() {
            Kind::Invalid(violations) => violations
                .iter()
                .map(|violation| (violation.field.clone(), violation.description.clone()))
                .collect(),
            _ => Vec::new(),
        };
        Self {
            fields,
            retry_after,
            ..Self::new(status, error.reason(), error.to_string())
        }
    }
}

/// An error with its causes in one line.
fn told(error: &Error) -> String {
    let first = std::error::Error::source(error);
    std::iter::successors(first, |cause| cause.source())
        .fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}

/// As JSON; pages have words of their own.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let retry_after = self.retry_after;
        let fields: Vec<_> = self
            .fields
            .iter()
            .map(|(field, description)| json!({"field": field, "description": description}))
            .collect();
        let body = json!({
            "error": {"reason": self.reason, "message": self.message, "fields": fields}
        });
        let mut response = (self.status, Json(body)).into_response();
        set_retry_after(&mut response, retry_after);
        response
    }
}

/// Says when to come back, in whole seconds, never 0.
pub fn set_retry_after(response: &mut Response, after: Option<Duration>) {
    if let Some(after) = after {
        let seconds = after.as_millis().div_ceil(1000).max(1);
        if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_inside_is_not_told() {
        let secret = "password=hunter2 at 10.0.0.7";
        for error in [
            Error::internal(secret),
            Error::unavailable(Duration::from_millis(1), secret),
        ] {
            let refusal = Refusal::from(error);
            assert!(refusal.status.is_server_error());
            assert!(!format!("{refusal:?}").contains("hunter2"), "{refusal:?}");
        }
    }

    #[test]
    fn a_closed_invitation_is_gone_and_another_wrong_state_is_a_conflict() {
        let gone = Error::failed_precondition(ErrorReason::InvitationClosed, "expired");
        assert_eq!(Refusal::from(gone).status, StatusCode::GONE);
        let other = Error::failed_precondition(ErrorReason::ResourceInUse, "in use");
        assert_eq!(Refusal::from(other).status, StatusCode::CONFLICT);
    }

    #[test]
    fn whoever_shall_come_back_is_told_whole_seconds() {
        let refusal = Refusal::busy(
            StatusCode::TOO_MANY_REQUESTS,
            ErrorReason::QuotaExceeded,
            Duration::from_millis(1_200),
        );
        let response = refusal.into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
    }
}
