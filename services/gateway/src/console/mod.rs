//! The console: the page that a support team looks at all day.

mod board;
mod job;

use std::sync::Arc;

use axum::Router;
use lotse_auth::Authenticator;

pub use board::Board;
pub use job::Snapshots;

/// The routes of the console.
pub fn routes(_board: Arc<Board>, _auth: Authenticator) -> Router {
    Router::new()
}
