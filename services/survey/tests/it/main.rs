//! The survey service behind its real pipeline, on both databases.
#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod answers;
mod invitations;
mod stage;
mod surveys;
