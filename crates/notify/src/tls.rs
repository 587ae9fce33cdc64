//! Who is believed about who a receiver is.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, TrustAnchor};
use rustls::{ClientConfig, RootCertStore};

/// Authorities that are trusted besides the public ones; none by default.
#[derive(Clone, Debug, Default)]
pub struct Authorities(Vec<TrustAnchor<'static>>);

/// Why a file of authorities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidAuthorities {
    /// It is not PEM.
    #[error("it cannot be read as PEM: {0}")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// One of its certificates cannot be used.
    #[error("a certificate cannot be used: {0}")]
    Certificate(#[from] rustls::Error),
    /// There is none in it.
    #[error("there is no certificate in it")]
    Empty,
}

impl Authorities {
    /// Those in a PEM file.
    ///
    /// # Errors
    /// When it holds none, or something that is none.
    pub fn of_pem(pem: &[u8]) -> Result<Self, InvalidAuthorities> {
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            store.add(certificate?)?;
        }
        if store.is_empty() {
            return Err(InvalidAuthorities::Empty);
        }
        Ok(Self(store.roots))
    }

    /// TLS that believes them and the public ones.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        roots.extend(self.0.iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions();
        builder
            .expect("versions") // invariant: ring speaks TLS 1.2 and 1.3
            .with_root_certificates(roots)
            .with_no_client_auth()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_authorities_is_refused() {
        for (pem, empty) in [
            ("", true),
            ("no certificate", true),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                false,
            ),
        ] {
            let refused = Authorities::of_pem(pem.as_bytes()).err().unwrap();
            assert_eq!(matches!(refused, InvalidAuthorities::Empty), empty, "{pem}");
        }
    }
}
