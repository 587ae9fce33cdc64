//! The keys that sign survey links, where a cluster's secret does not give them.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use lotse_survey::{KeyError, LinkKey, LinkKeys};
use sha2::{Digest as _, Sha256};

const NAME: &str = "survey-link.key";
const BYTES: usize = 32;

/// The key of a data folder; made, readable by its owner alone, when it is missing.
pub(crate) fn of_folder(folder: &Path) -> Result<LinkKeys> {
    let path = folder.join(NAME);
    let told = || format!("the key file {}", path.display());
    let mut options = OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => {
            let fresh: [u8; BYTES] = rand::random();
            file.write_all(&fresh)
                .and_then(|()| file.sync_all())
                .with_context(told)?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).with_context(told),
    }
    keys(fs::read(&path).with_context(told)?).with_context(told)
}

/// A key that nobody keeps.
pub(crate) fn throwaway() -> Result<LinkKeys> {
    keys(rand::random::<[u8; BYTES]>().to_vec())
}

/// The keys of a cluster: the first secret signs, links of the others still work. Empty ones are
/// left out.
pub(crate) fn of_secrets<const N: usize>(secrets: [&[u8]; N]) -> Result<LinkKeys, KeyError> {
    let given = secrets.into_iter().filter(|secret| !secret.is_empty());
    LinkKeys::new(given.map(key).collect())
}

fn keys(secret: Vec<u8>) -> Result<LinkKeys> {
    Ok(LinkKeys::new(vec![key(&secret)])?)
}

/// A key is named by its fingerprint, so that a rotation needs no book-keeping.
fn key(secret: &[u8]) -> LinkKey {
    let digest = Sha256::digest(secret);
    LinkKey {
        id: digest
            .iter()
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect(),
        secret: secret.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use lotse_clock::Timestamp;
    use lotse_ids::InvitationId;

    use super::*;

    #[test]
    fn a_folder_keeps_its_key_to_itself() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let invitation = InvitationId::generate(Timestamp::EPOCH);
        let token = of_folder(folder.path()).unwrap().token(&invitation);
        assert_eq!(of_folder(folder.path()).unwrap().token(&invitation), token);
        let mode = fs::metadata(folder.path().join(NAME))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0);
        assert_ne!(throwaway().unwrap().token(&invitation), token);
    }

    #[test]
    fn a_damaged_key_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), b"short").unwrap();
        let error = format!("{:#}", of_folder(folder.path()).err().unwrap());
        assert!(
            error.contains(NAME) && error.contains("32 bytes"),
            "{error}"
        );
    }
}
