//! Mail: a message made of the notice, handed to a mail server.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lettre::address::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, SinglePart};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};

use crate::address::{recipient, sender as mailbox};
use crate::secured::{Secured, start_tls};
use crate::{Failure, Notice, Sender, Smtp, SmtpSecurity};

/// Time for saying goodbye, after which the connection is simply dropped.
const GOODBYE: Duration = Duration::from_secs(1);

pub(crate) async fn send(sender: &Sender, target: &Smtp, notice: &Notice) -> Result<(), Failure> {
    let letter = Letter::new(target, notice)?;
    let host = &target.host;
    let patience = sender.config.connect_timeout;
    let stream = sender.guard.connect(host, target.port, patience).await?;
    let hello = ClientId::Domain(letter.domain().to_owned());
    let mut server = match target.security {
        SmtpSecurity::None => connect(Box::new(stream), &hello).await?,
        SmtpSecurity::Tls => {
            let stream = sender.wrap(host, stream).await?;
            connect(Box::new(Secured::new(stream, Vec::new())), &hello).await?
        }
        SmtpSecurity::StartTls => {
            let (stream, greeting) = start_tls(stream, letter.domain()).await?;
            let stream = sender.wrap(host, stream).await?;
            connect(Box::new(Secured::new(stream, greeting)), &hello).await?
        }
    };
    if let Some(login) = &target.login {
        let password = login.password.expose().to_owned();
        let credentials = Credentials::new(login.username.clone(), password);
        let outcome = server.auth(DEFAULT_MECHANISMS, &credentials).await;
        outcome.map_err(|error| failure("AUTH", &error))?;
    }
    let outcome = letter.hand_over(&mut server).await;
    // Whatever it says to this, the message is with it or not.
    let _ = tokio::time::timeout(GOODBYE, server.quit()).await;
    outcome
}

async fn connect(
    stream: Box<dyn smtp::client::AsyncTokioStream>,
    hello: &ClientId,
) -> Result<AsyncSmtpConnection, Failure> {
    let connected = AsyncSmtpConnection::connect_with_transport(stream, hello).await;
    connected.map_err(|error| failure("EHLO", &error))
}

/// A message and its envelope.
struct Letter {
    from: Mailbox,
    to: BTreeSet<Address>,
    content: Vec<u8>,
}

impl Letter {
    fn new(target: &Smtp, notice: &Notice) -> Result<Self, Failure> {
        let unusable = |what: &str| Failure::permanent("unusable", what.to_owned());
        let from = mailbox(&target.from).ok_or_else(|| unusable("the sender is no address"))?;
        let named = if notice.recipients.is_empty() {
            &target.to
        } else {
            &notice.recipients
        };
        let to: Option<BTreeSet<Address>> = named.iter().map(|text| recipient(text)).collect();
        let to = to.ok_or_else(|| unusable("a recipient is no address"))?;
        if to.is_empty() {
            let text = "neither the notice nor the target names a recipient";
            return Err(Failure::permanent("no_recipient", text));
        }
        let content = message(&from, &to, notice);
        let content = content.map_err(|error| unusable(&error.to_string()))?;
        let content = content.formatted();
        Ok(Self { from, to, content })
    }

    /// The domain that the mail is from.
    fn domain(&self) -> &str {
        self.from.email.domain()
    }

    /// Hands the message over for each recipient that the server takes.
    async fn hand_over(&self, server: &mut AsyncSmtpConnection) -> Result<(), Failure> {
        let wide = std::iter::once(&self.from.email).chain(&self.to);
        let wide = wide
            .map(AsRef::<str>::as_ref)
            .any(|address| !address.is_ascii());
        let mut parameters = Vec::new();
        if wide {
            if !server
                .server_info()
                .supports_feature(Extension::SmtpUtfEight)
            {
                let text = "the server takes no addresses beyond ASCII";
                return Err(Failure::permanent("smtp_utf8", text));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let mail = Mail::new(Some(self.from.email.clone()), parameters);
        let taken = server.command(mail).await;
        taken.map_err(|error| failure("MAIL", &error))?;
        let mut refused: Vec<Failure> = Vec::new();
        for address in &self.to {
            let rcpt = Rcpt::new(address.clone(), Vec::new());
            if let Err(error) = server.command(rcpt).await {
                let failure = failure("RCPT", &error);
                if error.status().is_none() {
                    return Err(failure);
                }
                refused.push(failure);
            }
        }
        // A passing refusal first: then all of it is tried again.
        refused.sort_by_key(|failure| failure.permanent);
        let worst = refused.first().cloned();
        if refused.len() < self.to.len() {
            let ready = server.command(Data).await;
            ready.map_err(|error| failure("DATA", &error))?;
            let taken = server.message(&self.content).await;
            taken.map_err(|error| failure("the message", &error))?;
        }
        let Some(worst) = worst else { return Ok(()) };
        let (refused, all) = (refused.len(), self.to.len());
        let detail = format!("{}, for {refused} of {all} recipients", worst.detail);
        Err(Failure { detail, ..worst })
    }
}

/// The message. Nothing in the notice can end a header: titles become one line, and whatever else
/// stands in a header is an id or an address that was read as one.
fn message(
    from: &Mailbox,
    to: &BTreeSet<Address>,
    notice: &Notice,
) -> Result<Message, lettre::error::Error> {
    let domain = from.email.domain();
    let title: String = notice
        .title
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut builder = Message::builder()
        .from(from.clone())
        .subject(title)
        .date(made_at(notice))
        .message_id(Some(format!("<{}@{domain}>", id_part(&notice.id))))
        // Mails about the same incident stand together.
        .references(format!("<{}@{domain}>", id_part(&notice.subject_key)));
    for address in to {
        builder = builder.to(Mailbox::new(None, address.clone()));
    }
    // RFC 3834: nobody's absence note answers it.
    builder = builder.raw_header(HeaderValue::new(
        HeaderName::new_from_ascii_str("Auto-Submitted"),
        "auto-generated".to_owned(),
    ));
    builder.singlepart(SinglePart::plain(text(notice)))
}

fn made_at(notice: &Notice) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(notice.at.as_millis()).unwrap_or(0))
}

