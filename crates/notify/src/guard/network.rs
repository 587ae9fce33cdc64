//! Networks, as an operator writes them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::Deserialize;

/// A block of addresses, as in `10.1.0.0/16`; an address alone is a block of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    base: IpAddr,
    length: u8,
}

/// A text that is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no network such as 10.1.0.0/16 or fd12::/32, without bits beyond its length")]
pub struct InvalidNetwork(String);

impl Network {
    /// Whether `address` is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let length = u32::from(self.length);
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                (u32::from(base) ^ u32::from(address)).leading_zeros() >= length
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                (u128::from(base) ^ u128::from(address)).leading_zeros() >= length
            }
            _ => false,
        }
    }

    /// Whether no bit of the base lies beyond the length: `10.1.2.3/16` is more likely a mistake.
    fn is_exact(&self) -> bool {
        let length = u32::from(self.length);
        match self.base {
            IpAddr::V4(base) => u32::from(base).checked_shl(length).unwrap_or(0) == 0,
            IpAddr::V6(base) => u128::from(base).checked_shl(length).unwrap_or(0) == 0,
        }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = || InvalidNetwork(text.chars().take(64).collect());
        let (base, length) = text.split_once('/').unzip();
        let base: IpAddr = base.unwrap_or(text).parse().map_err(|_| invalid())?;
        let longest = if base.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(longest), str::parse);
        let length = length.ok().filter(|length| *length <= longest);
        let network = Self {
            base,
            length: length.ok_or_else(invalid)?,
        };
        if network.is_exact() {
            Ok(network)
        } else {
            Err(invalid())
        }
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;

    fn try_from(text: String) -> Result<Self, InvalidNetwork> {
        text.parse()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses_and_no_others() {
        for (network, within, beside) in [
            ("10.1.0.0/16", "10.1.255.255", "10.2.0.0"),
            ("192.168.7.1", "192.168.7.1", "192.168.7.2"),
            ("0.0.0.0/0", "203.0.113.1", "::1"),
            ("fd12::/32", "fd12::1", "fd13::1"),
            ("::1/128", "::1", "127.0.0.1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(within.parse().unwrap()), "{network}");
            assert!(!network.contains(beside.parse().unwrap()), "{network}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for bad in [
            "",
            "10.1",
            "10.1.2.3/16",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "fd12::/129",
            "/8",
        ] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
