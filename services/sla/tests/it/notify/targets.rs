//! Notification targets, as an admin puts them.

use lotse_errors::ErrorReason;
use lotse_grpc::Stack;
use lotse_journal::Body;
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::PutOutcome;
use lotse_proto::sla::v1::alert_service_client::AlertServiceClient;
use lotse_proto::sla::v1::notification_target::Channel;
use lotse_testkit::TestDb;
use tonic::Status;

use crate::suite::{MONDAY_NINE, Suite, migrations, refusal};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

pub(crate) fn secret(value: &str) -> proto::NotificationSecret {
    proto::NotificationSecret {
        value: value.to_owned(),
        ..Default::default()
    }
}

pub(crate) fn target(name: &str, channel: Channel) -> proto::NotificationTarget {
    proto::NotificationTarget {
        name: name.to_owned(),
        channel: Some(channel),
        ..Default::default()
    }
}

pub(crate) fn webhook(url: &str, secrets: &[&str]) -> Channel {
    Channel::Webhook(proto::WebhookTarget {
        url: url.to_owned(),
        secrets: secrets.iter().map(|value| secret(value)).collect(),
    })
}

fn mail() -> proto::SmtpTarget {
    proto::SmtpTarget {
        host: "mail.example.org".to_owned(),
        username: "lotse".to_owned(),
        password: Some(secret("correct horse")),
        from: "Lotse <lotse@example.org>".to_owned(),
        to: vec!["desk@example.org".to_owned()],
        ..Default::default()
    }
}

