//! Values that must not be shown.

use std::fmt;

use serde::Deserialize;
use url::Url;

/// What stands for something secret.
const HIDDEN: &str = "***";

/// A text that is never printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "" } else { HIDDEN })
    }
}

/// A URL whose password is not printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SecretUrl(String);

impl SecretUrl {
    /// Hides the password in `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL with its password.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What comes before the colon.
    pub fn scheme(&self) -> &str {
        self.0.split_once(':').map_or("", |(scheme, _)| scheme)
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        // What is no URL of a server may hold its password anywhere.
        let mut url = match Url::parse(&self.0) {
            Ok(url) if url.has_host() || url.scheme() == "sqlite" => url,
            _ => return f.write_str(HIDDEN),
        };
        // Fails only for URLs that cannot have a password.
        let _ = url
            .password()
            .is_some()
            .then(|| url.set_password(Some(HIDDEN)));
        if url.query_pairs().any(|(key, _)| is_secret(&key)) {
            let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            let mut query = url.query_pairs_mut();
            query.clear();
            for (key, value) in &pairs {
                query.append_pair(key, if is_secret(key) { HIDDEN } else { value });
            }
        }
        f.write_str(url.as_str())
    }
}

/// Query parameters that drivers take secrets from: `password`, `sslpassword`, `token`.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "secret", "token"]
        .iter()
        .any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_printed() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        for (url, shown) in [
            ("postgres://u:hunter2@db/lotse", "postgres://u:***@db/lotse"),
            (
                "postgres://u@db/lotse?password=hunter2&a=b",
                "postgres://u@db/lotse?password=***&a=b",
            ),
            ("redis://:hunter2@cache:6379/0", "redis://:***@cache:6379/0"),
            ("postgres://db/lotse", "postgres://db/lotse"),
            ("u:hunter2@", "***"),
            ("", ""),
        ] {
            let url = SecretUrl::new(url);
            let printed = format!("{url} {url:?}");
            assert!(!printed.contains("hunter2"), "{printed}");
            assert_eq!(url.to_string(), shown);
        }
    }
}
