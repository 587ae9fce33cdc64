//! Whose request it is, as far as the network tells.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{HeaderMap, HeaderName};

/// What requests are counted by: an IPv4 address, or the 64 bits of an IPv6 address that one
/// subscriber usually has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Subscriber {
    V4(Ipv4Addr),
    V6([u16; 4]),
}

impl From<IpAddr> for Subscriber {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

/// The sender of a request that came through so many `proxies`, each of which appended the address
/// it saw to `X-Forwarded-For`. What stands further left was written by the sender and says
/// nothing.
pub(super) fn of(
    headers: &HeaderMap,
    connected: Option<&ConnectInfo<SocketAddr>>,
    proxies: usize,
) -> Subscriber {
    let peer = connected.map_or(Ipv4Addr::UNSPECIFIED.into(), |info| info.0.ip());
    let forwarded = headers.get_all(HeaderName::from_static("x-forwarded-for"));
    let listed: Vec<&str> = forwarded
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let seen = match proxies {
        0 => None,
        proxies => listed.iter().rev().nth(proxies - 1),
    };
    let address = seen.and_then(|text| parse(text.trim())).unwrap_or(peer);
    address.into()
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`.
fn parse(text: &str) -> Option<IpAddr> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn sender(forwarded: &'static str, proxies: usize) -> Subscriber {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static(forwarded));
        let peer = ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 5)));
        of(&headers, Some(&peer), proxies)
    }

    fn subscriber(address: &str) -> Subscriber {
        address.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        let made_up = "198.51.100.1, 192.0.2.7:99, 10.0.0.9";
        assert_eq!(sender(made_up, 0), subscriber("10.0.0.1"));
        assert_eq!(sender(made_up, 1), subscriber("10.0.0.9"));
        assert_eq!(sender(made_up, 2), subscriber("192.0.2.7"));
        assert_eq!(sender(made_up, 4), subscriber("10.0.0.1"));
        assert_eq!(sender("unknown", 1), subscriber("10.0.0.1"));
    }

    #[test]
    fn addresses_of_one_ipv6_subscriber_count_together() {
        assert_eq!(sender("[2001:db8::1]:80", 1), subscriber("2001:db8::ffff"));
        assert_ne!(subscriber("2001:db8:0:1::1"), subscriber("2001:db8::1"));
        assert_eq!(subscriber("::ffff:192.0.2.1"), subscriber("192.0.2.1"));
    }
}
