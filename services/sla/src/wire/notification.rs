//! Notification targets and dead letters, as callers write and read them. Secrets come in and never
//! go out.

use lotse_clock::Timestamp;
use lotse_errors::{Text, Violations};
use lotse_grpc::etag;
use lotse_ids::NotificationTargetId;
use lotse_notify::{Failure, PAGER_DUTY_URL, Secret, SigningSecret};
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::notification_target::Channel as Given;
use lotse_proto::time::{duration_to_proto, to_proto};
use url::Url;

use super::smtp;
use crate::notification::{Channel, Content, StoredSecret};
use crate::settings::looks_like_id;
use crate::store::dead_letters::DeadLetter;
use crate::store::notification_targets::Row;

/// Bytes of a URL at most.
const URL: usize = 2_048;
/// Signing secrets of a webhook at most.
const SECRETS: usize = 4;

/// Reads the target of a Put over what is stored of it; what is wrong goes to `wrong`, under
/// `notification_target`.
pub(crate) fn read(
    target: &proto::NotificationTarget,
    stored: Option<&Content>,
    now: Timestamp,
    wrong: &mut Violations,
) -> Option<Content> {
    // The server sets the others.
    let proto::NotificationTarget {
        id: _,
        name,
        disabled,
        channel,
        version: _,
        etag: _,
        created_at: _,
        updated_at: _,
    } = target;
    let name = wrong.text("notification_target.name", name, Text::line(1..=128));
    let an_id = looks_like_id(NotificationTargetId::PREFIX, &name);
    wrong.require(
        "notification_target.name",
        !an_id,
        "must not look like an id",
    );
    let put = Put { stored, now };
    let (channel, secrets) = match wrong.present("notification_target.channel", channel.as_ref())? {
        Given::Webhook(webhook) => put.webhook(webhook, wrong),
        Given::PagerDuty(pager_duty) => put.pager_duty(pager_duty, wrong),
        Given::Slack(slack) => put.slack(slack, wrong),
        Given::Smtp(mail) => smtp::read(&put, mail, wrong),
    }?;
    Some(Content {
        name,
        disabled: *disabled,
        channel,
        secrets,
    })
}

/// A Put over what is stored.
pub(super) struct Put<'a> {
    stored: Option<&'a Content>,
    now: Timestamp,
}

type Parts = Option<(Channel, Vec<StoredSecret>)>;

impl Put<'_> {
    fn webhook(&self, webhook: &proto::WebhookTarget, wrong: &mut Violations) -> Parts {
        let proto::WebhookTarget { url, secrets } = webhook;
        let url = read_url("notification_target.webhook.url", url, wrong);
        let stored = self
            .stored
            .filter(|stored| matches!(stored.channel, Channel::Webhook { .. }));
        let kept = stored.map_or(&[][..], |stored| &stored.secrets);
        let field = "notification_target.webhook.secrets";
        let secrets = if secrets.is_empty() {
            wrong.require(field, !kept.is_empty(), "needs at least one");
            kept.to_vec()
        } else {
            wrong.require(field, secrets.len() <= SECRETS, "must be at most 4");
            self.signing_secrets(field, secrets, kept, wrong)
        };
        let url = url?.into();
        Some((Channel::Webhook { url }, secrets))
    }

    fn signing_secrets(
        &self,
        field: &str,
        given: &[proto::NotificationSecret],
        kept: &[StoredSecret],
        wrong: &mut Violations,
    ) -> Vec<StoredSecret> {
        let mut kept = kept.to_vec();
        let mut secrets: Vec<StoredSecret> = Vec::new();
        for (index, secret) in given.iter().enumerate() {
            let field = format!("{field}[{index}]");
            let stored = |kept: &StoredSecret| {
                if secret.value.is_empty() {
                    Some(to_proto(kept.set_at)) == secret.set_at
                } else {
                    kept.value.expose() == secret.value
                }
            };
            if let Some(at) = kept.iter().position(stored) {
                secrets.push(kept.remove(at));
            } else if secret.value.is_empty() {
                wrong.add(field, "has no value, and none is stored that was set then");
            } else if secrets
                .iter()
                .any(|other| other.value.expose() == secret.value)
            {
                wrong.add(field, "repeats another");
            } else {
                wrong.parse::<SigningSecret>(&field, &secret.value);
                secrets.push(self.new_secret(&secret.value));
            }
        }
        secrets
    }

    fn pager_duty(&self, target: &proto::PagerDutyTarget, wrong: &mut Violations) -> Parts {
        let proto::PagerDutyTarget { routing_key, url } = target;
        let url = if url.is_empty() { PAGER_DUTY_URL } else { url };
        let url = read_url("notification_target.pager_duty.url", url, wrong);
        let url = String::from(url?);
        let kept = self
            .stored
            .filter(|stored| matches!(stored.channel, Channel::PagerDuty { .. }));
        let channel = Channel::PagerDuty { url };
        let same = kept.is_some_and(|stored| stored.channel == channel);
        let field = "notification_target.pager_duty.routing_key";
        let key = self.secret(field, routing_key.as_ref(), kept, same, wrong)?;
        let text = key.value.expose();
        let good = text.len() == 32 && text.chars().all(|c| c.is_ascii_alphanumeric());
        wrong.require(field, good, "must be 32 letters or digits");
        Some((channel, vec![key]))
    }

    fn slack(&self, target: &proto::SlackTarget, wrong: &mut Violations) -> Parts {
        let proto::SlackTarget { url } = target;
        let kept = self
            .stored
            .filter(|stored| stored.channel == Channel::Slack);
        let field = "notification_target.slack.url";
        let mut secret = self.secret(field, url.as_ref(), kept, true, wrong)?;
        let url = read_url(field, secret.value.expose(), wrong)?;
        secret.value = Secret::new(url);
        Some((Channel::Slack, vec![secret]))
    }

    /// The one secret of a target: the one given, or the one that is stored in `kept` if it goes to
    /// the `same` place as before. Who may write a target may not thereby read its secret.
    pub(super) fn secret(
        &self,
        field: &str,
        given: Option<&proto::NotificationSecret>,
        kept: Option<&Content>,
        same: bool,
        wrong: &mut Violations,
    ) -> Option<StoredSecret> {
        let kept = kept.and_then(|stored| stored.secrets.first());
        let value = given.map_or("", |secret| &secret.value);
        match kept {
            Some(kept) if value == kept.value.expose() => Some(kept.clone()),
            Some(kept) if value.is_empty() && same => Some(kept.clone()),
            Some(_) if value.is_empty() => {
                let text = "must be given again, because it would go to another place";
                wrong.add(field, text);
                None
            }
            _ if value.is_empty() => {
                wrong.add(field, "is required");
                None
            }
            _ => Some(self.new_secret(value)),
        }
    }

    fn new_secret(&self, value: &str) -> StoredSecret {
        StoredSecret {
            value: Secret::new(value),
            set_at: self.now,
        }
    }

    /// What is stored, if it is mail.
    pub(super) fn stored_mail(&self) -> Option<&Content> {
        self.stored
            .filter(|stored| matches!(stored.channel, Channel::Smtp { .. }))
    }
}

