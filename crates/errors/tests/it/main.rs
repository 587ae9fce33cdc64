//! Errors as callers and operators see them.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;
use std::time::Duration;

use lotse_errors::{Error, ErrorReason, FieldViolation, Kind, peer};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

const WAIT: Duration = Duration::from_millis(1500);

/// One error of each kind, and the code and reason it must have.
fn all() -> Vec<(Error, Code, &'static str)> {
    vec![
        (
            Error::invalid("subject", "must not be empty"),
            Code::InvalidArgument,
            "INVALID_FIELD",
        ),
        (
            Error::not_found("ticket", "tkt_1"),
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        ),
        (
            Error::already_exists("ticket", "A-1"),
            Code::AlreadyExists,
            "RESOURCE_EXISTS",
        ),
        (
            Error::failed_precondition(ErrorReason::IllegalTransition, "the ticket is closed"),
            Code::FailedPrecondition,
            "ILLEGAL_TRANSITION",
        ),
        (
            Error::aborted(ErrorReason::StaleEtag, "read again"),
            Code::Aborted,
            "STALE_ETAG",
        ),
        (
            Error::exhausted(WAIT, "no room"),
            Code::ResourceExhausted,
            "OVERLOADED",
        ),
        (
            Error::unavailable(WAIT, "refused"),
            Code::Unavailable,
            "DEPENDENCY_DOWN",
        ),
        (Error::stopping(WAIT), Code::Unavailable, "DEPENDENCY_DOWN"),
        (
            Error::deadline_exceeded(),
            Code::DeadlineExceeded,
            "DEADLINE_EXCEEDED",
        ),
        (
            Error::permission_denied(ErrorReason::ScopeMissing, "no"),
            Code::PermissionDenied,
            "SCOPE_MISSING",
        ),
        (
            Error::unauthenticated("no token"),
            Code::Unauthenticated,
            "UNAUTHENTICATED",
        ),
        (Error::internal("disk on fire"), Code::Internal, "INTERNAL"),
    ]
}

#[test]
fn every_kind_has_its_code_and_its_reason() {
    for (error, code, reason) in all() {
        let shown = format!("{error:?}");
        let status = Status::from(error);
        assert_eq!(status.code(), code, "{shown}");
        let info = status.get_details_error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            (reason, "lotse"),
            "{shown}"
        );
    }
}

#[test]
fn details_carry_what_a_program_needs() {
    let violations = ["a", "b"].map(|field| FieldViolation {
        field: field.to_owned(),
        description: "is wrong".to_owned(),
    });
    let status = Status::from(Error::invalid_fields(violations.to_vec()));
    let bad = status.get_details_bad_request().unwrap();
    let fields: Vec<&str> = bad
        .field_violations
        .iter()
        .map(|v| v.field.as_str())
        .collect();
    assert_eq!(fields, ["a", "b"]);

    let status = Status::from(Error::not_found("ticket", "tkt_1").with("hint", "merged"));
    let resource = status.get_details_resource_info().unwrap();
    assert_eq!(
        (
            resource.resource_type.as_str(),
            resource.resource_name.as_str()
        ),
        ("ticket", "tkt_1")
    );
    assert_eq!(
        status.get_details_error_info().unwrap().metadata["hint"],
        "merged"
    );

    let closed = Error::failed_precondition(ErrorReason::IllegalTransition, "the ticket is closed");
    let status = Status::from(closed.about("ticket", "tkt_1"));
    let violation = status
        .get_details_precondition_failure()
        .unwrap()
        .violations
        .remove(0);
    assert_eq!(
        (violation.r#type.as_str(), violation.subject.as_str()),
        ("ILLEGAL_TRANSITION", "tkt_1")
    );

    for error in [
        Error::exhausted(WAIT, ""),
        Error::unavailable(WAIT, ""),
        Error::stopping(WAIT),
    ] {
        assert_eq!(peer::retry_after(&error.into()), Some(WAIT));
    }
}

#[test]
fn internal_error_is_logged_once_and_nothing_of_it_leaks() {
    let secret = std::io::Error::other("password hunter2");
    let (status, log) = logged(|| Status::from(Error::internal(secret)));
    let shown = format!("{status:?} {:?}", status.get_error_details());
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_eq!(log.matches("hunter2").count(), 1, "{log}");
    let trace_id = &status.get_details_error_info().unwrap().metadata["trace_id"];
    assert_eq!(trace_id.len(), 32);
    assert!(status.message().contains(trace_id.as_str()), "{status:?}");
    assert!(log.contains(trace_id.as_str()), "{log}");
}

#[test]
fn source_of_an_absent_dependency_is_logged_and_does_not_leak() {
    let secret = std::io::Error::other("postgres://u:hunter2@db");
    let (status, log) = logged(|| Status::from(Error::unavailable(WAIT, secret)));
    assert!(!format!("{status:?}").contains("hunter2"));
    assert!(log.contains("hunter2"), "{log}");
}

#[test]
fn errors_of_a_peer_about_the_request_are_passed_on_and_others_are_ours() {
    for (error, code, reason) in all() {
        let answered = Status::from(error);
        let (known, waits) = (peer::reason(&answered), peer::retry_after(&answered));
        let passed = Error::from_peer(answered);
        match code {
            Code::PermissionDenied | Code::Unauthenticated | Code::Internal => {
                assert_eq!(*passed.kind(), Kind::Internal, "{reason}");
                assert_eq!(passed.reason(), ErrorReason::Internal);
            }
            code => {
                assert_eq!(Some(passed.reason()), known, "{reason}");
                let status = Status::from(passed);
                assert_eq!(status.code(), code, "{reason}");
                assert_eq!(peer::retry_after(&status), waits, "{reason}");
            }
        }
    }
}

#[test]
fn resource_and_fields_of_a_peers_error_survive() {
    let error = Error::from_peer(Error::not_found("ticket", "tkt_1").into());
    let resource = Status::from(error).get_details_resource_info().unwrap();
    assert_eq!(resource.resource_name, "tkt_1");
    let error = Error::from_peer(Error::invalid("subject", "must not be empty").into());
    let Kind::Invalid(fields) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(fields[0].field, "subject");
}

/// Runs `work` and gives what its thread logged. One subscriber for the whole process: with one per
/// thread, a test without any could switch a line off that another test waits for.
fn logged<T>(work: impl FnOnce() -> T) -> (T, String) {
    thread_local!(static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
    struct Log;
    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(|| Log)
            .init()
    });
    let value = work();
    (value, String::from_utf8(LOG.take()).unwrap())
}
