//! Calling another service of the suite.
//!
//! [`connect`] gives a [`Channel`] that every generated client takes. It passes on what a call
//! depends on: the deadline of the call being served ([`deadline::within`]), the trace, and a token. It
//! connects lazily and again after a loss; it does not repeat calls, because only the caller knows
//! what may be repeated.

mod channel;
pub mod deadline;
mod later;
mod token;

pub use channel::{Channel, ConnectError, Target, connect};
pub use later::Later;
pub use token::Token;
