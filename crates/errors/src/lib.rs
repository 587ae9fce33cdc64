//! What a caller is told when something does not work.
//!
//! [`Error`] is split by what the caller should do next, not by what went wrong inside. Every
//! service keeps its own `thiserror` enum and converts it into this one; [`Error`] alone becomes a
//! `tonic::Status` (in [`mod@status`]), with the details of `google.rpc` that fit.
//!
//! [`Violations`] collects everything that is wrong with a request, so that a caller is told all
//! of it at once. [`peer`] reads the errors of another service.

mod database;
mod error;
pub mod peer;
pub mod status;
mod violations;

pub use error::{BoxError, Error, FieldViolation, Kind};
pub use lotse_proto::common::v1::ErrorReason;
pub use violations::{Text, Violations};