pub(crate) async fn put(
    client: &mut AlertServiceClient<Stack>,
    target: proto::NotificationTarget,
) -> Result<(proto::NotificationTarget, PutOutcome), Status> {
    let request = proto::PutNotificationTargetRequest {
        notification_target: Some(target),
        request_id: String::new(),
    };
    let put = client.put_notification_target(request).await?.into_inner();
    let outcome = put.outcome();
    Ok((put.notification_target.unwrap(), outcome))
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn secrets_are_written_and_never_answered(db: TestDb) {
        let Some(suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let mut client = AlertServiceClient::new(suite.served.stack());
        let given = [
            target("hook", webhook("https://hooks.example.org/in", &[SECRET])),
            target("pager", Channel::PagerDuty(proto::PagerDutyTarget {
                routing_key: Some(secret("0123456789abcdef0123456789ABCDEF")),
                url: String::new(),
            })),
            target("chat", Channel::Slack(proto::SlackTarget {
                url: Some(secret("https://hooks.slack.com/services/T0/B0/secretpart")),
            })),
            target("mail", Channel::Smtp(mail())),
        ];
        let words = ["MfKQ9r8", "0123456789abcdef", "secretpart", "correct horse"];
        for (target, word) in given.into_iter().zip(words) {
            let (put_one, outcome) = put(&mut client, target.clone()).await.unwrap();
            assert_eq!((outcome, put_one.version), (PutOutcome::Created, 1));
            let get = proto::GetNotificationTargetRequest { id: target.name.clone() };
            let got = client.get_notification_target(get).await.unwrap().into_inner();
            assert_eq!(got.notification_target.as_ref(), Some(&put_one));
            let told = format!("{put_one:?}{got:?}");
            assert!(!told.contains(word), "{told}");
            assert!(told.contains("has_secret: true"), "{told}");
            // As it was answered, and as it was put.
            for same in [put_one.clone(), target] {
                let (again, outcome) = put(&mut client, same).await.unwrap();
                assert_eq!((&again, outcome), (&put_one, PutOutcome::Unchanged));
            }
        }
        let request = proto::ListNotificationTargetsRequest { page_size: 3, ..Default::default() };
        let page = client.list_notification_targets(request).await.unwrap().into_inner();
        let names: Vec<_> = page.notification_targets.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["chat", "hook", "mail"]);
        let request = proto::ListNotificationTargetsRequest {
            page_token: page.next_page_token,
            ..Default::default()
        };
        let page = client.list_notification_targets(request).await.unwrap().into_inner();
        assert_eq!(page.notification_targets[0].name, "pager");
        assert_eq!(page.next_page_token, "");

        let start = suite.journal.start().await.unwrap();
        let events = suite.journal.read_feed(&start, 100).await.unwrap().events;
        let changed = events.iter().filter(|event| {
            matches!(&event.body, Body::ConfigurationChanged(changed)
                if changed.kind == "notification_target")
        });
        assert_eq!(changed.count(), 4);
        let told = format!("{events:?}");
        assert!(words.iter().all(|word| !told.contains(word)), "{told}");
    }

    async fn a_secret_is_rotated_beside_the_old_one(db: TestDb) {
        let Some(suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let mut client = AlertServiceClient::new(suite.served.stack());
        let url = "https://hooks.example.org/in";
        let (first, _) = put(&mut client, target("hook", webhook(url, &[SECRET]))).await.unwrap();
        let Some(Channel::Webhook(stored)) = first.channel.clone() else { panic!("{first:?}") };
        suite.clock.set(MONDAY_NINE + std::time::Duration::from_secs(60)).unwrap();
        let both = proto::WebhookTarget {
            secrets: vec![secret(OTHER_SECRET), stored.secrets[0].clone()],
            ..stored.clone()
        };
        let (second, outcome) = put(&mut client, target("hook", Channel::Webhook(both)))
            .await
            .unwrap();
        assert_eq!((outcome, second.version), (PutOutcome::Updated, 2));
        let Some(Channel::Webhook(two)) = second.channel else { panic!() };
        assert_eq!(two.secrets[1], stored.secrets[0], "since when it is stays");
        assert_ne!(two.secrets[0].set_at, stored.secrets[0].set_at);
        // Without secrets both stay, also when the place moves; a place never gets the secret.
        let moved = webhook("https://elsewhere.example.org/in", &[]);
        let (third, _) = put(&mut client, target("hook", moved)).await.unwrap();
        let Some(Channel::Webhook(three)) = third.channel else { panic!() };
        assert_eq!(three.secrets, two.secrets);
        let alone = proto::WebhookTarget { secrets: vec![two.secrets[0].clone()], ..three };
        let (fourth, _) = put(&mut client, target("hook", Channel::Webhook(alone))).await.unwrap();
        let Some(Channel::Webhook(one)) = fourth.channel else { panic!() };
        assert_eq!(one.secrets, two.secrets[..1]);
    }

    async fn a_secret_does_not_follow_to_another_place(db: TestDb) {
        let Some(suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let mut client = AlertServiceClient::new(suite.served.stack());
        let (stored, _) = put(&mut client, target("mail", Channel::Smtp(mail()))).await.unwrap();
        let kept = proto::SmtpTarget {
            password: None,
            to: vec![],
            ..mail()
        };
        let renamed = proto::NotificationTarget {
            id: stored.id.clone(),
            ..target("post", Channel::Smtp(kept.clone()))
        };
        let (renamed, _) = put(&mut client, renamed).await.unwrap();
        assert_eq!((renamed.name.as_str(), renamed.version), ("post", 2));
        for elsewhere in [
            proto::SmtpTarget { host: "evil.example.org".to_owned(), ..kept.clone() },
            proto::SmtpTarget { port: 2_525, ..kept.clone() },
            proto::SmtpTarget { username: "other".to_owned(), ..kept.clone() },
        ] {
            let refused = put(&mut client, target("post", Channel::Smtp(elsewhere))).await;
            let (reason, fields) = refusal(&refused.unwrap_err());
            assert_eq!(reason, ErrorReason::InvalidField);
            assert_eq!(fields, ["notification_target.smtp.password"]);
        }
        let pager = |url: &str, key: &str| target("pager", Channel::PagerDuty(proto::PagerDutyTarget {
            routing_key: Some(secret(key)),
            url: url.to_owned(),
        }));
        put(&mut client, pager("", "0123456789abcdef0123456789abcdef")).await.unwrap();
        let refused = put(&mut client, pager("https://evil.example.org/", "")).await.unwrap_err();
        assert_eq!(refusal(&refused).1, ["notification_target.pager_duty.routing_key"]);
        // Nor to another kind of place.
        let refused = put(&mut client, target("pager", webhook("https://evil.example.org/", &[])));
        assert_eq!(refusal(&refused.await.unwrap_err()).1, ["notification_target.webhook.secrets"]);
    }

    async fn all_that_is_wrong_with_a_target_is_told_at_once_and_names_no_secret(db: TestDb) {
        let Some(suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let mut client = AlertServiceClient::new(suite.served.stack());
        let wrong = proto::NotificationTarget {
            name: "ntf_x".to_owned(),
            ..target("", webhook("ftp://user@hooks.example.org", &["whsec_hush", SECRET, SECRET]))
        };
        let refused = put(&mut client, wrong).await.unwrap_err();
        assert!(!format!("{refused:?}").contains("hush"));
        assert_eq!(refusal(&refused).1, [
            "notification_target.name",
            "notification_target.webhook.url",
            "notification_target.webhook.secrets[0]",
            "notification_target.webhook.secrets[2]",
        ]);
        let chat = proto::SlackTarget { url: Some(secret("hush://not a url")) };
        let refused = put(&mut client, target("chat", Channel::Slack(chat))).await.unwrap_err();
        assert!(!format!("{refused:?}").contains("hush"));
        let mail = proto::SmtpTarget {
            host: "mail server".to_owned(),
            port: 70_000,
            security: proto::SmtpSecurity::None.into(),
            from: "nobody\r\nBcc: all@example.org".to_owned(),
            to: vec!["desk@example.org".to_owned(), "not an address".to_owned()],
            ..mail()
        };
        let refused = put(&mut client, target("mail", Channel::Smtp(mail))).await.unwrap_err();
        assert_eq!(refusal(&refused).1, [
            "notification_target.smtp.host",
            "notification_target.smtp.port",
            "notification_target.smtp.security",
            "notification_target.smtp.from",
            "notification_target.smtp.to[1]",
        ]);
        let nothing = proto::NotificationTarget { channel: None, ..target("x", webhook("", &[])) };
        let refused = put(&mut client, nothing).await.unwrap_err();
        assert_eq!(refusal(&refused).1, ["notification_target.channel"]);

        put(&mut client, target("one", webhook("https://a.example.org/", &[SECRET]))).await.unwrap();
        let (two, _) = put(&mut client, target("two", webhook("https://b.example.org/", &[SECRET])))
            .await
            .unwrap();
        let taken = proto::NotificationTarget { name: "one".to_owned(), ..two.clone() };
        assert_eq!(refusal(&put(&mut client, taken).await.unwrap_err()).0, ErrorReason::ResourceExists);
        let stale = proto::NotificationTarget { etag: "9".to_owned(), disabled: true, ..two.clone() };
        assert_eq!(refusal(&put(&mut client, stale).await.unwrap_err()).0, ErrorReason::StaleEtag);
        let nobody = "ntf_01h455vb4pex5vsknk084sn02q".to_owned();
        let missing = proto::NotificationTarget { id: nobody.clone(), ..two };
        assert_eq!(refusal(&put(&mut client, missing).await.unwrap_err()).0, ErrorReason::ResourceNotFound);
        let get = proto::GetNotificationTargetRequest { id: nobody };
        let refused = client.get_notification_target(get).await.unwrap_err();
        assert_eq!(refusal(&refused).0, ErrorReason::ResourceNotFound);
    }

    async fn dead_letters_are_redriven_by_id_or_by_target_but_not_both(db: TestDb) {
        let Some(suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let mut client = AlertServiceClient::new(suite.served.stack());
        put(&mut client, target("hook", webhook("https://a.example.org/", &[SECRET]))).await.unwrap();
        let id = "dlv_01h455vb4pex5vsknk084sn02q".to_owned();
        let redrive = |ids: &[String], target: &str| proto::RedriveDeadLettersRequest {
            dead_letter_ids: ids.to_vec(),
            notification_target: target.to_owned(),
            request_id: String::new(),
        };
        for wrong in [redrive(&[], ""), redrive(std::slice::from_ref(&id), "hook"), redrive(&["x".to_owned()], "")] {
            let refused = client.redrive_dead_letters(wrong).await.unwrap_err();
            assert_eq!(refusal(&refused).0, ErrorReason::InvalidField);
        }
        let refused = client.redrive_dead_letters(redrive(&[], "nowhere")).await.unwrap_err();
        assert_eq!(refusal(&refused).0, ErrorReason::ResourceNotFound);
        for none in [redrive(&[id], ""), redrive(&[], "hook")] {
            let answer = client.redrive_dead_letters(none).await.unwrap().into_inner();
            assert_eq!(answer.redriven, 0);
        }
        let list = proto::ListDeadLettersRequest {
            notification_target: "nowhere".to_owned(),
            ..Default::default()
        };
        let refused = client.list_dead_letters(list).await.unwrap_err();
        assert_eq!(refusal(&refused).0, ErrorReason::ResourceNotFound);
    }
}