/// What may stand left of the `@` in a Message-ID.
fn id_part(text: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || "_-.".contains(*c);
    text.chars().filter(allowed).take(200).collect()
}

fn text(notice: &Notice) -> String {
    let mut text = notice.text.clone();
    if !notice.facts.is_empty() {
        text.push_str("\n\n");
    }
    for (name, fact) in &notice.facts {
        text.push_str(&format!("{name}: {fact}\n"));
    }
    text.push_str(&format!("\n-- \n{}\n", notice.id));
    text
}

/// What a failure means: 4xx passes, 5xx does not (RFC 5321, 4.2.1). The server's own words are not
/// repeated.
fn failure(step: &str, error: &smtp::Error) -> Failure {
    if let Some(code) = error.status() {
        let text = format!("the mail server answered {code} to {step}");
        let reason = format!("smtp_{code}");
        return if error.is_permanent() {
            Failure::permanent(reason, text)
        } else {
            Failure::passing(reason, text)
        };
    }
    if error.is_client() {
        let text = format!("the mail server does not offer what {step} needs");
        return Failure::permanent("smtp_unsupported", text);
    }
    let text = format!("the connection to the mail server broke during {step}");
    Failure::passing("no_answer", text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::example;

    fn target() -> Smtp {
        Smtp {
            host: "mail.example.org".to_owned(),
            port: 587,
            security: SmtpSecurity::StartTls,
            login: None,
            from: "Lotse <lotse@example.org>".to_owned(),
            to: vec!["desk@example.org".to_owned()],
        }
    }

    fn written(notice: &Notice) -> String {
        String::from_utf8(Letter::new(&target(), notice).unwrap().content).unwrap()
    }

    #[test]
    fn a_message_is_known_by_the_notices_id() {
        let text = written(&example());
        for line in [
            "Message-ID: <dlv_01h455vb4pex5vsknk084sn02q@example.org>",
            "References: <alr_01h455vb4pex5vsknk084sn02q@example.org>",
            "From: Lotse <lotse@example.org>",
            "To: desk@example.org",
            "Date: Mon, 02 Mar 2026 09:00:00 +0000",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Subject: Ticket 17 untouched for 2 h",
            "ticket: tkt_1",
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line} in\n{text}");
        }
        assert_eq!(text, written(&example()), "the same each time");
    }

    #[test]
    fn no_title_adds_a_header_or_a_recipient() {
        let evil = Notice {
            title: "x\r\nBcc: all@example.org\r\n\r\nbody\u{85}\u{fc}".to_owned(),
            id: "dlv_1>\r\nX-Evil: 1".to_owned(),
            subject_key: "alr_1\r\nX-Evil: 1".to_owned(),
            ..example()
        };
        let text = written(&evil);
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        for line in head.split("\r\n") {
            assert!(
                !line.starts_with("Bcc") && !line.starts_with("X-Evil"),
                "{text}"
            );
            assert!(line.is_ascii() && !line.contains(['\r', '\n']), "{line}");
        }
    }

    #[test]
    fn a_notices_own_recipients_come_before_the_targets() {
        let named = Notice {
            recipients: vec![
                "a@example.org".to_owned(),
                "b@example.org".to_owned(),
                "a@example.org".to_owned(),
            ],
            ..example()
        };
        let letter = Letter::new(&target(), &named).unwrap();
        let to: Vec<String> = letter.to.iter().map(ToString::to_string).collect();
        assert_eq!(to, ["a@example.org", "b@example.org"]);
        for (recipients, reason) in [
            (vec![], "no_recipient"),
            (
                vec!["a@example.org>\r\nRCPT TO:<b@example.org".to_owned()],
                "unusable",
            ),
        ] {
            let nobody = Smtp {
                to: Vec::new(),
                ..target()
            };
            let notice = Notice {
                recipients,
                ..example()
            };
            let failure = Letter::new(&nobody, &notice).err().unwrap();
            assert_eq!((failure.reason.as_str(), failure.permanent), (reason, true));
        }
    }
}
