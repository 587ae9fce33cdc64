//! The one binary: it parses, configures and runs the services; what they do is theirs.

pub mod apply;
pub mod bench;
pub mod check;
pub mod cli;
mod config;
pub mod demo;
pub mod explain;
mod host;
mod keys;
pub mod migrate;
mod operations;
pub mod replay;
mod scratch;
mod seed;
pub mod serve;
pub mod simulate;
pub mod sla;
pub mod status;
pub mod suite;
pub mod token;
pub mod up;
