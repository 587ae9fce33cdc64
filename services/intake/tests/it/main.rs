//! Intake as its callers meet it: gRPC over an in-process connection, a manual clock, and each
//! claim on both databases.

#![allow(
    clippy::unwrap_used,
    reason = "a test that is refused something has failed"
)]

mod batching;
mod closing;
mod conversation;
mod creation;
mod erasing;
mod events;
mod facts;
mod lifecycle;
mod listing;
mod merging;
mod privacy;
mod repeats;
mod supervision;
mod support;
mod times;
