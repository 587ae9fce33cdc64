//! Reading the errors another service of the suite answered.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{Error, ErrorReason, FieldViolation};

/// When to try a peer again that gave no time of its own.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The reason a status carries, if it comes from the suite and this version knows it.
pub fn reason(status: &Status) -> Option<ErrorReason> {
    let info = status.get_details_error_info()?;
    if info.domain != crate::status::DOMAIN {
        return None;
    }
    ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason))
}

/// The wait the peer asked for.
pub fn retry_after(status: &Status) -> Option<Duration> {
    status.get_details_retry_info()?.retry_delay
}

impl Error {
    /// Passes on what a peer answered to our own caller.
    ///
    /// Errors about the caller's request keep their kind and reason. Errors about our own call
    /// (a refused token, a method it lacks) are ours, so INTERNAL.
    pub fn from_peer(status: Status) -> Self {
        let reason = reason(&status);
        let message = status.message().to_owned();
        let retry = retry_after(&status).unwrap_or(RETRY_AFTER);
        let details = status.get_error_details();
        let resource = details.resource_info().cloned();
        let error = match status.code() {
            Code::InvalidArgument => match details.bad_request() {
                Some(bad) if !bad.field_violations.is_empty() => Self::invalid_fields(
                    bad.field_violations
                        .iter()
                        .map(|v| FieldViolation {
                            field: v.field.clone(),
                            description: v.description.clone(),
                        })
                        .collect(),
                ),
                _ => Self::internal(status),
            },
            Code::NotFound => match &resource {
                Some(r) => Self::not_found(&r.resource_type, &r.resource_name),
                None => Self::internal(status),
            },
            Code::AlreadyExists => match &resource {
                Some(r) => Self::already_exists(&r.resource_type, &r.resource_name),
                None => Self::internal(status),
            },
            Code::FailedPrecondition => match reason {
                Some(reason) => Self::failed_precondition(reason, message),
                None => Self::internal(status),
            },
            Code::Aborted => match reason {
                Some(reason) => Self::aborted(reason, message),
                None => Self::internal(status),
            },
            Code::ResourceExhausted => Self::exhausted(retry, message),
            Code::Unavailable | Code::Cancelled => Self::unavailable(retry, status),
            Code::DeadlineExceeded => Self::deadline_exceeded(),
            _ => Self::internal(status),
        };
        let error = match (reason, error.kind()) {
            (Some(reason), kind) if *kind != crate::Kind::Internal => error.because(reason),
            _ => error,
        };
        match resource {
            Some(r) => error.about(&r.resource_type, r.resource_name),
            None => error,
        }
    }
}
