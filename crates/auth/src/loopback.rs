//! Without authentication: loopback only, and only for callers that mean it.
//!
//! A web page in somebody's browser can reach `127.0.0.1` too, by its own script or by pointing a
//! name of its own at that address (DNS rebinding). Both betray themselves: by `Origin`, and by the
//! host name they ask for.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, header};
use lotse_errors::Error;

use crate::Authenticator;

/// A server without authentication was about to listen for others than this machine.
#[derive(Debug, thiserror::Error)]
#[error(
    "will not listen on {0} without authentication: set auth.jwks_file or auth.jwks_url, or listen \
     on a loopback address such as 127.0.0.1"
)]
pub struct OpenToAll(pub SocketAddr);

/// Refuses to listen on `address` unless callers are authenticated or it is loopback.
///
/// # Errors
/// In words for the operator.
pub fn require_auth_or_loopback(
    address: SocketAddr,
    auth: &Authenticator,
) -> Result<(), OpenToAll> {
    let closed = !auth.is_local() || address.ip().to_canonical().is_loopback();
    if closed {
        Ok(())
    } else {
        Err(OpenToAll(address))
    }
}

/// Checks that a caller without a token addresses this machine by a loopback name, and is no web
/// page from elsewhere.
///
/// `authority` is `:authority` or `Host`; it is absent for calls within the process only, as both
/// HTTP/1.1 and every gRPC client send one.
///
/// # Errors
/// UNAUTHENTICATED.
pub fn check_loopback(authority: Option<&str>, headers: &HeaderMap) -> Result<(), Error> {
    let host = authority.is_none_or(is_loopback);
    let origins = headers.get_all(header::ORIGIN);
    let origin = origins.iter().all(|origin| {
        let origin = origin
            .to_str()
            .ok()
            .and_then(|origin| origin.split_once("://"));
        origin.is_some_and(|(_scheme, authority)| is_loopback(authority))
    });
    if host && origin {
        return Ok(());
    }
    Err(Error::unauthenticated(
        "without authentication only calls to a loopback name are answered",
    ))
}

/// `localhost`, `127.0.0.1:50051`, `[::1]:50051`.
fn is_loopback(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<http::uri::Authority>() else {
        return false;
    };
    if authority.as_str().contains('@') {
        return false;
    }
    let host = authority.host();
    let address = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn without_authentication_only_loopback_may_be_bound() {
        let auth = Authenticator::local();
        for open in ["0.0.0.0:1", "[::]:1", "192.168.1.4:1", "10.0.0.1:1"] {
            let address = open.parse().unwrap();
            let error = require_auth_or_loopback(address, &auth).unwrap_err();
            assert!(error.to_string().contains("auth.jwks_file"), "{error}");
        }
        for closed in [
            "127.0.0.1:1",
            "127.8.0.1:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(
                require_auth_or_loopback(closed.parse().unwrap(), &auth).is_ok(),
                "{closed}"
            );
        }
    }

    #[test]
    fn rebound_names_and_foreign_pages_are_refused() {
        let none = HeaderMap::new();
        for good in [
            "localhost:50051",
            "LOCALHOST",
            "127.0.0.1:50051",
            "[::1]:50051",
            "[::1]",
        ] {
            assert!(check_loopback(Some(good), &none).is_ok(), "{good}");
        }
        assert!(check_loopback(None, &none).is_ok());
        for bad in [
            "evil.example:50051",
            "127.0.0.1.evil.example",
            "a@localhost",
            "10.0.0.1",
            "",
        ] {
            assert!(check_loopback(Some(bad), &none).is_err(), "{bad}");
        }
        for (origin, good) in [
            ("http://localhost:8080", true),
            ("http://127.0.0.1:8080", true),
            ("https://evil.example", false),
            ("null", false),
            ("http://localhost.evil.example", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            assert_eq!(
                check_loopback(Some("localhost"), &headers).is_ok(),
                good,
                "{origin}"
            );
        }
    }
}
