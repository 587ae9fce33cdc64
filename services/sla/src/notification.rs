//! What a notification target is, as it is stored.

use std::fmt;

use lotse_clock::Timestamp;
use lotse_notify::{Login, PagerDuty, Secret, Slack, Smtp, SmtpSecurity, Target, Webhook};
use serde::{Deserialize, Serialize};

/// A target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Unique among targets.
    pub name: String,
    /// Whether nothing is to be sent.
    pub disabled: bool,
    /// Where it is, as far as that is no secret.
    pub channel: Channel,
    /// What is secret: signing secrets, the routing key, the URL of a chat, the password of a mail
    /// server.
    pub secrets: Vec<StoredSecret>,
}

/// A kind of place and where it is. Also the stored form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A receiver of signed calls.
    Webhook {
        /// Where to.
        url: String,
    },
    /// An integration of PagerDuty.
    PagerDuty {
        /// Where to.
        url: String,
    },
    /// A chat; all of its address is secret.
    Slack,
    /// A mailbox.
    Smtp {
        /// The mail server.
        host: String,
        /// Its port.
        port: u16,
        /// How the connection is made safe.
        security: Security,
        /// Empty for none.
        username: String,
        /// Whom mail is from.
        from: String,
        /// Whom it is for.
        to: Vec<String>,
    },
}

impl Channel {
    /// Its name, for metrics and for fields of a request.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::PagerDuty { .. } => "pager_duty",
            Self::Slack => "slack",
            Self::Smtp { .. } => "smtp",
        }
    }
}

/// How a connection to a mail server is made safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Changes to TLS.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None.
    None,
}

/// A secret, and since when it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// The secret.
    pub value: Secret,
    /// When it was put.
    pub set_at: Timestamp,
}

/// A stored target that cannot be sent to. Says nothing of its secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its {0} cannot be used")]
pub struct Unusable(pub &'static str);

impl Content {
    /// What to send to.
    ///
    /// # Errors
    /// When what is stored is no target, which a Put would have refused.
    pub fn target(&self) -> Result<Target, Unusable> {
        let secret = || self.secrets.first().map(|secret| secret.value.clone());
        Ok(match &self.channel {
            Channel::Webhook { url } => Target::Webhook(Webhook {
                url: url.parse().map_err(|_| Unusable("url"))?,
                secrets: self
                    .secrets
                    .iter()
                    .map(|secret| secret.value.expose().parse())
                    .collect::<Result<_, _>>()
                    .map_err(|_| Unusable("secrets"))?,
            }),
            Channel::PagerDuty { url } => Target::PagerDuty(PagerDuty {
                url: url.parse().map_err(|_| Unusable("url"))?,
                routing_key: secret().ok_or(Unusable("routing_key"))?,
            }),
            Channel::Slack => Target::Slack(Slack {
                url: secret().ok_or(Unusable("url"))?,
            }),
            Channel::Smtp {
                host,
                port,
                security,
                username,
                from,
                to,
            } => Target::Smtp(Smtp {
                host: host.clone(),
                port: *port,
                security: (*security).into(),
                login: if username.is_empty() {
                    None
                } else {
                    Some(Login {
                        username: username.clone(),
                        password: secret().ok_or(Unusable("password"))?,
                    })
                },
                from: from.clone(),
                to: to.clone(),
            }),
        })
    }
}

impl From<Security> for SmtpSecurity {
    fn from(security: Security) -> Self {
        match security {
            Security::StartTls => Self::StartTls,
            Security::Tls => Self::Tls,
            Security::None => Self::None,
        }
    }
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// To be tried, or being tried.
    Waiting,
    /// The receiver took it.
    Delivered,
    /// No longer tried.
    Dead,
}

impl State {
    /// As it is stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
