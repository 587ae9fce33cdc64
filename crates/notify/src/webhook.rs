//! Webhooks, as [Standard Webhooks](https://www.standardwebhooks.com/) has them.

use http::HeaderName;
use lotse_clock::SystemClock;
use serde_json::json;

use crate::signature::sign;
use crate::{Failure, Notice, Sender, Webhook};

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

pub(crate) async fn send(
    sender: &Sender,
    target: &Webhook,
    notice: &Notice,
) -> Result<(), Failure> {
    if target.secrets.is_empty() {
        return Err(Failure::permanent("unusable", "the webhook has no secret"));
    }
    let body = body(notice);
    // When it is sent, in real time: receivers refuse what is old, because it may be replayed.
    let seconds = SystemClock.now().as_millis() / 1_000;
    let headers = [
        (ID, notice.id.clone()),
        (TIMESTAMP, seconds.to_string()),
        (SIGNATURE, sign(&target.secrets, &notice.id, seconds, &body)),
    ];
    let answer = sender.post(&target.url, &headers, body).await?;
    if answer.status.is_success() {
        Ok(())
    } else {
        Err(answer.failure())
    }
}

fn body(notice: &Notice) -> Vec<u8> {
    let body = json!({
        "type": notice.kind,
        "timestamp": notice.at_text(),
        "data": {
            "id": notice.id,
            "action": notice.action.as_str(),
            "subject_key": notice.subject_key,
            "severity": notice.severity.as_str(),
            "title": notice.title,
            "text": notice.text,
            "facts": notice.facts,
        },
    });
    body.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_type_timestamp_and_data() {
        let body: serde_json::Value =
            serde_json::from_slice(&body(&crate::notice::example())).unwrap();
        assert_eq!(body["type"], "alert.notified");
        assert_eq!(body["timestamp"], "2026-03-02T09:00:00Z");
        assert_eq!(body["data"]["action"], "trigger");
        assert_eq!(body["data"]["facts"]["ticket"], "tkt_1");
    }
}
