//! BatchCreateTickets: each item as CreateTicket would answer it.

use futures::future::join_all;
use lotse_auth::Caller;
use lotse_errors::{Error, FieldViolation, Kind, Violations};
use lotse_proto::intake::v1 as proto;
use lotse_proto::intake::v1::batch_create_tickets_result::Result as ItemResult;
use tonic::Status;

use super::tickets::create;
use crate::app::Intake;

/// Most tickets of one call.
const MOST: usize = 500;

/// Takes many tickets in. They arrive together, so group commit takes them together.
pub(super) async fn create_all(
    intake: &Intake,
    caller: &Caller,
    request: proto::BatchCreateTicketsRequest,
) -> Result<proto::BatchCreateTicketsResponse, Error> {
    let proto::BatchCreateTicketsRequest { requests } = request;
    let mut wrong = Violations::new();
    wrong.require("requests", !requests.is_empty(), "must not be empty");
    wrong.require("requests", requests.len() <= MOST, "must be at most 500");
    wrong.finish()?;
    let outcomes = join_all(
        requests
            .into_iter()
            .map(|request| create(intake, caller, request)),
    )
    .await;
    let results = outcomes.into_iter().map(result).collect();
    Ok(proto::BatchCreateTicketsResponse { results })
}

fn result(outcome: Result<proto::CreateTicketResponse, Error>) -> proto::BatchCreateTicketsResult {
    let result = match outcome {
        Ok(created) => ItemResult::Created(created),
        Err(error) => ItemResult::Error(item_error(error)),
    };
    proto::BatchCreateTicketsResult {
        result: Some(result),
    }
}

fn item_error(error: Error) -> proto::BatchItemError {
    let reason = error.reason().into();
    let field_violations = match error.kind() {
        Kind::Invalid(violations) => violations.iter().map(violation).collect(),
        _ => Vec::new(),
    };
    // The status decides what may be shown of an internal error, and logs it.
    let status = Status::from(error);
    proto::BatchItemError {
        code: status.code().into(),
        reason,
        message: status.message().to_owned(),
        field_violations,
    }
}

fn violation(violation: &FieldViolation) -> proto::BatchFieldViolation {
    let FieldViolation { field, description } = violation.clone();
    proto::BatchFieldViolation { field, description }
}
