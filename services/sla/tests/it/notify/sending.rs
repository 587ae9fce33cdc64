//! Notices arrive at least once, under one id, whatever receivers and senders do.

use std::collections::BTreeSet;
use std::time::Duration;

use lotse_notify::Secret;
use lotse_sla::Notifications;
use lotse_sla::notification::{Channel, Content, Security};
use lotse_testkit::{Receiver, TestDb, eventually};
use serde_json::Value;

use super::post::{Post, SECRET, SOON};
use crate::suite::migrations;

fn received(receiver: &Receiver) -> Vec<Value> {
    let lines = receiver.received();
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The ids that arrived, in order, by path.
fn ids(receiver: &Receiver, path: &str) -> Vec<String> {
    let calls = received(receiver)
        .into_iter()
        .filter(|call| call["path"] == path);
    calls
        .map(|call| call["headers"]["webhook-id"].as_str().unwrap().to_owned())
        .collect()
}

/// Waits until `count` calls came.
async fn arrived(receiver: &Receiver, count: usize) {
    eventually(SOON, || async {
        let got = receiver.received().len();
        if got >= count { Ok(()) } else { Err(got) }
    })
    .await;
}

/// Waits until a failed attempt has been put off, so that nothing is due now.
async fn put_off(post: &Post) {
    eventually(SOON, || async {
        let reader = post.db.reader();
        let now = post.clock.now();
        let next = lotse_sla::store::deliveries::next_due(reader, now)
            .await
            .unwrap();
        // A claim lasts 45 s; the pauses waited for here are shorter.
        next.is_some_and(|next| next.since(now) < Duration::from_secs(40))
    })
    .await;
}

const CLAIM: Duration = Duration::from_secs(45);

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn what_fails_twice_arrives_the_third_time_under_the_same_id(db: TestDb) {
        let receiver = Receiver::http(SECRET);
        let post = Post::new(&db);
        let target = post.webhook("hook", &receiver.url("/fail/2")).await;
        let office = post.open();
        let id = post.enqueue(&target, "alr_1").await;
        for attempt in 1..=2 {
            arrived(&receiver, attempt).await;
            put_off(&post).await;
            post.pass(Duration::from_secs(10));
        }
        post.emptied().await;
        assert_eq!(ids(&receiver, "/fail/2"), [id.clone(), id.clone(), id]);
        assert!(received(&receiver).iter().all(|call| call["verified"] == true));
        assert_eq!(post.depth().await.dead, 0);
        office.shutdown(SOON).await.unwrap();
    }

    async fn a_target_that_hangs_holds_up_nobody_else(db: TestDb) {
        let receiver = Receiver::http(SECRET);
        let config = Notifications { per_target: 3, timeout_seconds: 60, ..Post::new(&db).config };
        let post = Post::with(&db, config);
        let hangs = post.webhook("hangs", &receiver.url("/hang")).await;
        let answers = post.webhook("answers", &receiver.url("/ok")).await;
        for number in 0..20 {
            post.enqueue(&hangs, &format!("alr_h{number}")).await;
        }
        let office = post.open();
        arrived(&receiver, 3).await;
        let mut sent = BTreeSet::new();
        for number in 0..20 {
            sent.insert(post.enqueue(&answers, &format!("alr_a{number}")).await);
        }
        eventually(SOON, || async { ids(&receiver, "/ok").len() >= 20 }).await;
        assert_eq!(BTreeSet::from_iter(ids(&receiver, "/ok")), sent);
        assert_eq!(ids(&receiver, "/hang").len(), 3, "no more than its share at once");
        // Killed with three attempts in the air.
        assert!(office.shutdown(Duration::ZERO).await.is_err());
    }

    async fn a_sender_killed_between_sending_and_settling_costs_a_repetition_and_nothing_else(db: TestDb) {
        let receiver = Receiver::http(SECRET);
        let post = Post::new(&db);
        let target = post.webhook("hook", &receiver.url("/stall/1")).await;
        let killed = post.open();
        let id = post.enqueue(&target, "alr_1").await;
        arrived(&receiver, 1).await;
        assert!(killed.shutdown(Duration::ZERO).await.is_err(), "it was dropped in the middle");
        assert_eq!(post.depth().await.waiting, 1);
        // Nobody has it before the claim has run out.
        let office = post.open();
        post.pass(CLAIM - Duration::from_millis(1));
        let other = post.webhook("other", &receiver.url("/ok")).await;
        post.enqueue(&other, "alr_2").await;
        arrived(&receiver, 2).await;
        assert_eq!(ids(&receiver, "/stall/1").len(), 1);
        post.pass(Duration::from_millis(1));
        post.emptied().await;
        assert_eq!(ids(&receiver, "/stall/1"), [id.clone(), id]);
        office.shutdown(SOON).await.unwrap();
    }

    async fn two_replicas_share_the_work_and_send_nothing_twice(db: TestDb) {
        let receiver = Receiver::http(SECRET);
        let post = Post::new(&db);
        let first = post.webhook("first", &receiver.url("/ok")).await;
        let second = post.webhook("second", &receiver.url("/ok")).await;
        let mut sent = Vec::new();
        for number in 0..30 {
            sent.push(post.enqueue(&first, &format!("alr_{number}")).await);
            sent.push(post.enqueue(&second, &format!("alr_{number}")).await);
        }
        let offices = [post.open(), post.open()];
        post.emptied().await;
        let mut got = ids(&receiver, "/ok");
        got.sort();
        sent.sort();
        assert_eq!(got, sent);
        for office in offices {
            office.shutdown(SOON).await.unwrap();
        }
    }

    async fn a_permanent_refusal_is_a_dead_letter_and_redriving_it_delivers(db: TestDb) {
        let receiver = Receiver::http(SECRET);
        let post = Post::new(&db);
        let target = post.webhook("hook", &receiver.url("/status/410")).await;
        let office = post.open();
        let id = post.enqueue(&target, "alr_1").await;
        post.emptied().await;
        let dead = post.dead().await;
        assert_eq!((dead[0].id.as_str(), dead[0].attempts), (id.as_str(), 1));
        assert_eq!(dead[0].failure.reason, "status_410");
        assert!(!dead[0].failure.detail.contains("inside"), "{:?}", dead[0].failure);
        post.webhook("hook", &receiver.url("/ok")).await;
        assert_eq!(post.redrive(&target).await, 1);
        post.emptied().await;
        assert_eq!(ids(&receiver, "/ok"), [id]);
        assert!(post.dead().await.is_empty());
        office.shutdown(SOON).await.unwrap();
    }

    async fn what_fails_for_too_long_is_given_up(db: TestDb) {
        let receiver = Receiver::http(SECRET);
        let config = Notifications { give_up_after_seconds: 30, ..Post::new(&db).config };
        let post = Post::with(&db, config);
        let target = post.webhook("hook", &receiver.url("/status/500")).await;
        let office = post.open();
        post.enqueue(&target, "alr_1").await;
        arrived(&receiver, 1).await;
        put_off(&post).await;
        post.pass(Duration::from_secs(29));
        post.emptied().await;
        let dead = post.dead().await;
        assert_eq!((dead[0].failure.reason.as_str(), dead[0].attempts), ("status_500", 2));
        assert!(!dead[0].failure.permanent, "another attempt could have done better");
        office.shutdown(SOON).await.unwrap();
    }

    async fn a_target_that_asks_for_a_rest_has_it(db: TestDb) {
        let receiver = Receiver::http(SECRET);
        let config = Notifications { per_target: 1, ..Post::new(&db).config };
        let post = Post::with(&db, config);
        let target = post.webhook("hook", &receiver.url("/status/429/30")).await;
        let other = post.webhook("other", &receiver.url("/ok")).await;
        let office = post.open();
        let first = post.enqueue(&target, "alr_1").await;
        arrived(&receiver, 1).await;
        put_off(&post).await;
        let second = post.enqueue(&target, "alr_2").await;
        post.enqueue(&other, "alr_3").await;
        arrived(&receiver, 2).await;
        post.pass(Duration::from_secs(29));
        post.enqueue(&other, "alr_4").await;
        arrived(&receiver, 3).await;
        assert_eq!(ids(&receiver, "/status/429/30"), std::slice::from_ref(&first), "it rests");
        post.pass(Duration::from_secs(1));
        arrived(&receiver, 4).await;
        let tried = ids(&receiver, "/status/429/30");
        assert!(tried[1] == first || tried[1] == second, "{tried:?}");
        office.shutdown(SOON).await.unwrap();
    }

    async fn an_inside_address_is_refused_by_default_and_a_disabled_target_is_not_sent_to(db: TestDb) {
        let receiver = Receiver::http(SECRET);
        let post = Post::with(&db, Notifications::default());
        let inside = post.webhook("inside", &receiver.url("/ok")).await;
        let content = Content {
            name: "off".to_owned(),
            disabled: true,
            channel: Channel::Slack,
            secrets: Vec::new(),
        };
        let off = post.store(content).await;
        let office = post.open();
        post.enqueue(&inside, "alr_1").await;
        post.enqueue(&off, "alr_1").await;
        post.emptied().await;
        let mut reasons: Vec<_> = post.dead().await.into_iter().map(|one| one.failure.reason).collect();
        reasons.sort();
        assert_eq!(reasons, ["refused_address", "target_disabled"]);
        assert!(received(&receiver).is_empty());
        office.shutdown(SOON).await.unwrap();
    }

    async fn a_mail_put_off_by_its_server_arrives_later_under_one_message_id(db: TestDb) {
        let receiver = Receiver::smtp("fail-1");
        let post = Post::new(&db);
        let content = Content {
            name: "mail".to_owned(),
            disabled: false,
            channel: Channel::Smtp {
                host: "127.0.0.1".to_owned(),
                port: receiver.port(),
                security: Security::None,
                username: String::new(),
                from: "lotse@example.org".to_owned(),
                to: vec!["desk@example.org".to_owned()],
            },
            secrets: Vec::new(),
        };
        let target = post.store(content).await;
        let office = post.open();
        let id = post.enqueue(&target, "alr_1").await;
        arrived(&receiver, 1).await;
        put_off(&post).await;
        post.pass(Duration::from_secs(5));
        post.emptied().await;
        let mails = received(&receiver);
        assert_eq!(mails.len(), 2);
        for mail in &mails {
            let content = mail["content"].as_str().unwrap();
            assert!(content.contains(&format!("Message-ID: <{id}@example.org>")), "{content}");
        }
        office.shutdown(SOON).await.unwrap();
    }

    async fn secrets_are_sealed_at_rest_and_opened_to_sign(db: TestDb) {
        let receiver = Receiver::http(SECRET);
        let config = Notifications {
            secret_key: Secret::new("a key of at least thirty-two bytes"),
            ..Post::new(&db).config
        };
        let post = Post::with(&db, config);
        let target = post.webhook("hook", &receiver.url("/ok")).await;
        let stored = lotse_sla::store::notification_targets::find(post.db.reader(), &target).await;
        let stored = stored.unwrap().unwrap().content.secrets[0].value.expose().to_owned();
        assert!(stored.starts_with("v1:") && !stored.contains("MfKQ"), "{stored}");
        let office = post.open();
        post.enqueue(&target, "alr_1").await;
        post.emptied().await;
        assert_eq!(received(&receiver)[0]["verified"], true);
        office.shutdown(SOON).await.unwrap();
    }
}
