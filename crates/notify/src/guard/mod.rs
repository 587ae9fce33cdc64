//! Keeps notices away from the inside: nobody who may write a target may thereby speak to a database,
//! a metadata service or a neighbour that trusts this network.
//!
//! A name is resolved here, each address is judged, and the connection goes to exactly the address
//! that was judged: a name that answers differently the second time is never asked a second time.

mod address;
mod network;
mod resolve;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use url::Host;

pub use network::{InvalidNetwork, Network};
pub use resolve::{Resolve, SystemNames};

use crate::Failure;
use address::{seen_as, special};

/// Ports below 1024 that HTTP is spoken on.
pub(crate) const HTTP_PORTS: [u16; 2] = [80, 443];
/// Ports below 1024 that mail is given in on.
pub(crate) const SMTP_PORTS: [u16; 3] = [25, 465, 587];

/// What may be spoken to.
#[derive(Clone)]
pub struct Guard {
    allowed: Vec<Network>,
    names: Arc<dyn Resolve>,
}

impl Guard {
    /// Lets pass what is global, and what is in one of the `allowed` networks.
    pub fn new(allowed: Vec<Network>, names: Arc<dyn Resolve>) -> Self {
        Self { allowed, names }
    }

    /// Whether an address may be spoken to.
    ///
    /// # Errors
    /// Says what kind of address it is.
    pub fn check_address(&self, address: IpAddr) -> Result<(), &'static str> {
        let seen = seen_as(address);
        let allowed = self.allowed.iter().any(|network| network.contains(seen));
        match special(seen) {
            Some(what) if !allowed => Err(what),
            _ => Ok(()),
        }
    }

    /// Whether `host`, as far as it says by itself, may be spoken to: an address, in whatever
    /// spelling, or a name of this machine. What other names stand for shows when connecting.
    ///
    /// # Errors
    /// Says what kind of host it is.
    pub fn check_host(&self, host: &str) -> Result<(), &'static str> {
        match literal(host) {
            Some(address) => self.check_address(address),
            None if is_local_name(host) => {
                let loopback = [IpAddr::from([127, 0, 0, 1]), IpAddr::from(LOOPBACK_6)];
                let allowed = loopback.map(|address| self.check_address(address));
                allowed
                    .into_iter()
                    .find(Result::is_ok)
                    .unwrap_or(allowed[0])
            }
            None => Ok(()),
        }
    }

    /// Connects to `host`, each attempt within `patience`, unless all its addresses are refused. No
    /// failure tells an address: whoever may write a target could look up names inside with it.
    pub(crate) async fn connect(
        &self,
        host: &str,
        port: u16,
        patience: Duration,
    ) -> Result<TcpStream, Failure> {
        let addresses = match literal(host) {
            Some(address) => vec![address],
            None => self.names.resolve(host).await.map_err(|error| {
                Failure::passing("unresolved", format!("{host} has no address: {error}"))
            })?,
        };
        // What was allowed and could not be reached is more useful to tell than what was refused.
        let (mut tried, mut refused) = (None, None);
        for address in addresses {
            if let Err(what) = self.check_address(address) {
                refused = Some(Failure::permanent(
                    "refused_address",
                    format!("{host} is at {what}; no notice is sent there"),
                ));
                continue;
            }
            let place = SocketAddr::new(address, port);
            match tokio::time::timeout(patience, TcpStream::connect(place)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => {
                    let text = format!("{host}, port {port}: {error}");
                    tried = Some(Failure::passing("connect", text));
                }
                Err(_) => {
                    let text = format!("{host}, port {port}: no connection within {patience:?}");
                    tried = Some(Failure::passing("connect_timeout", text));
                }
            }
        }
        let nothing = || Failure::passing("unresolved", format!("{host} has no address"));
        Err(tried.or(refused).unwrap_or_else(nothing))
    }
}

const LOOPBACK_6: [u16; 8] = [0, 0, 0, 0, 0, 0, 0, 1];

/// Whether a port may be spoken to: those from 1024, and those below that are for it.
pub(crate) fn is_good_port(port: u16, own: &[u16]) -> bool {
    port >= 1024 || own.contains(&port)
}

/// The address that `host` is, in any of the spellings that people and attackers use.
fn literal(host: &str) -> Option<IpAddr> {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if let Ok(address) = bare.unwrap_or(host).parse() {
        return Some(address);
    }
    match Host::parse(host) {
        Ok(Host::Ipv4(address)) => Some(address.into()),
        Ok(Host::Ipv6(address)) => Some(address.into()),
        Ok(Host::Domain(_)) | Err(_) => None,
    }
}

/// Whether it is a name that means this machine (RFC 6761, section 6.3).
fn is_local_name(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(allowed: &[&str]) -> Guard {
        let allowed = allowed.iter().map(|text| text.parse().unwrap()).collect();
        Guard::new(allowed, Arc::new(SystemNames))
    }

    #[test]
    fn odd_spellings_of_inside_addresses_are_refused() {
        let guard = guard(&[]);
        for inside in [
            "127.0.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "127.1",
            "0",
            "0.0.0.0",
            "169.254.169.254",
            "2852039166",
            "[::1]",
            "::1",
            "[::ffff:10.0.0.1]",
            "[::ffff:a00:1]",
            "[64:ff9b::169.254.169.254]",
            "[fd00:ec2::254]",
            "localhost",
            "LOCALHOST.",
            "metadata.localhost",
            "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
            "127\u{3002}0\u{3002}0\u{3002}1",
        ] {
            assert!(guard.check_host(inside).is_err(), "{inside}");
        }
        for outside in [
            "93.184.215.14",
            "example.org",
            "[2606:4700::1111]",
            "localhost.example",
        ] {
            assert_eq!(guard.check_host(outside), Ok(()), "{outside}");
        }
    }

    #[test]
    fn an_operator_allows_networks_and_nothing_beside_them() {
        let guard = guard(&["10.1.0.0/16", "::1"]);
        for good in ["10.1.2.3", "[::ffff:10.1.2.3]", "::1", "localhost"] {
            assert_eq!(guard.check_host(good), Ok(()), "{good}");
        }
        for bad in ["10.2.0.1", "127.0.0.1", "169.254.169.254"] {
            assert!(guard.check_host(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ports_of_other_protocols_are_no_ports_for_notices() {
        for (port, own, good) in [
            (443, &HTTP_PORTS[..], true),
            (8_443, &HTTP_PORTS[..], true),
            (22, &HTTP_PORTS[..], false),
            (25, &HTTP_PORTS[..], false),
            (0, &HTTP_PORTS[..], false),
            (25, &SMTP_PORTS[..], true),
            (2_525, &SMTP_PORTS[..], true),
            (80, &SMTP_PORTS[..], false),
        ] {
            assert_eq!(is_good_port(port, own), good, "{port}");
        }
    }
}
