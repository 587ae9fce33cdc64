//! The tables of intake: tickets, messages, requesters, who has which ticket and
//! whose replies need approval.
//!
//! Personal data (names, addresses, texts) is in `intake_requesters`, in `intake_messages` and in
//! the subject of `intake_tickets`, nowhere else. Ids are text, times are milliseconds since the
//! epoch in columns `…_at`, lists and maps are JSON in text columns, which both databases treat
//! alike.

#![allow(unreachable_pub, reason = "entities derive public items")]

pub(crate) mod assignments;
pub(crate) mod closing;
mod columns;
pub(crate) mod listing;
pub(crate) mod messages;
mod migrations;
pub(crate) mod requesters;
pub(crate) mod supervision;
pub(crate) mod tickets;

pub use migrations::migrations;
