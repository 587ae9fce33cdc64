//! Webhooks, and what all HTTP has in common.

use std::sync::Arc;
use std::time::Duration;

use lotse_notify::{Config, Sender};
use lotse_testkit::Receiver;

use crate::names::Names;
use crate::{OTHER_SECRET, SECRET, config, impatient, notice, received, webhook};

#[tokio::test]
async fn a_receiver_verifies_the_signature_and_knows_the_notice_by_its_id() {
    let receiver = Receiver::http(SECRET);
    let sender = Sender::new(config());
    // The second time as in a retry, and with the receiver's secret as one of two in a rotation.
    for secrets in [&[SECRET][..], &[OTHER_SECRET, SECRET]] {
        let target = webhook(&receiver.url("/hook?tenant=7"), secrets);
        sender.send(&target, &notice()).await.unwrap();
    }
    let calls = received(&receiver);
    assert_eq!(calls.len(), 2);
    for call in &calls {
        assert_eq!(call["verified"], true, "{call}");
        assert_eq!(
            (&call["method"], &call["path"]),
            (&"POST".into(), &"/hook?tenant=7".into())
        );
        let headers = &call["headers"];
        assert_eq!(headers["webhook-id"], notice().id);
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["host"], format!("127.0.0.1:{}", receiver.port()));
        let body: serde_json::Value = serde_json::from_str(call["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["type"], "alert.notified");
        assert_eq!(body["data"]["title"], notice().title);
    }
    let wrong = webhook(&receiver.url("/hook"), &[OTHER_SECRET]);
    sender.send(&wrong, &notice()).await.unwrap();
    assert_eq!(
        received(&receiver)[2]["verified"],
        false,
        "the receiver can tell"
    );
}

#[tokio::test]
async fn a_refusal_says_whether_to_come_back_and_when() {
    let receiver = Receiver::http("");
    let sender = Sender::new(config());
    for (path, reason, permanent, retry_after) in [
        ("/status/500", "status_500", false, None),
        ("/status/503/17", "status_503", false, Some(17)),
        ("/status/429/30", "status_429", false, Some(30)),
        ("/status/404", "status_404", true, None),
        ("/status/410", "status_410", true, None),
        ("/redirect", "redirect", true, None),
    ] {
        let target = webhook(&receiver.url(path), &[SECRET]);
        let failure = sender.send(&target, &notice()).await.unwrap_err();
        assert_eq!(
            (failure.reason.as_str(), failure.permanent),
            (reason, permanent),
            "{path}"
        );
        assert_eq!(
            failure.retry_after,
            retry_after.map(Duration::from_secs),
            "{path}"
        );
        assert!(!failure.detail.contains("inside"), "{failure}");
    }
    let paths: Vec<_> = received(&receiver)
        .iter()
        .map(|call| call["path"].clone())
        .collect();
    assert_eq!(paths.len(), 6);
    assert!(
        !paths.contains(&"/inside".into()),
        "no redirect is followed"
    );
}

#[tokio::test]
async fn a_receiver_that_hangs_or_drips_is_left() {
    let receiver = Receiver::http("");
    for path in ["/hang", "/drip"] {
        let target = webhook(&receiver.url(path), &[SECRET]);
        let failure = impatient().send(&target, &notice()).await.unwrap_err();
        assert_eq!(
            (failure.reason.as_str(), failure.permanent),
            ("timeout", false),
            "{path}"
        );
    }
}

#[tokio::test]
async fn of_an_answer_only_the_head_counts_and_no_more_is_read_than_is_needed() {
    let receiver = Receiver::http("");
    let sender = Sender::new(config());
    for good in ["/cut-body", "/huge/200"] {
        let target = webhook(&receiver.url(good), &[SECRET]);
        assert_eq!(sender.send(&target, &notice()).await, Ok(()), "{good}");
    }
    for (path, reason) in [
        ("/cut", "no_answer"),
        ("/huge/500", "status_500"),
        ("/huge-head", "no_answer"),
    ] {
        let target = webhook(&receiver.url(path), &[SECRET]);
        let failure = sender.send(&target, &notice()).await.unwrap_err();
        assert_eq!(
            (failure.reason.as_str(), failure.permanent),
            (reason, false),
            "{path}"
        );
    }
}

#[tokio::test]
async fn nobody_at_home_is_a_passing_failure() {
    let port = Receiver::http("").port();
    let target = webhook(&format!("http://127.0.0.1:{port}/"), &[SECRET]);
    let failure = Sender::new(config())
        .send(&target, &notice())
        .await
        .unwrap_err();
    assert_eq!(
        (failure.reason.as_str(), failure.permanent),
        ("connect", false)
    );
    let nowhere = Names::new(&[]);
    let sender = Sender::with_names(config(), Arc::new(nowhere));
    let target = webhook("https://receiver.test/", &[SECRET]);
    let failure = sender.send(&target, &notice()).await.unwrap_err();
    assert_eq!(
        (failure.reason.as_str(), failure.permanent),
        ("unresolved", false)
    );
}

#[tokio::test]
async fn tls_is_spoken_with_the_name_while_the_checked_address_is_connected_to() {
    let receiver = Receiver::https(SECRET);
    let port = receiver.port();
    let names = || Arc::new(Names::new(&[&["127.0.0.1"]]));
    let target = |name: &str| webhook(&format!("https://{name}:{port}/hook"), &[SECRET]);
    let sender = Sender::with_names(config(), names());
    sender
        .send(&target("receiver.test"), &notice())
        .await
        .unwrap();
    let calls = received(&receiver);
    assert_eq!(calls[0]["headers"]["host"], format!("receiver.test:{port}"));
    assert_eq!(calls[0]["verified"], true);

    let unknown = Config {
        authorities: Default::default(),
        ..config()
    };
    for (sender, name) in [
        (Sender::with_names(config(), names()), "other.test"),
        (Sender::with_names(config(), names()), "127.0.0.1"),
        (Sender::with_names(unknown, names()), "receiver.test"),
    ] {
        let failure = sender.send(&target(name), &notice()).await.unwrap_err();
        assert_eq!(
            (failure.reason.as_str(), failure.permanent),
            ("bad_certificate", false)
        );
    }
    assert_eq!(
        received(&receiver).len(),
        1,
        "nothing was said to a stranger"
    );
}
