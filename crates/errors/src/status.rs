//! The one place where an error becomes a `tonic::Status`.
//!
//! Details follow `google/rpc/error_details.proto`. An internal error is logged here, once, with
//! its sources; the caller gets a fixed text and the trace id under which it was logged.

use std::collections::HashMap;
use std::fmt::Write as _;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

use crate::error::Inner;
use crate::{Error, ErrorReason, Kind};

/// `ErrorInfo.domain` of every error of the suite.
pub const DOMAIN: &str = "lotse";

/// The reason as it stands in `ErrorInfo.reason`: the enum value without its prefix.
pub fn reason_name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}

/// The gRPC code of a kind.
pub fn code(kind: &Kind) -> Code {
    match kind {
        Kind::Invalid(_) => Code::InvalidArgument,
        Kind::NotFound => Code::NotFound,
        Kind::AlreadyExists => Code::AlreadyExists,
        Kind::FailedPrecondition => Code::FailedPrecondition,
        Kind::Aborted => Code::Aborted,
        Kind::Exhausted(_) => Code::ResourceExhausted,
        Kind::Unavailable(_) => Code::Unavailable,
        Kind::DeadlineExceeded => Code::DeadlineExceeded,
        Kind::PermissionDenied => Code::PermissionDenied,
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::Internal => Code::Internal,
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let Inner {
            kind,
            reason,
            mut message,
            metadata,
            resource,
            source,
        } = error.into_inner();
        let mut metadata: HashMap<String, String> = metadata.into_iter().collect();
        let mut details = ErrorDetails::new();
        match &kind {
            Kind::Internal => {
                let trace_id = trace_id();
                let source = source.as_deref().map(chain).unwrap_or_default();
                tracing::error!(%trace_id, error = %source, "internal error");
                message = format!("internal error; quote trace id {trace_id} when reporting it");
                metadata.insert("trace_id".to_owned(), trace_id);
            }
            Kind::Unavailable(retry_after) => {
                if let Some(source) = source.as_deref() {
                    tracing::warn!(error = %chain(source), "a dependency does not answer");
                }
                details.set_retry_info(Some(*retry_after));
            }
            Kind::Exhausted(retry_after) => {
                details.set_retry_info(Some(*retry_after));
            }
            Kind::Invalid(violations) => {
                details.set_bad_request(
                    violations
                        .iter()
                        .map(|v| FieldViolation::new(&v.field, &v.description))
                        .collect::<Vec<_>>(),
                );
            }
            Kind::FailedPrecondition => {
                let subject = resource.as_ref().map_or("", |(_, id)| id);
                details.set_precondition_failure(vec![tonic_types::PreconditionViolation::new(
                    reason_name(reason),
                    subject,
                    &message,
                )]);
            }
            _ => {}
        }
        if let Some((kind, name)) = resource {
            details.set_resource_info(kind, name, "", "");
        }
        details.set_error_info(reason_name(reason), DOMAIN, metadata);
        Status::with_error_details(code(&kind), message, details)
    }
}

/// Names this error in the log: the trace it happened in, or a fresh id outside any trace.
fn trace_id() -> String {
    lotse_telemetry::current_trace_id()
        .unwrap_or_else(|| format!("{:032x}", rand::random::<u128>()))
}

/// An error and all its sources in one line.
fn chain(error: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        // Many errors repeat their source's text; saying it twice helps nobody.
        let said = source.to_string();
        if !text.contains(&said) {
            // Writing to a String does not fail.
            let _ = write!(text, ": {said}");
        }
        next = source.source();
    }
    text
}
