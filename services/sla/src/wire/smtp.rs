//! Mail servers, as callers write and read them.

use std::net::Ipv6Addr;

use lotse_errors::Violations;
use lotse_notify::{check_recipient, check_sender};
use lotse_proto::sla::v1 as proto;
use url::Host;

use super::notification::Put;
use crate::notification::{Channel, Security, StoredSecret};

/// Addresses that a target names at most.
const RECIPIENTS: usize = 50;
/// Bytes of a user, a sender or an address at most.
const TEXT: usize = 320;

/// Reads a mail server of a Put; what is wrong goes to `wrong`.
pub(super) fn read(
    put: &Put<'_>,
    target: &proto::SmtpTarget,
    wrong: &mut Violations,
) -> Option<(Channel, Vec<StoredSecret>)> {
    let proto::SmtpTarget {
        host,
        port,
        security,
        username,
        password,
        from,
        to,
    } = target;
    let field = |name: &str| format!("notification_target.smtp.{name}");
    let host = read_host(host);
    let host = wrong.take(
        &field("host"),
        host.ok_or("must be a host's name or address"),
    );
    let security = read_security(*security);
    let security = wrong.take(
        &field("security"),
        security.ok_or("must be STARTTLS, TLS or NONE"),
    )?;
    let port = match *port {
        0 => Some(default_port(security)),
        port => u16::try_from(port).ok(),
    };
    let port = wrong.take(&field("port"), port.ok_or("must be at most 65535"));
    let user = username.len() <= TEXT && !username.contains(char::is_control);
    wrong.require(
        &field("username"),
        user,
        "must be at most 320 bytes of one line",
    );
    let safe = username.is_empty() || security != Security::None;
    wrong.require(
        &field("security"),
        safe,
        "must not be NONE with a user: everybody on the way could read the password",
    );
    let sender = check_sender(from);
    wrong.take(&field("from"), sender);
    wrong.require(
        &field("from"),
        from.len() <= TEXT,
        "must be at most 320 bytes",
    );
    wrong.require(&field("to"), to.len() <= RECIPIENTS, "must be at most 50");
    for (index, address) in to.iter().enumerate() {
        wrong.take(&field(&format!("to[{index}]")), check_recipient(address));
    }
    let channel = Channel::Smtp {
        host: host?,
        port: port?,
        security,
        username: username.clone(),
        from: from.clone(),
        to: to.clone(),
    };
    let given = password.as_ref();
    let secrets = if username.is_empty() {
        let none = given.is_none_or(|secret| secret.value.is_empty());
        wrong.require(&field("password"), none, "needs a user");
        Vec::new()
    } else {
        let kept = put.stored_mail();
        let same = kept.is_some_and(|stored| goes_to_the_same(&stored.channel, &channel));
        let secret = put.secret(&field("password"), given, kept, same, wrong)?;
        let good = secret.value.expose().len() <= TEXT;
        wrong.require(&field("password"), good, "must be at most 320 bytes");
        vec![secret]
    };
    Some((channel, secrets))
}

/// Whether the password would be shown to the same server, as safely and for the same user.
fn goes_to_the_same(stored: &Channel, wanted: &Channel) -> bool {
    match (stored, wanted) {
        (
            Channel::Smtp {
                host: stored_host,
                port: stored_port,
                security: stored_security,
                username: stored_username,
                ..
            },
            Channel::Smtp {
                host,
                port,
                security,
                username,
                ..
            },
        ) => {
            (stored_host, stored_port, stored_security, stored_username)
                == (host, port, security, username)
        }
        _ => false,
    }
}

/// The host as it is written canonically: odd spellings of addresses become addresses.
fn read_host(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Some(address.to_string());
    }
    match Host::parse(text).ok()? {
        Host::Domain(name) if name.len() <= 253 => Some(name),
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(address.to_string()),
        Host::Ipv6(address) => Some(address.to_string()),
    }
}

const fn default_port(security: Security) -> u16 {
    match security {
        Security::StartTls => 587,
        Security::Tls => 465,
        Security::None => 25,
    }
}

fn read_security(given: i32) -> Option<Security> {
    Some(match proto::SmtpSecurity::try_from(given).ok()? {
        proto::SmtpSecurity::Unspecified | proto::SmtpSecurity::Starttls => Security::StartTls,
        proto::SmtpSecurity::Tls => Security::Tls,
        proto::SmtpSecurity::None => Security::None,
    })
}

pub(super) fn write_security(security: Security) -> proto::SmtpSecurity {
    match security {
        Security::StartTls => proto::SmtpSecurity::Starttls,
        Security::Tls => proto::SmtpSecurity::Tls,
        Security::None => proto::SmtpSecurity::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_spellings_of_an_address_become_the_address() {
        for (given, read) in [
            ("mail.example.org", "mail.example.org"),
            ("MAIL.example.org", "mail.example.org"),
            ("2130706433", "127.0.0.1"),
            ("0x7f.1", "127.0.0.1"),
            ("0177.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
            ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1"),
        ] {
            assert_eq!(read_host(given).as_deref(), Some(read), "{given}");
        }
        for bad in ["", "mail server", "mail\r\nserver", "mail/x", "256.1.1.1"] {
            assert_eq!(read_host(bad), None, "{bad}");
        }
    }
}
