//! One attempt to bring a notice to a target.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use crate::guard::{Guard, HTTP_PORTS, Network, Resolve, SMTP_PORTS, SystemNames, is_good_port};
use crate::tls::Authorities;
use crate::{Failure, Notice, Target, mail, pager_duty, slack, webhook};

/// How attempts are made.
#[derive(Clone, Debug)]
pub struct Config {
    /// Networks that may be spoken to although they are not global.
    pub allow_internal: Vec<Network>,
    /// Time for reaching one address.
    pub connect_timeout: Duration,
    /// Time for an attempt, resolving and connecting included.
    pub timeout: Duration,
    /// Who vouches for receivers besides the public authorities.
    pub authorities: Authorities,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            allow_internal: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(15),
            authorities: Authorities::default(),
        }
    }
}

/// Something about a target that no attempt could get past: a field of it, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `url` or `host` or `port`.
    pub field: &'static str,
    /// What is wrong with it; holds no secret.
    pub problem: String,
    /// The code that an attempt would fail with.
    pub reason: &'static str,
}

/// Brings notices to targets. Cheap to clone.
#[derive(Clone)]
pub struct Sender {
    pub(crate) guard: Guard,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) config: Arc<Config>,
}

impl Sender {
    /// A sender; names are looked up as the system does.
    pub fn new(config: Config) -> Self {
        Self::with_names(config, Arc::new(SystemNames))
    }

    /// A sender that looks names up in `names`.
    pub fn with_names(config: Config, names: Arc<dyn Resolve>) -> Self {
        Self {
            guard: Guard::new(config.allow_internal.clone(), names),
            tls: Arc::new(config.authorities.client()),
            config: Arc::new(config),
        }
    }

    /// What is wrong with a target as far as it shows without speaking to it: an address inside, a
    /// port of another protocol.
    pub fn check(&self, target: &Target) -> Vec<Refused> {
        let slack;
        let (url, field, host, port, own) = match target {
            Target::Webhook(webhook) => (Some(&webhook.url), "url", "", None, &HTTP_PORTS[..]),
            Target::PagerDuty(pager) => (Some(&pager.url), "url", "", None, &HTTP_PORTS[..]),
            Target::Slack(chat) => {
                slack = chat.url.expose().parse().ok();
                (slack.as_ref(), "url", "", None, &HTTP_PORTS[..])
            }
            Target::Smtp(mail) => {
                let host = mail.host.as_str();
                (None, "host", host, Some(mail.port), &SMTP_PORTS[..])
            }
        };
        let host = url.and_then(url::Url::host_str).unwrap_or(host);
        let port = url.and_then(url::Url::port_or_known_default).or(port);
        let mut refused = Vec::new();
        if let Err(what) = self.guard.check_host(host) {
            let problem = format!("is {what}, and no notice is sent there");
            refused.push(Refused {
                field,
                problem,
                reason: "refused_address",
            });
        }
        if !port.is_some_and(|port| is_good_port(port, own)) {
            refused.push(Refused {
                field: if url.is_some() { "url" } else { "port" },
                problem: "has a port that is not for this".to_owned(),
                reason: "refused_port",
            });
        }
        refused
    }

    /// Tries once to bring `notice` to `target`, for [`Config::timeout`] at most.
    ///
    /// # Errors
    /// Why it did not arrive, or may not have: a receiver that was cut off in its answer can have
    /// it all the same.
    pub async fn send(&self, target: &Target, notice: &Notice) -> Result<(), Failure> {
        if let Some(refused) = self.check(target).into_iter().next() {
            let text = format!("the {} {}", refused.field, refused.problem);
            return Err(Failure::permanent(refused.reason, text));
        }
        let attempt = async {
            match target {
                Target::Webhook(target) => webhook::send(self, target, notice).await,
                Target::PagerDuty(target) => pager_duty::send(self, target, notice).await,
                Target::Slack(target) => slack::send(self, target, notice).await,
                Target::Smtp(target) => mail::send(self, target, notice).await,
            }
        };
        // On the heap: the futures of TLS and SMTP are large.
        match tokio::time::timeout(self.config.timeout, Box::pin(attempt)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let text = format!("no answer within {:?}", self.config.timeout);
                Err(Failure::passing("timeout", text))
            }
        }
    }
}
