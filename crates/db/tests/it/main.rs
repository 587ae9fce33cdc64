//! The databases as the rest of the suite meets them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod connecting;
mod migrating;
mod transactions;
