//! Where the key set comes from.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use url::Url;

use crate::keys::{KeySet, KeysError};

/// Time for fetching a key set.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Largest key set taken, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// Where the JWKS is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file, read again on every refresh.
    File(PathBuf),
    /// An `https` URL, or `http` within a cluster.
    Url(Url),
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) => url.fmt(f),
        }
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl KeySource {
    pub(crate) async fn read(&self) -> Result<KeySet, KeysError> {
        let place = self.to_string();
        let json = match self {
            Self::File(path) => tokio::fs::read(path)
                .await
                .map(Bytes::from)
                .map_err(Into::into),
            Self::Url(url) => match tokio::time::timeout(TIMEOUT, fetch(url)).await {
                Ok(fetched) => fetched,
                Err(_) => Err(format!("no answer within {TIMEOUT:?}").into()),
            },
        };
        let json = json.map_err(|source| KeysError::Read {
            place: place.clone(),
            source,
        })?;
        KeySet::parse(&place, &json)
    }
}

async fn fetch(url: &Url) -> Result<Bytes, BoxError> {
    let connector: HttpsConnector<HttpConnector> = HttpsConnectorBuilder::new()
        .with_webpki_roots()
        .https_or_http()
        .enable_http1()
        .build();
    // A client for one request: key sets are fetched every few minutes at most.
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let request = Request::get(url.as_str())
        .header(header::ACCEPT, "application/json")
        .body(Empty::<Bytes>::new())?;
    let response = client.request(request).await?;
    if response.status() != StatusCode::OK {
        return Err(format!("the server answered {}", response.status()).into());
    }
    Ok(Limited::new(response.into_body(), MAX_BYTES)
        .collect()
        .await?
        .to_bytes())
}
