//! How the gateway behaves.

use http::HeaderValue;
use jiff::tz::TimeZone;
use serde::Deserialize;

/// Settings of the section `[gateway]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Web pages that may post answers by script, as in `https://shop.example`. None by default.
    pub cors_origins: Vec<Origin>,
    /// Proxies in front of the public listener that each append to `X-Forwarded-For`; 0 takes the
    /// address of the connection. Too high a number lets callers make up their address.
    pub trusted_proxies: usize,
    /// Requests a minute from one address (IPv6: from one /64) on the public listener.
    pub requests_per_address: u32,
    /// Requests a minute for one survey link.
    pub requests_per_link: u32,
    /// Requests worked on at once on each listener; more are refused.
    pub max_concurrent_requests: usize,
    /// Seconds in which a request must be read and the answer begin.
    pub request_timeout_seconds: u64,
    /// Browsers that may watch the console at once.
    pub max_viewers: usize,
    /// The IANA time zone whose midnight begins the console's "today", and whose time it shows.
    pub time_zone: Zone,
    /// Minutes without a human's action after which a ticket is red on the console, where no SLA
    /// policy has a target for idle time.
    pub idle_red_minutes: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cors_origins: Vec::new(),
            trusted_proxies: 0,
            requests_per_address: 120,
            requests_per_link: 30,
            max_concurrent_requests: 256,
            request_timeout_seconds: 15,
            max_viewers: 64,
            time_zone: Zone("UTC".to_owned()),
            idle_red_minutes: 120,
        }
    }
}

/// The origin of a web page: scheme, host and port, nothing more.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(HeaderValue);

impl Origin {
    /// As browsers send it.
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no origin such as https://shop.example");
        let uri: http::Uri = text.parse().map_err(|_| wrong())?;
        let (scheme, authority) = (uri.scheme_str(), uri.authority());
        let (Some(scheme @ ("http" | "https")), Some(authority)) = (scheme, authority) else {
            return Err(wrong());
        };
        // Browsers compare byte by byte, so nothing else than what they send will do.
        if text != format!("{scheme}://{authority}").to_ascii_lowercase() {
            return Err(wrong());
        }
        HeaderValue::from_str(&text).map(Self).map_err(|_| wrong())
    }
}

/// A time zone that exists.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Zone(String);

impl Zone {
    /// Its IANA name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match TimeZone::get(&name) {
            Ok(_) => Ok(Self(name)),
            Err(_) => Err(format!(
                "{name:?} is no IANA time zone such as Europe/Berlin"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_origins_with_paths_and_unknown_zones_are_refused() {
        let read = serde_json::from_str::<Config>;
        for bad in [
            r#"{"cors_origin": []}"#,
            r#"{"cors_origins": ["https://shop.example/"]}"#,
            r#"{"cors_origins": ["https://Shop.example"]}"#,
            r#"{"cors_origins": ["*"]}"#,
            r#"{"cors_origins": ["ftp://shop.example"]}"#,
            r#"{"time_zone": "Europe/Bonn"}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let good =
            r#"{"cors_origins": ["https://shop.example:8443"], "time_zone": "Europe/Berlin"}"#;
        let config = read(good).unwrap();
        assert_eq!(config.cors_origins[0].header(), "https://shop.example:8443");
        assert_eq!(config.time_zone.name(), "Europe/Berlin");
    }
}
