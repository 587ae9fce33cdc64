//! Page tokens: opaque to callers, versioned, bound to the list they continue.
//!
//! A token is the key of the last row given (keyset paging, so it is stable under writes) together
//! with a hash of everything that decides the list: filter, order, parent. It is no secret and not
//! signed: whoever makes one up only asks for another position of a list they may read anyway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lotse_errors::{Error, ErrorReason};
use sha2::{Digest as _, Sha256};

/// Raised when the meaning of the keys changes; older tokens are then refused.
const VERSION: u8 = 1;

/// Longest token taken, in bytes.
const MAX_TOKEN: usize = 1024;

/// The size of a page in rows: `asked` as in `page_size`, where 0 means `default`; more than `max`
/// is cut to it (AIP-158).
///
/// # Errors
/// INVALID_ARGUMENT for a negative size.
pub fn size(asked: i32, default: u32, max: u32) -> Result<u32, Error> {
    match u32::try_from(asked) {
        Ok(0) => Ok(default),
        Ok(size) => Ok(size.min(max)),
        Err(_) => Err(Error::invalid("page_size", "must not be negative")),
    }
}

/// What a token is bound to: the method and everything in the request that decides the list,
/// except page size and token.
#[derive(Debug, Clone)]
pub struct Scope([u8; 8]);

impl Scope {
    /// Binds to `method` and `parts` (filter, order, parent), in this order.
    pub fn new(method: &str, parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in std::iter::once(&method).chain(parts) {
            // The length keeps ("ab", "c") apart from ("a", "bc").
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut short = [0; 8];
        short.copy_from_slice(&hash.finalize()[..8]);
        Self(short)
    }

    /// The token for the page after the row with these key parts.
    pub fn token(&self, key: &[&str]) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.0);
        for part in key {
            bytes.extend_from_slice(&(part.len() as u16).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The key parts of `token`, `N` of them; `None` for the first page (an empty token).
    ///
    /// # Errors
    /// INVALID_ARGUMENT on `page_token`: damaged, of another version, or of another list.
    pub fn key<const N: usize>(&self, token: &str) -> Result<Option<[String; N]>, Error> {
        if token.is_empty() {
            return Ok(None);
        }
        if token.len() > MAX_TOKEN {
            return Err(refused("is damaged"));
        }
        let bytes = URL_SAFE_NO_PAD
            .decode(token)
            .map_err(|_| refused("is damaged"))?;
        let [VERSION, rest @ ..] = bytes.as_slice() else {
            return Err(refused("is of another version; start at the first page"));
        };
        let Some((scope, mut rest)) = rest.split_at_checked(self.0.len()) else {
            return Err(refused("is damaged"));
        };
        if scope != self.0 {
            return Err(refused("belongs to a list with another filter or order"));
        }
        let mut key = Vec::with_capacity(N);
        while !rest.is_empty() {
            let part;
            (part, rest) = part_of(rest).ok_or_else(|| refused("is damaged"))?;
            key.push(part);
        }
        key.try_into().map(Some).map_err(|_| refused("is damaged"))
    }
}

fn part_of(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let (part, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((String::from_utf8(part.to_vec()).ok()?, rest))
}

fn refused(why: &str) -> Error {
    Error::invalid("page_token", why).because(ErrorReason::InvalidPageToken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lotse_errors::Kind;

    #[test]
    fn token_gives_back_its_key() {
        let scope = Scope::new("ListTickets", &["status=OPEN", "created_at desc"]);
        let token = scope.token(&["1700000000000", "tkt_1"]);
        let key = scope.key::<2>(&token).unwrap().unwrap();
        assert_eq!(key, ["1700000000000", "tkt_1"]);
        assert_eq!(scope.key::<2>("").unwrap(), None);
    }

    #[test]
    fn token_of_another_list_or_damaged_one_is_refused_by_name() {
        let scope = Scope::new("ListTickets", &["ab", "c"]);
        let token = Scope::new("ListTickets", &["a", "bc"]).token(&["x"]);
        let own = scope.token(&["x"]);
        let cut = &own[..own.len() - 1];
        let long = "A".repeat(MAX_TOKEN + 1);
        for bad in [token.as_str(), cut, "%%%", "AA", long.as_str()] {
            let error = scope.key::<1>(bad).unwrap_err();
            assert_eq!(error.reason(), ErrorReason::InvalidPageToken, "{bad}");
            let Kind::Invalid(fields) = error.kind() else {
                panic!("{error:?}")
            };
            assert_eq!(fields[0].field, "page_token");
        }
        assert!(scope.key::<2>(&own).is_err(), "wrong number of parts");
    }

    #[test]
    fn page_size_has_a_default_and_a_ceiling() {
        assert_eq!(size(0, 50, 1000).unwrap(), 50);
        assert_eq!(size(7, 50, 1000).unwrap(), 7);
        assert_eq!(size(5000, 50, 1000).unwrap(), 1000);
        assert!(size(-1, 50, 1000).is_err());
    }
}
