//! Events for PagerDuty, Events API v2:
//! <https://developer.pagerduty.com/docs/send-alert-event>.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{Failure, Notice, PagerDuty, Sender};

/// Characters of a summary at most.
const SUMMARY: usize = 1_024;
/// Characters of a deduplication key at most.
const KEY: usize = 255;

pub(crate) async fn send(
    sender: &Sender,
    target: &PagerDuty,
    notice: &Notice,
) -> Result<(), Failure> {
    let body = body(target, notice).to_string().into_bytes();
    let answer = sender.post(&target.url, &[], body).await?;
    match answer.status {
        // What else is a success elsewhere was not said by PagerDuty.
        StatusCode::ACCEPTED => Ok(()),
        _ => Err(answer.failure()),
    }
}

fn body(target: &PagerDuty, notice: &Notice) -> Value {
    let mut details = serde_json::Map::new();
    for (name, fact) in &notice.facts {
        details.insert(name.clone(), fact.as_str().into());
    }
    details.insert("text".to_owned(), notice.text.as_str().into());
    details.insert("notice_id".to_owned(), notice.id.as_str().into());
    json!({
        "routing_key": target.routing_key.expose(),
        "event_action": notice.action.as_str(),
        "dedup_key": cut(&notice.subject_key, KEY),
        "payload": {
            "summary": cut(&notice.title, SUMMARY),
            "source": "lotse",
            "severity": notice.severity.as_str(),
            "timestamp": notice.at_text(),
            "class": notice.kind,
            "custom_details": details,
        },
    })
}

/// The first `count` characters.
fn cut(text: &str, count: usize) -> &str {
    let end = text.char_indices().nth(count).map(|(at, _)| at);
    text.get(..end.unwrap_or(text.len())).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use crate::notice::example;

    #[test]
    fn an_event_has_what_pagerduty_asks_for() {
        let target = PagerDuty {
            url: crate::PAGER_DUTY_URL.parse().unwrap(),
            routing_key: Secret::new("0123456789abcdef0123456789abcdef"),
        };
        let long = Notice {
            title: "\u{fc}".repeat(2_000),
            ..example()
        };
        let body = body(&target, &long);
        assert_eq!(body["routing_key"], "0123456789abcdef0123456789abcdef");
        assert_eq!(body["event_action"], "trigger");
        assert_eq!(body["dedup_key"], long.subject_key);
        let payload = &body["payload"];
        assert_eq!(payload["summary"].as_str().unwrap().chars().count(), 1_024);
        assert_eq!(payload["source"], "lotse");
        assert_eq!(payload["severity"], "warning");
        assert_eq!(payload["timestamp"], "2026-03-02T09:00:00Z");
        assert_eq!(payload["custom_details"]["ticket"], "tkt_1");
        assert_eq!(payload["custom_details"]["notice_id"], long.id);
        assert!(!format!("{target:?}").contains("0123456789abcdef"));
    }
}
