//! Brings notices to places outside: webhooks, PagerDuty, chats, mail.
//!
//! A [`Sender`] makes one attempt and says what came of it; keeping notices and trying again is the
//! business of whoever holds them. Receivers know a repeated [`Notice`] by its id.
//!
//! No address of a private network is ever spoken to unless the operator allows it: the
//! [`guard`] looks at the very address that is connected to, and no redirect is followed.

mod address;
mod failure;
pub mod guard;
mod http;
mod mail;
mod notice;
mod pager_duty;
mod secret;
mod secured;
mod sender;
mod signature;
mod slack;
mod target;
mod tls;
mod webhook;

pub use address::{InvalidAddress, check_recipient, check_sender};
pub use failure::Failure;
pub use guard::Network;
pub use notice::{Action, Notice, Severity};
pub use secret::Secret;
pub use sender::{Config, Refused, Sender};
pub use signature::SigningSecret;
pub use target::{Login, PAGER_DUTY_URL, PagerDuty, Slack, Smtp, SmtpSecurity, Target, Webhook};
pub use tls::{Authorities, InvalidAuthorities};
