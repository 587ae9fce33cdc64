//! How the service behaves.

use std::time::Duration;

use lotse_notify::{Authorities, Network, Secret, Sender};
use serde::{Deserialize, Deserializer};

use crate::domain::Retry;
use crate::vault::Vault;

/// Bytes of a key at least.
const KEY: usize = 32;

/// How the service behaves. Policies, calendars and targets are data.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How notices are sent.
    pub notifications: Notifications,
}

/// How notices are sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notifications {
    /// Networks inside that notices may be sent to.
    #[serde(deserialize_with = "networks")]
    pub allow_internal: Vec<Network>,
    /// A PEM file with authorities that are trusted besides the public ones; empty for none.
    pub ca_file: String,
    /// Seconds for reaching an address.
    pub connect_timeout_seconds: u64,
    /// Seconds for an attempt.
    pub timeout_seconds: u64,
    /// Attempts at once, of one process.
    pub at_once: usize,
    /// Attempts at once to one target, of one process.
    pub per_target: usize,
    /// Seconds between the first two attempts.
    pub retry_first_seconds: u64,
    /// Seconds between two attempts at most.
    pub retry_longest_seconds: u64,
    /// Seconds after which a notice is given up.
    pub give_up_after_seconds: u64,
    /// Seconds for which what was delivered is kept.
    pub keep_delivered_seconds: u64,
    /// Seconds for which dead letters are kept.
    pub keep_dead_seconds: u64,
    /// What secrets are sealed with at rest; empty: they are not.
    pub secret_key: Secret,
    /// The key before a change.
    pub previous_secret_key: Secret,
}

impl Default for Notifications {
    fn default() -> Self {
        Self {
            allow_internal: Vec::new(),
            ca_file: String::new(),
            connect_timeout_seconds: 5,
            timeout_seconds: 15,
            at_once: 64,
            per_target: 4,
            retry_first_seconds: 5,
            retry_longest_seconds: 3_600,
            give_up_after_seconds: 86_400,
            keep_delivered_seconds: 7 * 86_400,
            keep_dead_seconds: 90 * 86_400,
            secret_key: Secret::default(),
            previous_secret_key: Secret::default(),
        }
    }
}

impl Config {
    /// Every problem of the configuration, with the key it is under; empty when it is sound.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let wanted = &self.notifications;
        let mut problems = Vec::new();
        let mut require = |holds: bool, key, problem: &str| {
            if !holds {
                problems.push((key, problem.to_owned()));
            }
        };
        for (key, seconds, longest) in [
            (
                "connect_timeout_seconds",
                wanted.connect_timeout_seconds,
                60,
            ),
            ("timeout_seconds", wanted.timeout_seconds, 120),
            ("retry_first_seconds", wanted.retry_first_seconds, 3_600),
            (
                "retry_longest_seconds",
                wanted.retry_longest_seconds,
                86_400,
            ),
            (
                "give_up_after_seconds",
                wanted.give_up_after_seconds,
                30 * 86_400,
            ),
            (
                "keep_delivered_seconds",
                wanted.keep_delivered_seconds,
                365 * 86_400,
            ),
            ("keep_dead_seconds", wanted.keep_dead_seconds, 365 * 86_400),
        ] {
            let holds = (1..=longest).contains(&seconds);
            require(holds, key, &format!("must be between 1 and {longest}"));
        }
        for (key, number) in [
            ("at_once", wanted.at_once),
            ("per_target", wanted.per_target),
        ] {
            require(
                (1..=1_000).contains(&number),
                key,
                "must be between 1 and 1000",
            );
        }
        for (key, secret) in [
            ("secret_key", &wanted.secret_key),
            ("previous_secret_key", &wanted.previous_secret_key),
        ] {
            let length = secret.expose().len();
            let holds = length == 0 || length >= KEY;
            require(holds, key, "must be empty or at least 32 bytes");
        }
        if let Err(problem) = wanted.authorities() {
            problems.push(("ca_file", problem));
        }
        problems
    }
}

impl Notifications {
    /// What sends.
    pub fn sender(&self) -> Sender {
        let authorities = self.authorities().unwrap_or_else(|problem| {
            // Was found good when the settings were read, and the file has gone since. What trusts
            // only the public authorities can be reached all the same.
            tracing::error!(problem, "sla.notifications.ca_file cannot be read");
            Authorities::default()
        });
        Sender::new(lotse_notify::Config {
            allow_internal: self.allow_internal.clone(),
            connect_timeout: Duration::from_secs(self.connect_timeout_seconds),
            timeout: Duration::from_secs(self.timeout_seconds),
            authorities,
        })
    }

    /// Who vouches for receivers besides the public authorities.
    fn authorities(&self) -> Result<Authorities, String> {
        let file = self.ca_file.as_str();
        if file.is_empty() {
            return Ok(Authorities::default());
        }
        let pem = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
        Authorities::of_pem(&pem).map_err(|error| format!("{file}: {error}"))
    }

    /// What keeps secrets at rest.
    pub fn vault(&self) -> Vault {
        Vault::new(&self.secret_key, &self.previous_secret_key)
    }

    /// How attempts follow each other.
    pub fn retry(&self) -> Retry {
        Retry {
            first: Duration::from_secs(self.retry_first_seconds),
            longest: Duration::from_secs(self.retry_longest_seconds),
            give_up_after: Duration::from_secs(self.give_up_after_seconds),
        }
    }
}

/// A list of networks, or one text with commas between them, as an environment variable has it.
fn networks<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Network>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        List(Vec<String>),
        Text(String),
    }
    let texts = match Given::deserialize(from)? {
        Given::List(texts) => texts,
        Given::Text(text) => text.split(',').map(str::to_owned).collect(),
    };
    let texts = texts
        .iter()
        .map(|text| text.trim())
        .filter(|text| !text.is_empty());
    texts
        .map(|text| text.parse().map_err(serde::de::Error::custom))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Notifications, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn networks_are_a_list_or_a_text_with_commas() {
        let list = read(r#"{"allow_internal": ["10.1.0.0/16", "::1"]}"#).unwrap();
        let text = read(r#"{"allow_internal": "10.1.0.0/16, ::1"}"#).unwrap();
        assert_eq!(list.allow_internal, text.allow_internal);
        assert_eq!(list.allow_internal.len(), 2);
        assert!(
            read(r#"{"allow_internal": ""}"#)
                .unwrap()
                .allow_internal
                .is_empty()
        );
        assert!(read(r#"{"allow_internal": ["10.1.2.3/16"]}"#).is_err());
    }

    #[test]
    fn every_problem_is_named_by_its_key() {
        assert_eq!(Config::default().problems(), []);
        let bad = Config {
            notifications: Notifications {
                timeout_seconds: 0,
                per_target: 0,
                ca_file: "/nowhere/ca.pem".to_owned(),
                secret_key: Secret::new("hush"),
                ..Notifications::default()
            },
        };
        let problems = bad.problems();
        let keys: Vec<_> = problems.iter().map(|(key, _)| *key).collect();
        assert_eq!(
            keys,
            ["timeout_seconds", "per_target", "secret_key", "ca_file"]
        );
        assert!(!format!("{bad:?}{problems:?}").contains("hush"));
    }
}
