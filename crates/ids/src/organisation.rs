//! Organisations, by a key instead of a name: names stay with the service that was told them, and
//! the journal carries only what two who know the name can compare.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The key of an organisation's name, `org_` and 32 hexadecimal digits: the same for names that
/// differ only in case and outer spaces. Empty for an empty name.
///
/// It hides nothing from somebody who can guess the name; it keeps names out of places where they
/// do not belong.
pub fn key(name: &str) -> String {
    let name = name.trim().to_lowercase();
    if name.is_empty() {
        return String::new();
    }
    let digest = Sha256::digest(name.as_bytes());
    let mut key = "org_".to_owned();
    for byte in &digest[..16] {
        // Writing into a string does not fail.
        let _ = write!(key, "{byte:02x}");
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_for_the_name_without_its_case() {
        assert_eq!(key("Harbour Ltd"), key(" HARBOUR ltd "));
        assert_ne!(key("Harbour Ltd"), key("Harbour Inc"));
        assert_eq!(key("Harbour Ltd").len(), 36);
        assert_eq!(key("  "), "");
        // Stored in journals, so it must never change.
        assert_eq!(key("example"), "org_50d858e0985ecc7f60418aaf0cc5ab58");
    }
}
