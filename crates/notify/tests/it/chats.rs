//! PagerDuty and Slack.

use std::time::Duration;

use lotse_notify::{Action, Notice, PagerDuty, Secret, Sender, Slack, Target};
use lotse_testkit::Receiver;
use serde_json::Value;

use crate::{config, notice, received};

fn pager(url: &str) -> Target {
    Target::PagerDuty(PagerDuty {
        url: url.parse().unwrap(),
        routing_key: Secret::new("0123456789abcdef0123456789abcdef"),
    })
}

fn chat(url: &str) -> Target {
    Target::Slack(Slack {
        url: Secret::new(url),
    })
}

fn body(call: &Value) -> Value {
    serde_json::from_str(call["body"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn an_incident_is_opened_acknowledged_and_resolved_under_one_key() {
    let receiver = Receiver::http("");
    let sender = Sender::new(config());
    for action in [Action::Trigger, Action::Acknowledge, Action::Resolve] {
        let notice = Notice { action, ..notice() };
        sender
            .send(&pager(&receiver.url("/accepted")), &notice)
            .await
            .unwrap();
    }
    let calls = received(&receiver);
    let actions: Vec<Value> = calls
        .iter()
        .map(|call| body(call)["event_action"].clone())
        .collect();
    assert_eq!(actions, ["trigger", "acknowledge", "resolve"]);
    for call in &calls {
        assert_eq!(body(call)["dedup_key"], notice().subject_key);
        assert_eq!(
            body(call)["routing_key"],
            "0123456789abcdef0123456789abcdef"
        );
    }
}

#[tokio::test]
async fn pagerduty_has_taken_only_what_it_says_it_has() {
    let receiver = Receiver::http("");
    let sender = Sender::new(config());
    for (path, reason, permanent) in [
        ("/status/200", "status_200", false),
        ("/status/400", "status_400", true),
        ("/status/429/5", "status_429", false),
        ("/status/500", "status_500", false),
    ] {
        let failure = sender
            .send(&pager(&receiver.url(path)), &notice())
            .await
            .unwrap_err();
        assert_eq!(
            (failure.reason.as_str(), failure.permanent),
            (reason, permanent),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_chat_gets_text_and_blocks_and_says_why_not_in_a_word() {
    let receiver = Receiver::http("");
    let sender = Sender::new(config());
    sender
        .send(&chat(&receiver.url("/services/T0/B0/key")), &notice())
        .await
        .unwrap();
    let sent = body(&received(&receiver)[0]);
    assert_eq!(
        sent["text"],
        "Untouched for two hours: T\u{fc}r &amp; &lt;Tor&gt;"
    );
    assert_eq!(sent["blocks"][0]["type"], "section");
    for (path, detail, permanent, rest) in [
        (
            "/code/403/no_service",
            "the receiver answered 403: no_service",
            true,
            None,
        ),
        (
            "/code/400/invalid_payload",
            "the receiver answered 400: invalid_payload",
            true,
            None,
        ),
        ("/status/429/2", "the receiver answered 429", false, Some(2)),
        (
            "/code/500/rollup_error",
            "the receiver answered 500: rollup_error",
            false,
            None,
        ),
    ] {
        let failure = sender
            .send(&chat(&receiver.url(path)), &notice())
            .await
            .unwrap_err();
        assert_eq!(
            (failure.detail.as_str(), failure.permanent),
            (detail, permanent),
            "{path}"
        );
        assert_eq!(failure.retry_after, rest.map(Duration::from_secs));
    }
}

#[tokio::test]
async fn no_failure_shows_the_secret_part_of_a_chats_url() {
    let dead = Receiver::http("").port();
    let sender = Sender::new(config());
    for url in [
        format!("http://127.0.0.1:{dead}/services/hush"),
        format!("https://127.0.0.1:{dead}/services/hush"),
        "http://10.0.0.1/services/hush".to_owned(),
        "hush".to_owned(),
    ] {
        let failure = sender.send(&chat(&url), &notice()).await.unwrap_err();
        assert!(
            !format!("{failure:?}{failure}").contains("hush"),
            "{failure:?}"
        );
        assert!(!format!("{:?}", chat(&url)).contains("hush"));
    }
}
