//! Settings: embedded defaults, then a file, then the environment.
//!
//! `defaults.toml` is the documentation of every key. [`Settings::load`] checks everything and
//! reports all that is wrong at once, each with its key. Secrets never show in what is printed.

mod problems;
mod reader;
mod secret;
mod settings;
mod sources;

pub use problems::{Problem, Problems};
pub use secret::{Secret, SecretUrl};
pub use settings::{Auth, Database, Draft, Peers, Redis, Server, Settings};
pub use sources::Sources;

/// The embedded defaults, which document every key.
pub const DEFAULTS: &str = include_str!("../defaults.toml");
