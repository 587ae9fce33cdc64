//! The token a service shows to its peers.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use http::HeaderValue;
use lotse_clock::SystemClock;
use lotse_errors::{BoxError, Error};

/// A token file is read again after this; Kubernetes replaces mounted tokens well before they end.
const REREAD: Duration = Duration::from_secs(30);

/// When a call may be tried again whose token could not be read.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// A bearer token.
#[derive(Clone, Default)]
pub enum Token {
    /// None: peers on loopback without authentication.
    #[default]
    Absent,
    /// This one.
    Fixed(String),
    /// The content of a file, which may be replaced at any time.
    File(PathBuf),
}

/// Never shows the token.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("Absent"),
            Self::Fixed(_) => f.write_str("Fixed(***)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// A token as a header, read again when it may have changed.
#[derive(Clone)]
pub(crate) struct Bearer {
    token: Arc<Token>,
    read: Arc<RwLock<Option<(HeaderValue, Instant)>>>,
}

impl Bearer {
    pub(crate) fn new(token: Token) -> Self {
        Self {
            token: Arc::new(token),
            read: Arc::default(),
        }
    }

    /// The value of `authorization`, if there is a token.
    pub(crate) async fn header(&self) -> Result<Option<HeaderValue>, Error> {
        let path = match &*self.token {
            Token::Absent => return Ok(None),
            Token::Fixed(token) => return header(token).map(Some),
            Token::File(path) => path,
        };
        let known = self
            .read
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some((value, at)) = &known
            && at.elapsed() < REREAD
        {
            return Ok(Some(value.clone()));
        }
        let value = match tokio::fs::read_to_string(path).await {
            Ok(token) => header(&token)?,
            // While it is being replaced the old one still does.
            Err(error) => match known {
                Some((value, _)) => value,
                None => {
                    let path = path.display();
                    let error = BoxError::from(format!("cannot read the token in {path}: {error}"));
                    return Err(Error::unavailable(RETRY_AFTER, error));
                }
            },
        };
        let read = Some((value.clone(), SystemClock.monotonic()));
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(Some(value))
    }
}

fn header(token: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim()))
        .map_err(|_| Error::internal("the configured token is no text for a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_never_shown() {
        let shown = format!(
            "{:?} {:?}",
            Token::Fixed("s3cret".to_owned()),
            header("s3cret")
        );
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
