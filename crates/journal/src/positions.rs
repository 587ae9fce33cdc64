//! How far a reader outside of the suite has come, and the token it keeps of that.

use std::hash::Hasher as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::encoding::{decode_varint, encode_varint};
use siphasher::sip::SipHasher24;

use crate::bucket::BUCKETS;
use crate::event::Recorded;
use crate::incarnation::Incarnation;

/// Layout of a token: this byte, the incarnation (8 bytes, big-endian), 64 varints, and the low
/// four bytes of a hash of all that. The hash catches damage, not malice: a forged token reads
/// nothing that its bearer could not read from the beginning.
const VERSION: u8 = 1;
const INCARNATION_BYTES: usize = 8;
const CHECK_BYTES: usize = 4;

/// The last position read of each bucket, in one life of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Positions {
    incarnation: Incarnation,
    at: [i64; BUCKETS as usize],
}

/// A token that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the resume token is damaged or was made by another version")]
pub struct TokenError;

impl Positions {
    /// Before the first event.
    pub fn start(incarnation: Incarnation) -> Self {
        Self {
            incarnation,
            at: [0; BUCKETS as usize],
        }
    }

    /// The life of the journal that the positions refer to.
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// The last position read of `bucket`; 0 before the first, and for a bucket there is not.
    pub fn at(&self, bucket: u8) -> i64 {
        self.at.get(usize::from(bucket)).copied().unwrap_or(0)
    }

    /// Notes that an event has been read. Positions never go back.
    pub fn advance(&mut self, event: &Recorded) {
        self.set(event.bucket, event.position);
    }

    /// How many events have been read.
    pub(crate) fn total(&self) -> u64 {
        self.at
            .iter()
            .map(|at| at.unsigned_abs())
            .fold(0, u64::wrapping_add)
    }

    pub(crate) fn set(&mut self, bucket: u8, position: i64) {
        if let Some(at) = self.at.get_mut(usize::from(bucket)) {
            *at = (*at).max(position);
        }
    }

    /// The opaque token from which these positions can be had again.
    pub fn to_token(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.incarnation.bits().to_be_bytes());
        for at in self.at {
            encode_varint(at.unsigned_abs(), &mut bytes);
        }
        let check = check(&bytes);
        bytes.extend(check);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The positions that a token stands for. Whether they are of this life of the journal is
    /// checked when they are read from.
    ///
    /// # Errors
    /// When the token is damaged.
    pub fn from_token(token: &str) -> Result<Self, TokenError> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| TokenError)?;
        let (body, sum) = bytes.split_last_chunk::<CHECK_BYTES>().ok_or(TokenError)?;
        if check(body) != *sum {
            return Err(TokenError);
        }
        let (version, rest) = body.split_first().ok_or(TokenError)?;
        let (incarnation, mut rest) = rest
            .split_first_chunk::<INCARNATION_BYTES>()
            .ok_or(TokenError)?;
        if *version != VERSION {
            return Err(TokenError);
        }
        let mut positions = Self::start(Incarnation::from_bits(u64::from_be_bytes(*incarnation)));
        for at in &mut positions.at {
            let position = decode_varint(&mut rest).map_err(|_| TokenError)?;
            *at = i64::try_from(position).map_err(|_| TokenError)?;
        }
        if rest.is_empty() {
            Ok(positions)
        } else {
            Err(TokenError)
        }
    }
}

fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let mut hasher = SipHasher24::new_with_keys(0, 0);
    hasher.write(bytes);
    // The low four bytes of the hash.
    (hasher.finish() as u32).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_token_gives_its_positions_back(bits: u64, seen in prop::collection::vec((0..BUCKETS, 0..i64::MAX), 0..40)) {
            let mut positions = Positions::start(Incarnation::from_bits(bits));
            for (bucket, position) in seen {
                positions.set(bucket, position);
            }
            prop_assert_eq!(Positions::from_token(&positions.to_token()), Ok(positions));
        }

        #[test]
        fn a_damaged_token_is_refused(at in 0..90_usize, flip in 1..=255_u8) {
            let token = Positions::start(Incarnation::from_bits(7)).to_token();
            let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= flip;
            prop_assert_eq!(Positions::from_token(&URL_SAFE_NO_PAD.encode(bytes)), Err(TokenError));
        }

        #[test]
        fn nonsense_is_refused(nonsense in ".{0,40}") {
            prop_assert_eq!(Positions::from_token(&nonsense), Err(TokenError));
        }
    }
}
