//! Which addresses are not somewhere out there.
//!
//! IANA's registries of special-purpose addresses (IPv4 and IPv6) decide, read strictly: what is not
//! known to be ordinary global unicast is special.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Blocks of IPv4 that are not global, with what they are.
const V4: [(Ipv4Addr, u8, &str); 18] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "an address of this host"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "a private address"),
    (
        Ipv4Addr::new(100, 64, 0, 0),
        10,
        "a carrier's shared address",
    ),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "a loopback address"),
    // Not in the registry: what Azure's machines reach their host at.
    (Ipv4Addr::new(168, 63, 129, 16), 32, "a cloud's own address"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "a link-local address"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "a private address"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "an address for protocols"),
    (
        Ipv4Addr::new(192, 0, 2, 0),
        24,
        "an address for documentation",
    ),
    (
        Ipv4Addr::new(192, 31, 196, 0),
        24,
        "an anycast address for infrastructure",
    ),
    (
        Ipv4Addr::new(192, 52, 193, 0),
        24,
        "an anycast address for infrastructure",
    ),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "a relay's address"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "a private address"),
    (
        Ipv4Addr::new(198, 18, 0, 0),
        15,
        "an address for benchmarks",
    ),
    (
        Ipv4Addr::new(198, 51, 100, 0),
        24,
        "an address for documentation",
    ),
    (
        Ipv4Addr::new(203, 0, 113, 0),
        24,
        "an address for documentation",
    ),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "a multicast address"),
    // With 255.255.255.255, the broadcast address.
    (Ipv4Addr::new(240, 0, 0, 0), 4, "a reserved address"),
];

/// Blocks of IPv6 with a name; of what is left only 2000::/3 is global.
const V6: [(Ipv6Addr, u8, &str); 12] = [
    (Ipv6Addr::UNSPECIFIED, 128, "the unspecified address"),
    (Ipv6Addr::LOCALHOST, 128, "a loopback address"),
    (
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0),
        48,
        "a translator's local address",
    ),
    (
        Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0),
        64,
        "an address that discards",
    ),
    // Teredo, benchmarks, ORCHID and whatever else protocols were given.
    (
        Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0),
        23,
        "an address for protocols",
    ),
    (
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0),
        32,
        "an address for documentation",
    ),
    (
        Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0),
        48,
        "an anycast address for infrastructure",
    ),
    (
        Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0),
        20,
        "an address for documentation",
    ),
    (
        Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0),
        7,
        "a private address",
    ),
    (
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0),
        10,
        "a link-local address",
    ),
    (
        Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0),
        10,
        "a site-local address",
    ),
    (
        Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0),
        8,
        "a multicast address",
    ),
];

/// The address that is spoken to in the end: one of IPv4 within one of IPv6 is unpacked.
pub(super) fn seen_as(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else {
        return address;
    };
    match six.segments() {
        // ::ffff:0:0/96, mapped; 64:ff9b::/96, translated (NAT64).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        // 2002::/16, tunnelled (6to4).
        | [0x2002, high, low, ..] => IpAddr::V4(joined(high, low)),
        _ => address,
    }
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}

/// What kind of address it is when it is not somewhere out there.
pub(super) fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(four) => {
            let bits = u32::from(four);
            let within = |block: &&(Ipv4Addr, u8, &str)| {
                let (base, length, _) = **block;
                (bits ^ u32::from(base)).leading_zeros() >= u32::from(length)
            };
            V4.iter().find(within).map(|(_, _, what)| *what)
        }
        IpAddr::V6(six) => {
            let bits = u128::from(six);
            let within = |block: &&(Ipv6Addr, u8, &str)| {
                let (base, length, _) = **block;
                (bits ^ u128::from(base)).leading_zeros() >= u32::from(length)
            };
            let named = V6.iter().find(within).map(|(_, _, what)| *what);
            let global = six.segments()[0] & 0xe000 == 0x2000;
            named.or((!global).then_some("not a global address"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_out_there_are_told_from_those_that_are() {
        for (address, what) in [
            ("0.0.0.0", "an address of this host"),
            ("0.1.2.3", "an address of this host"),
            ("10.0.0.0", "a private address"),
            ("10.255.255.255", "a private address"),
            ("100.64.0.1", "a carrier's shared address"),
            ("100.100.100.200", "a carrier's shared address"),
            ("127.255.255.254", "a loopback address"),
            ("168.63.129.16", "a cloud's own address"),
            ("169.254.169.254", "a link-local address"),
            ("172.16.0.1", "a private address"),
            ("172.31.255.255", "a private address"),
            ("192.0.0.1", "an address for protocols"),
            ("192.0.2.1", "an address for documentation"),
            ("192.88.99.1", "a relay's address"),
            ("192.168.1.1", "a private address"),
            ("198.19.255.255", "an address for benchmarks"),
            ("198.51.100.7", "an address for documentation"),
            ("203.0.113.7", "an address for documentation"),
            ("224.0.0.1", "a multicast address"),
            ("239.255.255.255", "a multicast address"),
            ("240.0.0.1", "a reserved address"),
            ("255.255.255.255", "a reserved address"),
            ("::", "the unspecified address"),
            ("::1", "a loopback address"),
            ("::127.0.0.1", "not a global address"),
            ("::ffff:127.0.0.1", "a loopback address"),
            ("::ffff:169.254.169.254", "a link-local address"),
            ("::ffff:0:127.0.0.1", "not a global address"),
            ("64:ff9b::10.0.0.1", "a private address"),
            ("64:ff9b:1::8.8.8.8", "a translator's local address"),
            ("100::1", "an address that discards"),
            ("2001::1", "an address for protocols"),
            ("2001:0:a00:1::1", "an address for protocols"),
            ("2001:2::1", "an address for protocols"),
            ("2001:db8::1", "an address for documentation"),
            ("2002:7f00:1::1", "a loopback address"),
            ("2002:a9fe:a9fe::", "a link-local address"),
            ("3fff:fff::1", "an address for documentation"),
            ("4000::1", "not a global address"),
            ("5f00::1", "not a global address"),
            ("fc00::1", "a private address"),
            ("fd00:ec2::254", "a private address"),
            ("fe80::1", "a link-local address"),
            ("fec0::1", "a site-local address"),
            ("ff02::1", "a multicast address"),
        ] {
            let parsed: IpAddr = address.parse().unwrap();
            assert_eq!(special(seen_as(parsed)), Some(what), "{address}");
        }
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2002:808:808::1",
            "2606:4700::1111",
            "2a00:1450::1",
            "3ffe::1",
        ] {
            let parsed: IpAddr = address.parse().unwrap();
            assert_eq!(special(seen_as(parsed)), None, "{address}");
        }
    }
}
