//! Finds out who calls.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use http::{HeaderMap, header};
use jsonwebtoken::decode_header;
use lotse_clock::SystemClock;
use lotse_errors::Error;
use lotse_supervise::{BoxError, Job, Step};
use tokio::sync::Mutex;

use crate::keys::{Key, KeySet};
use crate::{Caller, KeySource, KeysError, check_loopback, token};

/// Shortest time between two fetches that tokens with unknown keys may cause: anybody can make up
/// key ids.
const MIN_REFRESH: Duration = Duration::from_secs(30);

/// How tokens are checked.
#[derive(Clone)]
pub struct TokenConfig {
    /// Where the issuer's public keys are.
    pub keys: KeySource,
    /// What `aud` must hold.
    pub audience: String,
    /// What `iss` must be, if it matters: with keys from a file it says nothing new.
    pub issuer: Option<String>,
    /// Clock difference allowed between issuer and here.
    pub leeway: Duration,
    /// How often keys are read again.
    pub refresh: Duration,
    /// Secret that principals are hashed with; may be empty. Changing it changes all principals.
    pub pseudonym_key: Vec<u8>,
}

impl TokenConfig {
    /// Keys from `keys`, tokens for `audience`, the rest as usual.
    pub fn new(keys: KeySource, audience: impl Into<String>) -> Self {
        Self {
            keys,
            audience: audience.into(),
            issuer: None,
            leeway: Duration::from_secs(30),
            refresh: Duration::from_secs(300),
            pseudonym_key: Vec::new(),
        }
    }
}

impl fmt::Debug for TokenConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenConfig")
            .field("keys", &self.keys)
            .field("audience", &self.audience)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// Finds out who calls. Clones share the keys.
#[derive(Clone)]
pub struct Authenticator(Option<Arc<Tokens>>);

struct Tokens {
    config: TokenConfig,
    keys: RwLock<Option<Arc<KeySet>>>,
    /// When keys were last asked for because of a token. Held while asking, so that one asks.
    asked: Mutex<Option<Instant>>,
}

impl Authenticator {
    /// No authentication: everybody on this machine may do everything.
    pub fn local() -> Self {
        Self(None)
    }

    /// Bearer tokens. Keys are fetched by [`Authenticator::load`], by the [`job`](Self::job), or by
    /// the first token: a server starts also while its issuer is away.
    pub fn tokens(config: TokenConfig) -> Self {
        Self(Some(Arc::new(Tokens {
            config,
            keys: RwLock::new(None),
            asked: Mutex::new(None),
        })))
    }

    /// Whether there is no authentication.
    pub fn is_local(&self) -> bool {
        self.0.is_none()
    }

    /// Reads the keys now; keeps the ones it has when that fails.
    ///
    /// # Errors
    /// When the keys cannot be had.
    pub async fn load(&self) -> Result<(), KeysError> {
        match &self.0 {
            Some(tokens) => tokens.load().await,
            None => Ok(()),
        }
    }

    /// The job that keeps the keys fresh, if there are any.
    pub fn job(&self) -> Option<Arc<dyn Job>> {
        let tokens = self.0.as_ref()?;
        Some(Arc::new(Refresh(Arc::clone(tokens))))
    }

    /// Says who calls, from the request's headers. `authority` is the host the caller addressed.
    ///
    /// # Errors
    /// UNAUTHENTICATED; UNAVAILABLE while the keys cannot be had.
    pub async fn authenticate(
        &self,
        authority: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<Caller, Error> {
        let Some(tokens) = &self.0 else {
            check_loopback(authority, headers)?;
            return Ok(Caller::local());
        };
        let token = bearer(headers).ok_or_else(|| {
            Error::unauthenticated("a bearer token is required (`authorization`)")
        })?;
        let header = decode_header(token).map_err(|_| {
            Error::unauthenticated("the token is no JWT signed with EdDSA, RS256 or ES256")
        })?;
        let key = tokens.key(header.kid.as_deref()).await?;
        token::check(token, &header, &key, &tokens.config, SystemClock.now())
    }
}

impl Tokens {
    async fn load(&self) -> Result<(), KeysError> {
        let keys = Arc::new(self.config.keys.read().await?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(keys);
        Ok(())
    }

    fn known(&self, id: Option<&str>) -> Option<Key> {
        let keys = self
            .keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()?;
        keys.find(id).cloned()
    }

    async fn key(&self, id: Option<&str>) -> Result<Key, Error> {
        if let Some(key) = self.known(id) {
            return Ok(key);
        }
        let mut asked = self.asked.lock().await;
        // Somebody else may have fetched it while we waited.
        if let Some(key) = self.known(id) {
            return Ok(key);
        }
        if asked.is_none_or(|at| at.elapsed() >= MIN_REFRESH) {
            *asked = Some(SystemClock.monotonic());
            if let Err(error) = self.load().await {
                return Err(Error::unavailable(MIN_REFRESH, error));
            }
            if let Some(key) = self.known(id) {
                return Ok(key);
            }
        }
        if self
            .keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none()
        {
            return Err(Error::unavailable(
                MIN_REFRESH,
                "the issuer's keys were never read",
            ));
        }
        Err(Error::unauthenticated("the token's key is not known"))
    }
}

/// The token in `authorization: Bearer …`; the scheme's case does not matter (RFC 9110, 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

struct Refresh(Arc<Tokens>);

#[async_trait]
impl Job for Refresh {
    fn name(&self) -> &str {
        "auth.keys"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        self.0.load().await?;
        Ok(Step::Idle { until: None })
    }

    fn poll_every(&self) -> Duration {
        self.0.config.refresh
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("Authenticator(local)"),
            Some(tokens) => f
                .debug_tuple("Authenticator")
                .field(&tokens.config)
                .finish(),
        }
    }
}
