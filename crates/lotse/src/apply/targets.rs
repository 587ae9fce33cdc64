//! Notification targets: read from a file, read from the service, put.
//!
//! A secret does not stand in a file that is kept in git: the file names a variable of the
//! environment or another file. What is stored of it is never answered, so a target with secrets is
//! put each time, and the service changes nothing where they are the same.

use lotse_config::Secret;
use lotse_proto::sla::v1 as sla;
use lotse_proto::sla::v1::notification_target::Channel as Proto;

use super::read::{Kind, Reader};
use super::spec::{Channel, NotificationTarget};
use super::state::Known;
use super::words::SECURITIES;
use super::yaml::{Entry, Map, Problems};

/// Where PagerDuty takes events, unless the file says otherwise.
const PAGER_DUTY: &str = "https://events.pagerduty.com/v2/enqueue";

/// The keys that say what kind of place it is.
const CHANNELS: [&str; 4] = ["webhook", "pager_duty", "slack", "smtp"];

pub(crate) fn read(reader: &mut Reader, map: &mut Map<'_>) -> Option<NotificationTarget> {
    let disabled = reader.truth(map, "disabled", false);
    let mut channels = Vec::new();
    for key in CHANNELS {
        if let Some(entry) = map.take(key) {
            channels.push((key, entry));
        }
    }
    let name = reader.name(Kind::NotificationTarget, map);
    if channels.len() != 1 {
        let message = format!("needs one of {}", CHANNELS.join(", "));
        reader.problems.add(&map.at, message);
        return None;
    }
    let (key, entry) = channels.pop()?;
    let mut inner = entry.map(&mut reader.problems)?;
    let read = match key {
        "webhook" => webhook(reader, &mut inner),
        "pager_duty" => pager_duty(reader, &mut inner),
        "slack" => slack(reader, &mut inner),
        _ => smtp(reader, &mut inner),
    };
    inner.finish(&mut reader.problems);
    let (channel, values) = read?;
    Some(NotificationTarget {
        name: name?,
        disabled,
        channel,
        secrets: values.len(),
        values,
    })
}

type Parts = Option<(Channel, Vec<Secret>)>;

fn webhook(reader: &mut Reader, map: &mut Map<'_>) -> Parts {
    let url = url(reader, map);
    let secrets = map.require("secrets", &mut reader.problems)?;
    let mut values = Vec::new();
    for entry in secrets.list(&mut reader.problems) {
        values.extend(secret(reader, entry));
    }
    let url = url?;
    Some((Channel::Webhook { url }, values))
}

/// As the service answers it: an address without a path has one.
fn url(reader: &mut Reader, map: &mut Map<'_>) -> Option<String> {
    let entry = map.require("url", &mut reader.problems)?;
    let text = entry.text(&mut reader.problems)?;
    match url::Url::parse(&text) {
        Ok(url) => Some(url.into()),
        Err(_) => entry.bad("must be a URL", &mut reader.problems),
    }
}

fn pager_duty(reader: &mut Reader, map: &mut Map<'_>) -> Parts {
    let url = match map.take("url") {
        Some(entry) => entry.text(&mut reader.problems)?,
        None => PAGER_DUTY.to_owned(),
    };
    let key = needed(reader, map, "routing_key")?;
    Some((Channel::PagerDuty { url }, vec![key]))
}

fn slack(reader: &mut Reader, map: &mut Map<'_>) -> Parts {
    let url = needed(reader, map, "url")?;
    Some((Channel::Slack, vec![url]))
}

fn smtp(reader: &mut Reader, map: &mut Map<'_>) -> Parts {
    let [host, from] = ["host", "from"].map(|key| {
        let entry = map.require(key, &mut reader.problems)?;
        entry.text(&mut reader.problems)
    });
    let security = map
        .take("security")
        .and_then(|entry| reader.word(&entry, SECURITIES))
        .unwrap_or("starttls".to_owned());
    let port = reader.whole(map, "port", 1..=65_535);
    let port = port.unwrap_or(match security.as_str() {
        "tls" => 465,
        "none" => 25,
        _ => 587,
    });
    let username = reader.text(map, "username").unwrap_or_default();
    let password = match map.take("password") {
        Some(entry) => secret(reader, entry),
        None if username.is_empty() => None,
        None => {
            reader
                .problems
                .add(&map.at, "needs \"password\" beside \"username\"");
            None
        }
    };
    let to = map
        .take("to")
        .map(|entry| entry.texts(&mut reader.problems));
    let channel = Channel::Smtp {
        host: host?,
        port,
        security,
        username,
        from: from?,
        to: to
            .unwrap_or_default()
            .into_iter()
            .map(|(_, one)| one)
            .collect(),
    };
    Some((channel, password.into_iter().collect()))
}

