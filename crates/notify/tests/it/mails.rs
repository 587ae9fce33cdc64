//! Mail.

use std::sync::Arc;

use lotse_notify::{Failure, Login, Notice, Secret, Sender, Smtp, SmtpSecurity, Target};
use lotse_testkit::Receiver;

use crate::names::Names;
use crate::{config, impatient, notice, received};

fn smtp(host: &str, port: u16, security: SmtpSecurity) -> Smtp {
    Smtp {
        host: host.to_owned(),
        port,
        security,
        login: None,
        from: "Lotse <lotse@example.org>".to_owned(),
        to: vec!["desk@example.org".to_owned()],
    }
}

fn login(password: &str) -> Option<Login> {
    Some(Login {
        username: "lotse".to_owned(),
        password: Secret::new(password),
    })
}

/// Sends to a receiver in `mode`, in the clear and by address.
async fn send(receiver: &Receiver, notice: &Notice) -> Result<(), Failure> {
    let target = Target::Smtp(smtp("127.0.0.1", receiver.port(), SmtpSecurity::None));
    Sender::new(config()).send(&target, notice).await
}

/// Sends under TLS, where the receiver has its name.
async fn send_safely(target: Smtp) -> Result<(), Failure> {
    let names = Arc::new(Names::new(&[&["127.0.0.1"]]));
    let sender = Sender::with_names(config(), names);
    sender.send(&Target::Smtp(target), &notice()).await
}

#[tokio::test]
async fn a_mail_arrives_whole_and_is_known_by_its_message_id() {
    let receiver = Receiver::smtp("ok");
    for _ in 0..2 {
        send(&receiver, &notice()).await.unwrap();
    }
    let mails = received(&receiver);
    assert_eq!(mails.len(), 2);
    assert_eq!(
        mails[0]["content"], mails[1]["content"],
        "the same each time"
    );
    assert_eq!(mails[0]["from"], "lotse@example.org");
    assert_eq!(mails[0]["to"], serde_json::json!(["desk@example.org"]));
    assert_eq!(mails[0]["hello"], "example.org");
    let content = mails[0]["content"].as_str().unwrap();
    let id = format!("Message-ID: <{}@example.org>\r\n", notice().id);
    assert!(content.contains(&id), "{content}");
    let subject = "Subject: Untouched for two hours: =?utf-8?b?VMO8cg==?= & <Tor>\r\n";
    assert!(content.contains(subject), "{content}");
    let text = "\r\n\r\nPlease look after it.\r\n.\r\n.hidden\r\nThank you =F0=9F=99=82\r\n";
    assert!(content.contains(text), "{content}");
}

#[tokio::test]
async fn a_password_is_said_under_tls_alone() {
    for (mode, security) in [
        ("tls,plain", SmtpSecurity::Tls),
        ("tls,login", SmtpSecurity::Tls),
        ("starttls,plain", SmtpSecurity::StartTls),
        ("starttls,login", SmtpSecurity::StartTls),
    ] {
        let receiver = Receiver::smtp(mode);
        let target = Smtp {
            login: login("correct horse"),
            ..smtp("receiver.test", receiver.port(), security)
        };
        send_safely(target.clone()).await.unwrap();
        let mails = received(&receiver);
        assert_eq!(
            (&mails[0]["secure"], &mails[0]["user"]),
            (&true.into(), &"lotse".into())
        );

        let wrong = Smtp {
            login: login("hush"),
            ..target
        };
        let failure = send_safely(wrong).await.unwrap_err();
        assert_eq!(
            (failure.reason.as_str(), failure.permanent),
            ("smtp_535", true),
            "{mode}"
        );
        assert!(!format!("{failure:?}").contains("hush") && !failure.detail.contains("inside"));
    }
}

#[tokio::test]
async fn nothing_is_said_where_tls_is_wanted_and_not_had() {
    let receiver = Receiver::smtp("ok");
    let target = smtp("receiver.test", receiver.port(), SmtpSecurity::StartTls);
    let failure = send_safely(target).await.unwrap_err();
    assert_eq!(
        (failure.reason.as_str(), failure.permanent),
        ("no_starttls", false)
    );
    let stranger = Receiver::smtp("starttls");
    let target = smtp("other.test", stranger.port(), SmtpSecurity::StartTls);
    let failure = send_safely(target).await.unwrap_err();
    assert_eq!(failure.reason, "bad_certificate");
    assert!(received(&receiver).is_empty() && received(&stranger).is_empty());
}

#[tokio::test]
async fn what_is_slipped_in_before_tls_is_not_taken_for_an_answer_under_it() {
    let receiver = Receiver::smtp("starttls,inject");
    let target = smtp("receiver.test", receiver.port(), SmtpSecurity::StartTls);
    let failure = send_safely(target).await.unwrap_err();
    assert_eq!(
        (failure.reason.as_str(), failure.permanent),
        ("starttls_injection", false)
    );
}

#[tokio::test]
async fn a_servers_refusal_passes_or_does_not_as_it_says() {
    for (mode, reason, permanent) in [
        ("greet-554", "smtp_554", true),
        ("data-451", "smtp_451", false),
        ("data-554", "smtp_554", true),
        ("cut", "no_answer", false),
    ] {
        let receiver = Receiver::smtp(mode);
        let failure = send(&receiver, &notice()).await.unwrap_err();
        assert_eq!(
            (failure.reason.as_str(), failure.permanent),
            (reason, permanent),
            "{mode}"
        );
        assert!(!failure.detail.contains("inside"), "{failure}");
    }
    let receiver = Receiver::smtp("hang");
    let target = Target::Smtp(smtp("127.0.0.1", receiver.port(), SmtpSecurity::None));
    let failure = impatient().send(&target, &notice()).await.unwrap_err();
    assert_eq!(
        (failure.reason.as_str(), failure.permanent),
        ("timeout", false)
    );
}

#[tokio::test]
async fn one_bad_recipient_does_not_keep_the_mail_from_the_others() {
    let receiver = Receiver::smtp("ok");
    let to = |recipients: &[&str]| Notice {
        recipients: recipients.iter().map(|one| (*one).to_owned()).collect(),
        ..notice()
    };
    let some = to(&["550@example.org", "ann@example.org", "bob@example.org"]);
    let failure = send(&receiver, &some).await.unwrap_err();
    assert_eq!(
        (failure.reason.as_str(), failure.permanent),
        ("smtp_550", true)
    );
    let told = "the mail server answered 550 to RCPT, for 1 of 3 recipients";
    assert_eq!(failure.detail, told);
    let got = &received(&receiver)[0]["to"];
    assert_eq!(
        *got,
        serde_json::json!(["ann@example.org", "bob@example.org"])
    );

    let later = to(&["451@example.org", "550@example.org"]);
    let failure = send(&receiver, &later).await.unwrap_err();
    assert_eq!(
        (failure.reason.as_str(), failure.permanent),
        ("smtp_451", false)
    );
    assert_eq!(received(&receiver).len(), 1, "nobody to give it to");
}
