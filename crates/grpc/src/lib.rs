//! Serving gRPC: everything between the socket and a service's own code, written once.
//!
//! A service crate builds a [`Service`]: its gRPC servers and its background jobs. The binary puts
//! one or several into a [`Server`], which runs every call through the same steps
//! ([`mod@pipeline`]), answers health and reflection, and drains on shutdown. [`page`] and [`etag`]
//! hold the conventions of lists and of mutable resources.

mod answer;
mod deadline;
pub mod etag;
mod health;
mod limit;
mod methods;
mod observe;
pub mod page;
pub mod pipeline;
mod server;
mod service;
mod size;
mod socket;

pub use health::{LIVE, Readiness};
pub use pipeline::Stack;
pub use server::{Config, ServeError, Server};
pub use service::{MAX_DECODED_BYTES, Service};
pub use socket::{BindError, bind, shutdown_signal};

use lotse_auth::Caller;

/// Who calls. A request that did not pass the [`Server`]'s authentication has no caller and may do
/// nothing.
pub fn caller<T>(request: &tonic::Request<T>) -> Caller {
    request
        .extensions()
        .get::<Caller>()
        .cloned()
        .unwrap_or_else(Caller::nobody)
}
