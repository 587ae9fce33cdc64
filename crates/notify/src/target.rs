//! Where notices are sent.

use url::Url;

use crate::{Secret, SigningSecret};

/// Where PagerDuty takes events (Events API v2).
pub const PAGER_DUTY_URL: &str = "https://events.pagerduty.com/v2/enqueue";

/// A place to send notices to, with what is needed to do so. Its debug output shows no secrets.
#[derive(Clone, Debug)]
pub enum Target {
    /// A receiver of signed calls.
    Webhook(Webhook),
    /// An integration of PagerDuty.
    PagerDuty(PagerDuty),
    /// A channel of a chat.
    Slack(Slack),
    /// A mailbox.
    Smtp(Smtp),
}

/// A receiver of Standard Webhooks.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Where to.
    pub url: Url,
    /// Each makes a signature; at least one.
    pub secrets: Vec<SigningSecret>,
}

/// An integration of PagerDuty, Events API v2.
#[derive(Clone, Debug)]
pub struct PagerDuty {
    /// Where to; [`PAGER_DUTY_URL`] but in tests and for what speaks the same.
    pub url: Url,
    /// The integration's key.
    pub routing_key: Secret,
}

/// A Slack-compatible incoming webhook.
#[derive(Clone, Debug)]
pub struct Slack {
    /// Where to; who knows it may post.
    pub url: Secret,
}

/// A mail server, and who writes to whom.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is made safe.
    pub security: SmtpSecurity,
    /// Who we are to it.
    pub login: Option<Login>,
    /// `address` or `Name <address>`.
    pub from: String,
    /// Who gets it when the notice names nobody.
    pub to: Vec<String>,
}

/// Who we are to a mail server.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// How a connection to a mail server is made safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// Begins in the clear and must change to TLS before anything is said.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None.
    None,
}
