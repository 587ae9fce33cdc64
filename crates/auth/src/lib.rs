//! Who may call: bearer tokens, scopes, and loopback for development.

mod caller;

pub use caller::{Caller, Scopes};