fn needed(reader: &mut Reader, map: &mut Map<'_>, key: &str) -> Option<Secret> {
    let entry = map.require(key, &mut reader.problems)?;
    secret(reader, entry)
}

/// A secret that a variable of the environment or a file holds.
fn secret(reader: &mut Reader, entry: Entry<'_>) -> Option<Secret> {
    let at = entry.at.clone();
    // What would be said of a text that is no mapping is said better below.
    let Some(mut map) = entry.map(&mut Problems::default()) else {
        let message = "is secret and must not stand here: say `env: VARIABLE` or `file: PATH`";
        reader.problems.add(&at, message);
        return None;
    };
    let variable = reader.text(&mut map, "env");
    let file = reader.text(&mut map, "file");
    map.finish(&mut reader.problems);
    let read = match (variable, file) {
        (Some(name), None) => {
            std::env::var(&name).map_err(|_| format!("names a variable that is not set: {name}"))
        }
        (None, Some(path)) => std::fs::read_to_string(&path)
            .map_err(|error| format!("names a file that cannot be read: {path}: {error}")),
        _ => Err("needs either \"env\" or \"file\"".to_owned()),
    };
    let read = read.and_then(|text| match text.trim() {
        "" => Err("names a secret that is empty".to_owned()),
        text => Ok(Secret::new(text)),
    });
    read.map_err(|message| reader.problems.add(&at, message))
        .ok()
}

/// A target that is there.
pub(crate) fn known(target: sla::NotificationTarget) -> Known<NotificationTarget> {
    let stored = |secrets: Vec<sla::NotificationSecret>| {
        secrets.iter().filter(|secret| secret.has_secret).count()
    };
    let (channel, secrets) = match target.channel {
        Some(Proto::Webhook(one)) => (Channel::Webhook { url: one.url }, stored(one.secrets)),
        Some(Proto::PagerDuty(one)) => {
            let count = stored(one.routing_key.into_iter().collect());
            (Channel::PagerDuty { url: one.url }, count)
        }
        Some(Proto::Slack(one)) => (Channel::Slack, stored(one.url.into_iter().collect())),
        Some(Proto::Smtp(one)) => {
            let channel = Channel::Smtp {
                host: one.host,
                port: one.port,
                security: SECURITIES.word(one.security),
                username: one.username,
                from: one.from,
                to: one.to,
            };
            (channel, stored(one.password.into_iter().collect()))
        }
        None => (Channel::default(), 0),
    };
    Known {
        etag: target.etag,
        is: NotificationTarget {
            name: target.name,
            disabled: target.disabled,
            channel,
            secrets,
            values: Vec::new(),
        },
    }
}

/// A target to be put, secrets and all.
pub(crate) fn proto(target: &NotificationTarget, etag: String) -> sla::NotificationTarget {
    let NotificationTarget {
        name,
        disabled,
        channel,
        secrets: _,
        values,
    } = target;
    let mut secrets = values.iter().map(|value| sla::NotificationSecret {
        value: value.expose().to_owned(),
        ..sla::NotificationSecret::default()
    });
    let channel = match channel.clone() {
        Channel::Webhook { url } => Proto::Webhook(sla::WebhookTarget {
            url,
            secrets: secrets.collect(),
        }),
        Channel::PagerDuty { url } => Proto::PagerDuty(sla::PagerDutyTarget {
            routing_key: secrets.next(),
            url,
        }),
        Channel::Slack => Proto::Slack(sla::SlackTarget {
            url: secrets.next(),
        }),
        Channel::Smtp {
            host,
            port,
            security,
            username,
            from,
            to,
        } => Proto::Smtp(sla::SmtpTarget {
            host,
            port,
            security: SECURITIES.code(&security),
            username,
            password: secrets.next(),
            from,
            to,
        }),
    };
    sla::NotificationTarget {
        name: name.clone(),
        disabled: *disabled,
        channel: Some(channel),
        etag,
        ..sla::NotificationTarget::default()
    }
}
