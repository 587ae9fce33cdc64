//! The gateway over faked services.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod console;
#[allow(dead_code, reason = "the example fills in the rest")]
mod fakes;
mod json;
mod limits;
mod operations;
mod pages;
mod stage;
