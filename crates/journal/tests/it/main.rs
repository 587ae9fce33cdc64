//! The journal as services and outsiders meet it, on both databases.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod appending;
mod at;
mod catching_up;
mod commands;
mod consuming;
mod feed;
mod following;
mod parking;
mod restoring;
mod scaling;
mod support;
mod tracing;
mod waking;
