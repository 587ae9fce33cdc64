//! Checking one token.

use std::collections::BTreeSet;
use std::sync::Arc;

use jsonwebtoken::{Header, Validation, decode};
use lotse_clock::Timestamp;
use lotse_errors::Error;
use lotse_ids::AgentId;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::keys::Key;
use crate::{Caller, Scopes, TokenConfig};

/// The claims read, after RFC 9068 (JWT profile for access tokens).
#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Words>,
    /// Seconds since the epoch; RFC 7519 allows fractions.
    exp: Option<f64>,
    nbf: Option<f64>,
    scope: Option<Words>,
    /// What some issuers call `scope`.
    scp: Option<Words>,
    agent_id: Option<String>,
}

/// A text, or several in an array.
#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    One(String),
    Many(Vec<String>),
}

impl Words {
    fn has(&self, word: &str) -> bool {
        match self {
            Self::One(one) => one == word,
            Self::Many(many) => many.iter().any(|one| one == word),
        }
    }

    /// The words between spaces.
    fn split(&self) -> Vec<String> {
        let texts = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        };
        texts
            .iter()
            .flat_map(|text| text.split_whitespace())
            .map(str::to_owned)
            .collect()
    }
}

/// Checks signature and claims, and says who the caller is. Every message is for the caller and
/// tells only what is in its own token.
pub(crate) fn check(
    token: &str,
    header: &Header,
    key: &Key,
    config: &TokenConfig,
    now: Timestamp,
) -> Result<Caller, Error> {
    let refuse = |why: &str| Error::unauthenticated(format!("the token {why}"));
    if header.alg != key.algorithm {
        return Err(refuse("is not signed with its key's algorithm"));
    }
    // RFC 7515, 4.1.11: extensions that are not understood make a token invalid.
    if header
        .crit
        .as_ref()
        .is_some_and(|critical| !critical.is_empty())
    {
        return Err(refuse("has critical header fields that are not supported"));
    }
    let mut signature_only = Validation::new(key.algorithm);
    signature_only.required_spec_claims.clear();
    signature_only.validate_exp = false;
    signature_only.validate_nbf = false;
    signature_only.validate_aud = false;
    let claims: Claims = decode(token, &key.decoding, &signature_only)
        .map_err(|_| refuse("has a wrong signature or is damaged"))?
        .claims;

    let (now, leeway) = (now.as_millis() as f64 / 1000.0, config.leeway.as_secs_f64());
    match claims.exp {
        None => return Err(refuse("does not say when it expires")),
        Some(exp) if exp + leeway <= now => return Err(refuse("has expired")),
        Some(_) => {}
    }
    if claims.nbf.is_some_and(|nbf| nbf - leeway > now) {
        return Err(refuse("is not valid yet"));
    }
    if !claims.aud.is_some_and(|aud| aud.has(&config.audience)) {
        return Err(refuse("is not meant for this server (claim `aud`)"));
    }
    if config.issuer.is_some() && claims.iss != config.issuer {
        return Err(refuse("comes from another issuer"));
    }
    let Some(subject) = claims.sub.filter(|subject| !subject.is_empty()) else {
        return Err(refuse("does not say whose it is (claim `sub`)"));
    };
    let agent_id = match claims.agent_id {
        None => None,
        Some(id) => Some(
            id.parse::<AgentId>()
                .map_err(|_| refuse("names an agent that is none (`agent_id`)"))?,
        ),
    };
    let scopes: BTreeSet<String> = [claims.scope, claims.scp]
        .iter()
        .flatten()
        .flat_map(Words::split)
        .collect();
    Ok(Caller {
        principal: principal(&config.pseudonym_key, claims.iss.as_deref(), &subject).into(),
        scopes: Scopes::These(Arc::new(scopes)),
        agent_id,
    })
}

/// The pseudonymous id of a subject: 96 bits of a keyed SHA-256. Without a key, somebody who can
/// guess the subject (a mail address, say) can also recognise its id.
fn principal(key: &[u8], issuer: Option<&str>, subject: &str) -> String {
    let mut hash = Sha256::new();
    for part in [
        key,
        issuer.unwrap_or_default().as_bytes(),
        subject.as_bytes(),
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let hex: String = hash
        .finalize()
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("prn_{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principal_is_stable_and_tells_issuers_and_keys_apart() {
        let id = principal(b"", Some("a"), "b");
        assert_eq!(id, principal(b"", Some("a"), "b"));
        assert_eq!(id.len(), 28);
        for other in [
            principal(b"k", Some("a"), "b"),
            principal(b"", Some("ab"), ""),
            principal(b"", None, "b"),
        ] {
            assert_ne!(id, other);
        }
    }
}
