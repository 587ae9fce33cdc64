//! A server as its callers meet it, with a service whose behaviour the tests choose.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod auth;
mod calls;
mod discovery;
mod drain;
mod observed;
mod scripted;
mod streams;
