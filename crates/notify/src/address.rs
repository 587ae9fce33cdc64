//! Mail addresses, as this crate takes them.

use lettre::Address;
use lettre::message::Mailbox;

/// A text that is no mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// Neither an address nor a name with one.
    #[error("must be a mail address, or a name and an address as in `Desk <desk@example.org>`")]
    Sender,
    /// Not an address alone.
    #[error("must be a mail address as in `desk@example.org`")]
    Recipient,
}

/// Checks whom mail is from: `address` or `Name <address>`.
///
/// # Errors
/// When it is neither.
pub fn check_sender(text: &str) -> Result<(), InvalidAddress> {
    sender(text).map(drop).ok_or(InvalidAddress::Sender)
}

/// Checks whom mail is for: an address alone.
///
/// # Errors
/// When it is none.
pub fn check_recipient(text: &str) -> Result<(), InvalidAddress> {
    recipient(text).map(drop).ok_or(InvalidAddress::Recipient)
}

pub(crate) fn sender(text: &str) -> Option<Mailbox> {
    let one_line = !text.contains(char::is_control);
    text.parse().ok().filter(|_| one_line)
}

pub(crate) fn recipient(text: &str) -> Option<Address> {
    let one_line = !text.contains(char::is_control);
    text.parse().ok().filter(|_| one_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_what_would_break_out_of_a_header() {
        for good in [
            "desk@example.org",
            "Desk <desk@example.org>",
            "J\u{fc}rgen <j@example.org>",
        ] {
            assert_eq!(check_sender(good), Ok(()), "{good}");
        }
        assert_eq!(check_recipient("desk@example.org"), Ok(()));
        for bad in [
            "",
            "desk",
            "desk@example.org\r\nBcc: all@example.org",
            "Desk\n <desk@example.org>",
            "a@example.org, b@example.org",
            "a@example.org> RCPT TO:<b@example.org",
        ] {
            assert!(check_recipient(bad).is_err(), "{bad}");
            assert!(check_sender(bad).is_err(), "{bad}");
        }
    }
}
