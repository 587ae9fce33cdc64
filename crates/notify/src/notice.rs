//! What is told.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use serde::{Deserialize, Serialize};

/// Something to tell, in a form that every kind of target can bring across. Also the stored form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What the receiver knows it by, however often it comes: a prefixed id without spaces.
    pub id: String,
    /// When it was made.
    #[serde(with = "millis")]
    pub at: Timestamp,
    /// What it says happened, such as `alert.notified`: the `type` of a webhook.
    pub kind: String,
    /// What is to become of the incident.
    pub action: Action,
    /// What it is about: notices with the same key belong to the same incident.
    pub subject_key: String,
    /// How bad it is.
    pub severity: Severity,
    /// One line for people.
    pub title: String,
    /// All of it for people; may have several lines.
    pub text: String,
    /// For programs, and for people as a list.
    pub facts: BTreeMap<String, String>,
    /// Mail addresses of those it is for; only mail uses them.
    pub recipients: Vec<String>,
}

/// What is to become of the incident that a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is opened, or goes on.
    Trigger,
    /// Somebody looks after it.
    Acknowledge,
    /// It is over.
    Resolve,
}

/// How bad it is, in PagerDuty's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A promise is broken.
    Critical,
    /// Something failed.
    Error,
    /// A promise is in danger.
    Warning,
    /// For information.
    Info,
}

impl Action {
    /// As PagerDuty and webhooks write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        }
    }
}

impl Severity {
    /// As PagerDuty and webhooks write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl Notice {
    /// When it was made, as RFC 3339 has it.
    pub(crate) fn at_text(&self) -> String {
        let at = jiff::Timestamp::from_millisecond(self.at.as_millis());
        at.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
    }
}

/// A timestamp as milliseconds since the epoch.
mod millis {
    use lotse_clock::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(at.as_millis())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(from).map(Timestamp::from_millis)
    }
}

#[cfg(test)]
pub(crate) fn example() -> Notice {
    Notice {
        id: "dlv_01h455vb4pex5vsknk084sn02q".to_owned(),
        at: Timestamp::from_millis(1_772_442_000_000),
        kind: "alert.notified".to_owned(),
        action: Action::Trigger,
        subject_key: "alr_01h455vb4pex5vsknk084sn02q".to_owned(),
        severity: Severity::Warning,
        title: "Ticket 17 untouched for 2 h".to_owned(),
        text: "Nobody has looked at <17> & friends.\nPlease do.".to_owned(),
        facts: [("ticket".to_owned(), "tkt_1".to_owned())].into(),
        recipients: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_read_back_as_it_was_stored() {
        let notice = example();
        let stored = serde_json::to_string(&notice).unwrap();
        assert_eq!(serde_json::from_str::<Notice>(&stored).unwrap(), notice);
        assert_eq!(notice.at_text(), "2026-03-02T09:00:00Z");
    }
}
