//! Insight behind its real pipeline, on both databases.
#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod catalogue;
mod desk;
mod drill_down;
mod figures;
mod promises;
mod questions;
mod rebuild;
mod stage;
mod surveys;
mod time;
