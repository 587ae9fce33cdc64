//! Between the protobuf messages and the domain: reading requests with all their violations, and
//! writing answers.
//!
//! Used by `api`, and by `app` because the answers of idempotent commands are stored as sent.

pub(crate) mod answer;
pub(crate) mod check;
pub(crate) mod create;
pub(crate) mod enums;
pub(crate) mod event;
pub(crate) mod merge;
pub(crate) mod message;
pub(crate) mod time;
pub(crate) mod update;
pub(crate) mod verb;
