//! The service as its callers and the journal meet it, and the state machine as the contract says.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod alerts;
mod calendars;
mod explain_model;
mod explaining;
mod firing;
mod forecasting;
mod listing;
mod model;
mod naive;
mod notify;
mod provenance;
mod putting;
mod rebasing;
mod replicas;
mod suite;
mod vectors;
mod verifying;
mod watching;