/// A URL to post to. What is wrong with it is told without repeating it: it may be secret.
fn read_url(field: &str, text: &str, wrong: &mut Violations) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= URL);
    let url = url.filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    let Some(url) = url else {
        wrong.add(field, "must be an https or http URL of at most 2048 bytes");
        return None;
    };
    let user = !url.username().is_empty() || url.password().is_some();
    wrong.require(field, !user, "must not hold a user or a password");
    let plain = url.fragment().is_none();
    wrong.require(field, plain, "must not have a fragment");
    Some(url)
}

/// A target without its secrets.
pub(crate) fn write(row: &Row) -> proto::NotificationTarget {
    let Row {
        id,
        version,
        content,
        created_at,
        updated_at,
    } = row;
    let Content {
        name,
        disabled,
        channel,
        secrets,
    } = content;
    let mut secrets = secrets.iter().map(write_secret);
    let channel = match channel {
        Channel::Webhook { url } => Given::Webhook(proto::WebhookTarget {
            url: url.clone(),
            secrets: secrets.collect(),
        }),
        Channel::PagerDuty { url } => Given::PagerDuty(proto::PagerDutyTarget {
            routing_key: secrets.next(),
            url: url.clone(),
        }),
        Channel::Slack => Given::Slack(proto::SlackTarget {
            url: secrets.next(),
        }),
        Channel::Smtp {
            host,
            port,
            security,
            username,
            from,
            to,
        } => Given::Smtp(proto::SmtpTarget {
            host: host.clone(),
            port: u32::from(*port),
            security: smtp::write_security(*security).into(),
            username: username.clone(),
            password: secrets.next(),
            from: from.clone(),
            to: to.clone(),
        }),
    };
    proto::NotificationTarget {
        id: id.clone(),
        name: name.clone(),
        disabled: *disabled,
        channel: Some(channel),
        version: *version,
        etag: etag::of(i64::from(*version)),
        created_at: Some(to_proto(*created_at)),
        updated_at: Some(to_proto(*updated_at)),
    }
}

fn write_secret(secret: &StoredSecret) -> proto::NotificationSecret {
    let StoredSecret { value: _, set_at } = secret;
    proto::NotificationSecret {
        value: String::new(),
        has_secret: true,
        set_at: Some(to_proto(*set_at)),
    }
}

/// What an attempt ended with.
pub(crate) fn write_failure(failure: &Failure) -> proto::DeliveryFailure {
    let Failure {
        reason,
        detail,
        permanent,
        retry_after,
    } = failure;
    proto::DeliveryFailure {
        reason: reason.clone(),
        detail: detail.clone(),
        permanent: *permanent,
        retry_after: retry_after.map(duration_to_proto),
    }
}

/// A dead letter.
pub(crate) fn write_dead_letter(letter: &DeadLetter) -> proto::DeadLetter {
    let DeadLetter {
        id,
        target_id,
        notice,
        died_at,
        attempts,
        failure,
    } = letter;
    proto::DeadLetter {
        id: id.clone(),
        notification_target_id: target_id.clone(),
        kind: notice.kind.clone(),
        subject_key: notice.subject_key.clone(),
        title: notice.title.clone(),
        created_at: Some(to_proto(notice.at)),
        died_at: Some(to_proto(*died_at)),
        attempts: *attempts,
        failure: Some(write_failure(failure)),
    }
}
