//! The command line's own flows, against the real suite in this process.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod apply;
mod demo;
mod stage;
