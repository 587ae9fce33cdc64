//! Jobs driven live (paused tokio time) and on a manual clock.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod stepper;
mod supervisor;
mod support;
