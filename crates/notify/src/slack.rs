//! Messages for Slack's incoming webhooks, and for chats that understand the same:
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>.

use serde_json::{Value, json};
use url::Url;

use crate::http::Answer;
use crate::{Failure, Notice, Sender, Slack};

/// Characters of a section's text at most, before escaping makes them more.
const SECTION: usize = 600;
/// Characters of a fact at most.
const FACT: usize = 100;
/// Facts of a message at most: Slack takes ten fields.
const FACTS: usize = 10;

pub(crate) async fn send(sender: &Sender, target: &Slack, notice: &Notice) -> Result<(), Failure> {
    let url: Url = target.url.expose().parse().map_err(|_| {
        // Says nothing of the URL: it is the secret.
        Failure::permanent("unusable", "the URL cannot be read")
    })?;
    let body = body(notice).to_string().into_bytes();
    // Nothing that was said on the way to a secret URL names more than its host.
    let answer = sender.post(&url, &[], body).await?;
    if answer.status.is_success() {
        Ok(())
    } else {
        Err(failure(&answer))
    }
}

/// Slack says why as a code in the body: `invalid_payload`, `no_service`, `channel_is_archived`.
fn failure(answer: &Answer) -> Failure {
    let failure = answer.failure();
    let code = std::str::from_utf8(&answer.body).unwrap_or_default().trim();
    let is_code = (1..=64).contains(&code.len())
        && code
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if !is_code {
        return failure;
    }
    let detail = format!("{}: {code}", failure.detail);
    Failure { detail, ..failure }
}

fn body(notice: &Notice) -> Value {
    let title = escape(&notice.title, SECTION);
    let mut blocks = vec![section(&format!("*{title}*"))];
    if !notice.text.is_empty() {
        blocks.push(section(&escape(&notice.text, SECTION)));
    }
    let fields: Vec<Value> = notice
        .facts
        .iter()
        .take(FACTS)
        .map(|(name, fact)| markdown(&format!("*{}*\n{}", escape(name, FACT), escape(fact, FACT))))
        .collect();
    if !fields.is_empty() {
        blocks.push(json!({ "type": "section", "fields": fields }));
    }
    // Slack has no field for an id; people can still see that they have had this one.
    let about = format!(
        "{} \u{b7} {} \u{b7} {}",
        notice.severity.as_str(),
        notice.action.as_str(),
        escape(&notice.id, FACT)
    );
    blocks.push(json!({ "type": "context", "elements": [markdown(&about)] }));
    json!({ "text": title, "blocks": blocks })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": markdown(text) })
}

/// Verbatim, so that nothing becomes a link or a mention that was not written as one.
fn markdown(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

/// The first `count` characters with the three that begin links, mentions and entities escaped.
fn escape(text: &str, count: usize) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars().take(count) {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::StatusCode;

    use super::*;
    use crate::notice::example;

    #[test]
    fn nothing_in_a_notice_becomes_a_mention_or_a_link() {
        let notice = Notice {
            title: "<!channel> look & <https://evil.example|here>".to_owned(),
            ..example()
        };
        let body = body(&notice).to_string();
        assert!(
            body.contains("&lt;!channel&gt; look &amp; &lt;https"),
            "{body}"
        );
        assert!(!body.contains("<"), "{body}");
        assert!(body.contains(&notice.id));
    }

    #[test]
    fn a_message_stays_within_what_slack_takes() {
        let notice = Notice {
            title: "<".repeat(5_000),
            text: "&".repeat(5_000),
            facts: (0..30)
                .map(|n| (n.to_string(), "x".repeat(5_000)))
                .collect(),
            ..example()
        };
        let body = body(&notice);
        let blocks = body["blocks"].as_array().unwrap();
        let longest = blocks
            .iter()
            .filter_map(|block| block["text"]["text"].as_str());
        assert!(longest.map(str::len).max().unwrap() <= 3_000);
        assert_eq!(blocks[2]["fields"].as_array().unwrap().len(), 10);
    }

    #[test]
    fn the_code_of_a_refusal_is_told_and_other_words_are_not() {
        let answer = |body: &'static str| Answer {
            status: StatusCode::FORBIDDEN,
            retry_after: None::<Duration>,
            body: Bytes::from_static(body.as_bytes()),
        };
        let told = failure(&answer("no_service"));
        assert_eq!(told.detail, "the receiver answered 403: no_service");
        assert!(told.permanent);
        let other = failure(&answer("<html>inside</html>"));
        assert_eq!(other.detail, "the receiver answered 403");
    }
}
