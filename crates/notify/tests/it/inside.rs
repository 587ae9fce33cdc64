//! Nobody inside is spoken to.

use std::sync::Arc;

use lotse_notify::{Config, PagerDuty, Secret, Sender, Slack, Smtp, SmtpSecurity, Target};
use lotse_testkit::Receiver;

use crate::names::Names;
use crate::{SECRET, config, notice, received, webhook};

fn mail(host: &str, port: u16) -> Target {
    Target::Smtp(Smtp {
        host: host.to_owned(),
        port,
        security: SmtpSecurity::None,
        login: None,
        from: "lotse@example.org".to_owned(),
        to: vec!["desk@example.org".to_owned()],
    })
}

/// A target of each kind at `host`.
fn targets(host: &str, port: u16) -> Vec<Target> {
    let url = format!("http://{host}:{port}/");
    vec![
        webhook(&url, &[SECRET]),
        Target::PagerDuty(PagerDuty {
            url: url.parse().unwrap(),
            routing_key: Secret::new("0123456789abcdef0123456789abcdef"),
        }),
        Target::Slack(Slack {
            url: Secret::new(url),
        }),
        mail(host, port),
    ]
}

#[tokio::test]
async fn an_address_inside_is_refused_in_whatever_spelling_or_name() {
    let (http, smtp) = (Receiver::http(SECRET), Receiver::smtp("ok"));
    let inside = Names::new(&[&["127.0.0.1"]]);
    let sender = Sender::with_names(Config::default(), Arc::new(inside));
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "127.1",
        "localhost",
        "receiver.localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "rebound.example.org",
    ] {
        for target in targets(host, http.port())
            .into_iter()
            .chain([mail(host, smtp.port())])
        {
            let failure = sender.send(&target, &notice()).await.unwrap_err();
            let told = (failure.reason.as_str(), failure.permanent);
            assert_eq!(told, ("refused_address", true), "{host}: {failure}");
        }
    }
    assert!(received(&http).is_empty() && received(&smtp).is_empty());
}

#[tokio::test]
async fn a_name_is_asked_once_and_only_the_address_that_was_judged_is_spoken_to() {
    let receiver = Receiver::http(SECRET);
    // Good when it is looked at, another one the next time: DNS rebinding.
    let names = Arc::new(Names::new(&[&["127.0.0.1"], &["127.0.0.2"]]));
    let sender = Sender::with_names(config(), names.clone());
    let target = webhook(
        &format!("http://rebound.example.org:{}/", receiver.port()),
        &[SECRET],
    );
    sender.send(&target, &notice()).await.unwrap();
    assert_eq!(names.asked(), ["rebound.example.org"]);
    let failure = sender.send(&target, &notice()).await.unwrap_err();
    assert_eq!(failure.reason, "refused_address");
    assert!(
        !failure.detail.contains("127."),
        "no look-up for outsiders: {failure}"
    );
    assert_eq!(received(&receiver).len(), 1);
}

#[tokio::test]
async fn among_several_addresses_those_inside_are_passed_over() {
    let receiver = Receiver::http(SECRET);
    let names = Names::new(&[&["10.0.0.1", "169.254.169.254", "127.0.0.1"]]);
    let sender = Sender::with_names(config(), Arc::new(names));
    let target = webhook(
        &format!("http://both.example.org:{}/", receiver.port()),
        &[SECRET],
    );
    sender.send(&target, &notice()).await.unwrap();
    assert_eq!(received(&receiver).len(), 1);
}

#[tokio::test]
async fn ports_of_other_protocols_are_refused() {
    let sender = Sender::new(Config::default());
    for target in [
        webhook("http://example.org:22/", &[SECRET]),
        webhook("https://example.org:25/", &[SECRET]),
        mail("example.org", 80),
        mail("example.org", 0),
    ] {
        let failure = sender.send(&target, &notice()).await.unwrap_err();
        assert_eq!(
            (failure.reason.as_str(), failure.permanent),
            ("refused_port", true)
        );
    }
}

#[test]
fn what_shows_without_speaking_is_told_when_a_target_is_put() {
    let sender = Sender::new(Config::default());
    let fields = |target: &Target| -> Vec<&str> {
        sender
            .check(target)
            .iter()
            .map(|refused| refused.field)
            .collect()
    };
    assert_eq!(
        fields(&webhook("http://169.254.169.254/latest", &[SECRET])),
        ["url"]
    );
    assert_eq!(
        fields(&webhook("http://[fd00::1]:22/", &[SECRET])),
        ["url", "url"]
    );
    assert_eq!(fields(&mail("10.0.0.1", 80)), ["host", "port"]);
    assert!(fields(&webhook("https://example.org/", &[SECRET])).is_empty());
}
