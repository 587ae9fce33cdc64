//! A key of one's own, for compose files, tests and installations without an issuer.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use lotse_clock::Timestamp;
use lotse_ids::AgentId;
use serde::Serialize;

/// What comes before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410, section 10.3).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
];
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// Why a local key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LocalKeyError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no Ed25519 private key in PEM.
    #[error("{0} holds no Ed25519 private key (PKCS #8, PEM)")]
    Format(PathBuf),
    /// Signing failed.
    #[error("the token cannot be signed: {0}")]
    Sign(#[from] jsonwebtoken::errors::Error),
}

/// An Ed25519 key pair that signs tokens.
pub struct LocalKey {
    pkcs8: Vec<u8>,
    public: Jwk,
    id: String,
}

/// What a minted token says.
#[derive(Debug, Clone)]
pub struct Claims {
    /// Whose it is: `compose`, `ci`.
    pub subject: String,
    /// Which servers take it: their `auth.audience`.
    pub audience: String,
    /// Who it comes from: their `auth.issuer`, if they check it.
    pub issuer: Option<String>,
    /// What it allows, as in `tickets.write`.
    pub scopes: Vec<String>,
    /// The agent it acts for.
    pub agent_id: Option<AgentId>,
    /// How long it is good for.
    pub lifetime: Duration,
}

impl LocalKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// Never in practice: the cryptography would have to refuse its own key.
    pub fn generate() -> Result<Self, LocalKeyError> {
        let mut pkcs8 = PKCS8_PREFIX.to_vec();
        pkcs8.extend_from_slice(&rand::random::<[u8; 32]>());
        Self::from_pkcs8(pkcs8)
    }

    fn from_pkcs8(pkcs8: Vec<u8>) -> Result<Self, LocalKeyError> {
        let mut public =
            Jwk::from_encoding_key(&EncodingKey::from_ed_der(&pkcs8), Algorithm::EdDSA)?;
        let id = public.thumbprint(ThumbprintHash::SHA256)?;
        public.common.key_id = Some(id.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { pkcs8, public, id })
    }

    /// Reads a private key file, as written by [`LocalKey::save`] or by
    /// `openssl genpkey -algorithm ed25519`.
    ///
    /// # Errors
    /// When there is none, or no such key in it.
    pub fn read(path: &Path) -> Result<Self, LocalKeyError> {
        let text = fs::read_to_string(path).map_err(|source| LocalKeyError::File {
            path: path.to_owned(),
            source,
        })?;
        let wrong = || LocalKeyError::Format(path.to_owned());
        let (_, rest) = text.split_once(BEGIN).ok_or_else(wrong)?;
        let (body, _) = rest.split_once(END).ok_or_else(wrong)?;
        let body: String = body.split_whitespace().collect();
        let pkcs8 = STANDARD.decode(body).map_err(|_| wrong())?;
        if pkcs8.len() != PKCS8_PREFIX.len() + 32 || !pkcs8.starts_with(&PKCS8_PREFIX) {
            return Err(wrong());
        }
        Self::from_pkcs8(pkcs8)
    }

    /// Writes the private key, readable by its owner only. Never overwrites a key.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), LocalKeyError> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let text = format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(&self.pkcs8));
        options
            .open(path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|source| LocalKeyError::File {
                path: path.to_owned(),
                source,
            })
    }

    /// The public key as a JWKS, for `auth.jwks_file`.
    pub fn jwks(&self) -> String {
        serde_json::json!({ "keys": [self.public] }).to_string()
    }

    /// Signs a token.
    ///
    /// # Errors
    /// When the cryptography refuses.
    pub fn mint(&self, claims: &Claims, now: Timestamp) -> Result<String, LocalKeyError> {
        #[derive(Serialize)]
        struct Signed<'a> {
            sub: &'a str,
            aud: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            iss: Option<&'a str>,
            scope: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            agent_id: Option<&'a str>,
            iat: i64,
            exp: i64,
        }
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.id.clone());
        // RFC 9068, 2.1: an access token, which must not be taken for an ID token.
        header.typ = Some("at+jwt".to_owned());
        let signed = Signed {
            sub: &claims.subject,
            aud: &claims.audience,
            iss: claims.issuer.as_deref(),
            scope: claims.scopes.join(" "),
            agent_id: claims.agent_id.as_ref().map(AgentId::as_str),
            iat: now.as_millis() / 1000,
            exp: (now + claims.lifetime).as_millis() / 1000,
        };
        Ok(encode(
            &header,
            &signed,
            &EncodingKey::from_ed_der(&self.pkcs8),
        )?)
    }
}

impl std::fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
