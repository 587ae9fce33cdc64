//! The gRPC contracts as Rust: generated from `proto/` by `cargo xtask codegen` and committed.
//!
//! The comments in the protos are the reference documentation.

pub mod time;
mod workflow;

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
#[path = "gen/mod.rs"]
mod generated;

#[path = "gen/scopes.rs"]
mod scopes;

pub use generated::lotse::*;
pub use scopes::SCOPES;

/// All descriptors, for server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("gen/descriptors.bin");

/// The scope that the method at `path` asks for, such as `tickets.write` for
/// `/lotse.intake.v1.TicketService/CreateTicket`; `None` for methods that are not ours.
pub fn scope(path: &str) -> Option<&'static str> {
    let at = SCOPES
        .binary_search_by_key(&path, |(method, _)| method)
        .ok()?;
    SCOPES.get(at).map(|(_, scope)| *scope)
}
