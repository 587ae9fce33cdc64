//! The public keys that tokens are checked with.

use std::collections::HashMap;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

/// Why a key set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// It cannot be read or fetched.
    #[error("the key set at {place} cannot be read: {source}")]
    Read {
        /// File or URL.
        place: String,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It is not a JSON Web Key Set (RFC 7517).
    #[error("the key set at {place} is no JWKS: {source}")]
    Format {
        /// File or URL.
        place: String,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// None of its keys can be used.
    #[error(
        "the key set at {place} has no key to check signatures with; supported are Ed25519 \
         (EdDSA), RSA (RS256) and P-256 (ES256)"
    )]
    Empty {
        /// File or URL.
        place: String,
    },
}

/// A key and the one algorithm it is used with.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) algorithm: Algorithm,
    pub(crate) decoding: DecodingKey,
}

/// Keys by their id.
#[derive(Default)]
pub(crate) struct KeySet {
    by_id: HashMap<String, Key>,
    /// The key, when there is exactly one: tokens may then leave the id out.
    only: Option<Key>,
}

impl KeySet {
    /// Reads a JWKS, leaving out what is no signature key of ours: sets in the wild hold keys for
    /// encryption and for algorithms we refuse.
    pub(crate) fn parse(place: &str, json: &[u8]) -> Result<Self, KeysError> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        let set: Set = serde_json::from_slice(json).map_err(|source| KeysError::Format {
            place: place.to_owned(),
            source,
        })?;
        let mut keys = Self::default();
        let mut all = Vec::new();
        for value in set.keys {
            let Ok(jwk) = serde_json::from_value::<Jwk>(value) else {
                continue;
            };
            let Some(key) = usable(&jwk) else { continue };
            if let Some(id) = jwk.common.key_id {
                keys.by_id.insert(id, key.clone());
            }
            all.push(key);
        }
        if let [only] = all.as_slice() {
            keys.only = Some(only.clone());
        }
        if all.is_empty() {
            Err(KeysError::Empty {
                place: place.to_owned(),
            })
        } else {
            Ok(keys)
        }
    }

    pub(crate) fn find(&self, id: Option<&str>) -> Option<&Key> {
        match id {
            Some(id) => self.by_id.get(id),
            None => self.only.as_ref(),
        }
    }
}

/// The algorithm follows from the key, never from the token: so a public key is never taken for an
/// HMAC secret.
fn usable(jwk: &Jwk) -> Option<Key> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(p) if p.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        AlgorithmParameters::EllipticCurve(p) if p.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        _ => return None,
    };
    if jwk
        .common
        .public_key_use
        .as_ref()
        .is_some_and(|usage| *usage != PublicKeyUse::Signature)
    {
        return None;
    }
    // A key marked for another algorithm (RS512, PS256) must not be used with ours.
    let marked = jwk.common.key_algorithm.map(|marked| marked.to_string());
    if marked.is_some_and(|marked| marked.parse() != Ok(algorithm)) {
        return None;
    }
    let decoding = DecodingKey::from_jwk(jwk).ok()?;
    Some(Key {
        algorithm,
        decoding,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symmetric_and_encryption_keys_are_left_out() {
        let json = br#"{"keys":[
            {"kty":"oct","k":"c2VjcmV0","kid":"hmac"},
            {"kty":"OKP","crv":"Ed25519","use":"enc","kid":"enc","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            {"kty":"RSA","alg":"RS512","kid":"rs512","n":"AQAB","e":"AQAB"},
            {"kty":"new","kid":"unheard-of"}
        ]}"#;
        assert!(matches!(
            KeySet::parse("x", json),
            Err(KeysError::Empty { .. })
        ));
        assert!(matches!(
            KeySet::parse("x", b"<html>"),
            Err(KeysError::Format { .. })
        ));
    }

    #[test]
    fn token_without_key_id_is_matched_only_when_there_is_one_key() {
        let key = |id: &str| {
            format!(
                r#"{{"kty":"OKP","crv":"Ed25519","kid":"{id}","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}"#
            )
        };
        let one = KeySet::parse("x", format!(r#"{{"keys":[{}]}}"#, key("a")).as_bytes()).unwrap();
        assert!(one.find(None).is_some() && one.find(Some("a")).is_some());
        assert!(one.find(Some("b")).is_none());
        let two = format!(r#"{{"keys":[{},{}]}}"#, key("a"), key("b"));
        let two = KeySet::parse("x", two.as_bytes()).unwrap();
        assert!(two.find(None).is_none() && two.find(Some("b")).is_some());
    }
}
