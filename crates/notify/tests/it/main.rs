//! What receivers see: real HTTP and SMTP servers, each a process of its own.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod chats;
mod inside;
mod mails;
mod names;
mod webhooks;

use std::collections::BTreeMap;
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_notify::{Action, Authorities, Config, Notice, Sender, Severity, Target, Webhook};
use lotse_testkit::{RECEIVERS_AUTHORITY, Receiver};
use serde_json::Value;

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// May speak to this machine, believes the tests' authority, and is impatient.
pub(crate) fn config() -> Config {
    Config {
        allow_internal: vec!["127.0.0.1".parse().unwrap()],
        connect_timeout: Duration::from_secs(5),
        timeout: Duration::from_secs(10),
        authorities: Authorities::of_pem(RECEIVERS_AUTHORITY.as_bytes()).unwrap(),
    }
}

/// Gives up soon: for receivers that never answer.
pub(crate) fn impatient() -> Sender {
    Sender::new(Config {
        timeout: Duration::from_millis(300),
        ..config()
    })
}

pub(crate) fn notice() -> Notice {
    Notice {
        id: "dlv_01h455vb4pex5vsknk084sn02q".to_owned(),
        at: Timestamp::from_millis(1_772_442_000_000),
        kind: "alert.notified".to_owned(),
        action: Action::Trigger,
        subject_key: "alr_01h455vb4pex5vsknk084sn02q".to_owned(),
        severity: Severity::Warning,
        title: "Untouched for two hours: T\u{fc}r & <Tor>".to_owned(),
        text: "Please look after it.\n.\n.hidden\nThank you \u{1f642}".to_owned(),
        facts: BTreeMap::from([("ticket".to_owned(), "tkt_1".to_owned())]),
        recipients: Vec::new(),
    }
}

pub(crate) fn webhook(url: &str, secrets: &[&str]) -> Target {
    Target::Webhook(Webhook {
        url: url.parse().unwrap(),
        secrets: secrets.iter().map(|text| text.parse().unwrap()).collect(),
    })
}

/// What a receiver got.
pub(crate) fn received(receiver: &Receiver) -> Vec<Value> {
    let lines = receiver.received();
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
