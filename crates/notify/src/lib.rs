//! Brings notices to places outside: webhooks, PagerDuty, chats, mail.
//!
//! A [`Sender`] makes one attempt and says what came of it; keeping notices and trying again is the
//! business of whoever holds them. Receivers know a repeated [`Notice`] by its id.

mod address;
mod failure;
mod notice;
mod secret;
mod signature;
mod target;

pub use address::{InvalidAddress, check_recipient, check_sender};
pub use failure::Failure;
pub use notice::{Action, Notice, Severity};
pub use secret::Secret;
pub use signature::{SigningSecret, sign};
pub use target::{Login, PAGER_DUTY_URL, PagerDuty, Slack, Smtp, SmtpSecurity, Target, Webhook};
