//! Secrets at rest.
//!
//! With a key configured, what is stored of a secret is `v1:` and base64 of a nonce and the secret
//! under AES-256-GCM, bound to the target it belongs to: a copy of the database alone opens nothing,
//! and what is moved to another row opens nothing either. Without a key, secrets are stored as
//! they are, marked `plain:`, and are as safe as the database.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lotse_notify::Secret;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest;

use crate::notification::{Content, StoredSecret};

const SEALED: &str = "v1:";
const PLAIN: &str = "plain:";

/// Seals and opens secrets.
pub struct Vault {
    /// The first seals; each of them opens.
    keys: Vec<LessSafeKey>,
}

/// A stored secret that no key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is sealed, and no configured key opens it")]
pub struct Closed;

impl Vault {
    /// A vault with the key in use and the one before it; an empty text is no key.
    pub fn new(current: &Secret, previous: &Secret) -> Self {
        let given = [current, previous].into_iter().map(Secret::expose);
        let given = given.filter(|key| !key.is_empty());
        Self {
            keys: given.map(derive).collect(),
        }
    }

    /// What to store of a target's content.
    pub fn seal(&self, target_id: &str, content: &Content) -> Content {
        let seal = |secret: &StoredSecret| StoredSecret {
            value: Secret::new(self.seal_one(target_id, secret.value.expose())),
            set_at: secret.set_at,
        };
        Content {
            secrets: content.secrets.iter().map(seal).collect(),
            ..content.clone()
        }
    }

    /// A stored content with its secrets in the open.
    ///
    /// # Errors
    /// When no key opens one.
    pub fn open(&self, target_id: &str, content: &Content) -> Result<Content, Closed> {
        let open = |secret: &StoredSecret| {
            Ok(StoredSecret {
                value: Secret::new(self.open_one(target_id, secret.value.expose())?),
                set_at: secret.set_at,
            })
        };
        Ok(Content {
            secrets: content.secrets.iter().map(open).collect::<Result<_, _>>()?,
            ..content.clone()
        })
    }

    fn seal_one(&self, target_id: &str, secret: &str) -> String {
        let Some(key) = self.keys.first() else {
            return format!("{PLAIN}{secret}");
        };
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = secret.as_bytes().to_vec();
        let aad = Aad::from(target_id.as_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .expect("room for a tag"); // invariant: only lengths near 2^36 fail
        format!(
            "{SEALED}{}",
            STANDARD.encode([&nonce[..], &sealed].concat())
        )
    }

    fn open_one(&self, target_id: &str, stored: &str) -> Result<String, Closed> {
        if let Some(secret) = stored.strip_prefix(PLAIN) {
            return Ok(secret.to_owned());
        }
        let sealed = stored.strip_prefix(SEALED).ok_or(Closed)?;
        let sealed = STANDARD.decode(sealed).map_err(|_| Closed)?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Closed)?;
        let opened = self.keys.iter().find_map(|key| {
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let mut bytes = sealed.to_vec();
            let opened = key.open_in_place(nonce, Aad::from(target_id.as_bytes()), &mut bytes);
            String::from_utf8(opened.ok()?.to_vec()).ok()
        });
        opened.ok_or(Closed)
    }
}

/// A key of the right length from a long secret.
fn derive(secret: &str) -> LessSafeKey {
    // The secret is a key already, only of any length: a hash brings it to the right one.
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(b"lotse notification secrets v1\0");
    hash.update(secret.as_bytes());
    let key = UnboundKey::new(&AES_256_GCM, hash.finish().as_ref());
    LessSafeKey::new(key.expect("a key")) // invariant: SHA-256 has the length of the key
}

#[cfg(test)]
mod tests {
    use lotse_clock::Timestamp;

    use super::*;
    use crate::notification::Channel;

    const KEY: &str = "a key of at least thirty-two bytes";
    const NEXT: &str = "another key of thirty-two bytes or more";

    fn vault(current: &str, previous: &str) -> Vault {
        Vault::new(&Secret::new(current), &Secret::new(previous))
    }

    fn content() -> Content {
        Content {
            name: "chat".to_owned(),
            disabled: false,
            channel: Channel::Slack,
            secrets: vec![StoredSecret {
                value: Secret::new("https://hooks.example.org/hush"),
                set_at: Timestamp::EPOCH,
            }],
        }
    }

    #[test]
    fn a_copy_of_the_database_opens_nothing() {
        let sealed = vault(KEY, "").seal("ntf_1", &content());
        let stored = sealed.secrets[0].value.expose();
        assert!(
            stored.starts_with("v1:") && !stored.contains("hush"),
            "{stored}"
        );
        assert_eq!(vault(KEY, "").open("ntf_1", &sealed), Ok(content()));
        assert_eq!(vault("", "").open("ntf_1", &sealed), Err(Closed));
        assert_eq!(vault(NEXT, "").open("ntf_1", &sealed), Err(Closed));
        assert_eq!(vault(KEY, "").open("ntf_2", &sealed), Err(Closed), "moved");
        assert_ne!(
            vault(KEY, "").seal("ntf_1", &content()),
            sealed,
            "a nonce once"
        );
    }

    #[test]
    fn a_key_is_changed_while_old_secrets_still_open() {
        let old = vault(KEY, "").seal("ntf_1", &content());
        let plain = vault("", "").seal("ntf_1", &content());
        let vault = vault(NEXT, KEY);
        assert_eq!(vault.open("ntf_1", &old), Ok(content()));
        assert_eq!(vault.open("ntf_1", &plain), Ok(content()));
        let new = vault.seal("ntf_1", &content());
        assert_eq!(self::vault(NEXT, "").open("ntf_1", &new), Ok(content()));
    }
}
