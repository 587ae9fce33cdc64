//! From names to addresses.

use std::io;
use std::net::IpAddr;

use async_trait::async_trait;

/// Where names are looked up.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// The addresses of `host`, the best first.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's own way.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNames;

#[async_trait]
impl Resolve for SystemNames {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|place| place.ip()).collect())
    }
}
