//! Tokens as servers meet them.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod fixed;
mod keys;
mod tokens;

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use lotse_auth::{Authenticator, Caller, Claims, KeySource, LocalKey, TokenConfig};
use lotse_errors::Error;

/// What a good token says.
fn good() -> Claims {
    Claims {
        subject: "compose".to_owned(),
        audience: "lotse".to_owned(),
        issuer: Some("https://issuer.example".to_owned()),
        scopes: vec!["tickets.read".to_owned(), "tickets.write".to_owned()],
        agent_id: None,
        lifetime: Duration::from_secs(60),
    }
}

/// An authenticator that reads `jwks` from a file. The file must live as long.
fn reading(jwks: &str) -> (Authenticator, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    std::fs::write(&path, jwks).unwrap();
    let config = TokenConfig {
        issuer: Some("https://issuer.example".to_owned()),
        ..TokenConfig::new(KeySource::File(path), "lotse")
    };
    (Authenticator::tokens(config), folder)
}

fn bearing(token: &str) -> HeaderMap {
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    HeaderMap::from_iter([(header::AUTHORIZATION, value)])
}

async fn present(auth: &Authenticator, token: &str) -> Result<Caller, Error> {
    auth.authenticate(Some("lotse.example"), &bearing(token))
        .await
}

fn key() -> LocalKey {
    LocalKey::generate().unwrap()
}
