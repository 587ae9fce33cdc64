//! The secret in a survey's link.
//!
//! A token is the invitation's id, the id of the key and a keyed hash of both. It is recomputed,
//! never stored, bound to one invitation, and a key can be replaced while older links still work.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use lotse_ids::InvitationId;
use sha2::Sha256;

/// Bytes of the hash that stand in a link: 128 bits.
const HASH_BYTES: usize = 16;

/// The keys that sign links; the first one signs, all of them are accepted.
#[derive(Clone)]
pub struct LinkKeys(Vec<LinkKey>);

/// One key with its public name.
#[derive(Clone)]
pub struct LinkKey {
    /// Letters and digits; stands in every link that it signed.
    pub id: String,
    /// At least 32 random bytes.
    pub secret: Vec<u8>,
}

/// Keys that cannot sign links.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is none.
    #[error("at least one link key is needed")]
    None,
    /// A name that cannot stand in a link, or stands for two keys.
    #[error("link key id {0:?} must be unique and 1 to 16 letters or digits")]
    Id(String),
    /// Too little to be secret.
    #[error("link key {0:?} must have at least 32 bytes")]
    Short(String),
}

impl LinkKeys {
    /// Keys for links, the one that signs first.
    ///
    /// # Errors
    /// When there is none, one is too short, or an id is unfit.
    pub fn new(keys: Vec<LinkKey>) -> Result<Self, KeyError> {
        if keys.is_empty() {
            return Err(KeyError::None);
        }
        for (place, key) in keys.iter().enumerate() {
            let fit = (1..=16).contains(&key.id.len())
                && key.id.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !fit || keys[..place].iter().any(|other| other.id == key.id) {
                return Err(KeyError::Id(key.id.clone()));
            }
            if key.secret.len() < 32 {
                return Err(KeyError::Short(key.id.clone()));
            }
        }
        Ok(Self(keys))
    }

    /// The token of an invitation.
    pub fn token(&self, invitation: &InvitationId) -> String {
        let key = &self.0[0];
        let hash = mac(key, invitation).finalize().into_bytes();
        let hash = URL_SAFE_NO_PAD.encode(&hash[..HASH_BYTES]);
        format!("{}.{}.{hash}", suffix(invitation), key.id)
    }

    /// The invitation that a token belongs to; `None` when the token is not one of ours.
    pub fn invitation(&self, token: &str) -> Option<InvitationId> {
        let mut parts = token.splitn(3, '.');
        let invitation = format!("{}_{}", InvitationId::PREFIX, parts.next()?);
        let invitation = invitation.parse::<InvitationId>().ok()?;
        let key_id = parts.next()?;
        let hash = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        let key = self.0.iter().find(|key| key.id == key_id)?;
        let fits =
            hash.len() == HASH_BYTES && mac(key, &invitation).verify_truncated_left(&hash).is_ok();
        fits.then_some(invitation)
    }

    /// The secret that samples requesters: the oldest key's, so that a rotation changes no sample
    /// as long as the old key is kept.
    pub fn sampling_secret(&self) -> &[u8] {
        self.0.last().map_or(&[], |key| &key.secret)
    }
}

impl fmt::Debug for LinkKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.0.iter().map(|key| &key.id).collect();
        f.debug_tuple("LinkKeys").field(&ids).finish()
    }
}

fn suffix(invitation: &InvitationId) -> &str {
    let text = invitation.as_str();
    text.split_once('_').map_or(text, |(_, suffix)| suffix)
}

fn mac(key: &LinkKey, invitation: &InvitationId) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.secret).expect("any key length"); // invariant: HMAC takes keys of any length
    mac.update(b"lotse survey link v1\0");
    mac.update(key.id.as_bytes());
    mac.update(b"\0");
    mac.update(invitation.as_str().as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use lotse_clock::Timestamp;

    use super::*;

    fn key(id: &str, byte: u8) -> LinkKey {
        LinkKey {
            id: id.to_owned(),
            secret: vec![byte; 32],
        }
    }

    fn keys(list: Vec<LinkKey>) -> LinkKeys {
        LinkKeys::new(list).unwrap()
    }

    #[test]
    fn a_token_names_its_invitation_and_no_other() {
        let keys = keys(vec![key("a", 1)]);
        let first = InvitationId::generate(Timestamp::from_millis(1));
        let second = InvitationId::generate(Timestamp::from_millis(2));
        let token = keys.token(&first);
        assert_eq!(keys.invitation(&token), Some(first.clone()));
        let (_, signature) = token.split_once('.').unwrap();
        let forged = format!("{}.{signature}", suffix(&second));
        assert_eq!(keys.invitation(&forged), None);
        assert_eq!(keys.invitation(&token[..token.len() - 1]), None);
        for garbage in ["", ".", "..", "a.b.c", first.as_str()] {
            assert_eq!(keys.invitation(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn links_signed_before_a_rotation_still_work_until_their_key_is_gone() {
        let invitation = InvitationId::generate(Timestamp::from_millis(1));
        let old = keys(vec![key("a", 1)]).token(&invitation);
        let both = keys(vec![key("b", 2), key("a", 1)]);
        assert_eq!(both.invitation(&old), Some(invitation.clone()));
        assert_ne!(both.token(&invitation), old);
        assert_eq!(keys(vec![key("b", 2)]).invitation(&old), None);
        assert_eq!(both.sampling_secret(), &[1; 32]);
    }

    #[test]
    fn unfit_keys_are_refused_and_secrets_are_not_shown() {
        assert_eq!(LinkKeys::new(vec![]).unwrap_err(), KeyError::None);
        assert_eq!(
            LinkKeys::new(vec![key("a", 1), key("a", 2)]).unwrap_err(),
            KeyError::Id("a".into())
        );
        let short = LinkKey {
            id: "a".into(),
            secret: vec![1; 31],
        };
        assert_eq!(
            LinkKeys::new(vec![short]).unwrap_err(),
            KeyError::Short("a".into())
        );
        assert_eq!(
            format!("{:?}", keys(vec![key("a", 7)])),
            "LinkKeys([\"a\"])"
        );
    }
}
