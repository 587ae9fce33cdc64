//! The public door: survey pages.

use axum::Router;
use lotse_client::Channel;

use crate::Config;

/// The routes of the public listener.
pub fn routes(_survey: Channel, _config: &Config) -> Router {
    Router::new()
}
