//! The deadline a caller sends along in `grpc-timeout`.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

/// Our answer must be on its way before tonic's own timer fires, because that one answers
/// CANCELLED. Both count in milliseconds and ours starts a little later.
const MARGIN: Duration = Duration::from_millis(2);

/// How long an answer may take, as the caller says. `None` when it says nothing, or nothing that
/// the protocol knows (then there is no deadline, as in other implementations).
pub(crate) fn of(headers: &HeaderMap) -> Option<Duration> {
    let asked = headers.get("grpc-timeout").and_then(parse)?;
    Some(asked.saturating_sub(MARGIN.min(asked / 2)))
}

/// `TimeoutValue TimeoutUnit`: up to 8 digits and a letter
/// (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).
fn parse(value: &HeaderValue) -> Option<Duration> {
    let (unit, digits) = value.as_bytes().split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    match unit {
        b'H' => Some(Duration::from_secs(number * 3600)),
        b'M' => Some(Duration::from_secs(number * 60)),
        b'S' => Some(Duration::from_secs(number)),
        b'm' => Some(Duration::from_millis(number)),
        b'u' => Some(Duration::from_micros(number)),
        b'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &'static str) -> Option<Duration> {
        parse(&HeaderValue::from_static(value))
    }

    #[test]
    fn all_units_of_the_protocol_are_read_and_nothing_else() {
        assert_eq!(parsed("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(parsed("3M"), Some(Duration::from_secs(180)));
        assert_eq!(parsed("4S"), Some(Duration::from_secs(4)));
        assert_eq!(parsed("99999999m"), Some(Duration::from_millis(99_999_999)));
        assert_eq!(parsed("6u"), Some(Duration::from_micros(6)));
        assert_eq!(parsed("7n"), Some(Duration::from_nanos(7)));
        for bad in ["", "S", "5", "5s", "-1S", "123456789S", "1.5S"] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }

    #[test]
    fn own_deadline_lies_before_tonics() {
        let mut headers = HeaderMap::new();
        assert_eq!(of(&headers), None);
        headers.insert("grpc-timeout", HeaderValue::from_static("100m"));
        assert_eq!(of(&headers), Some(Duration::from_millis(98)));
        headers.insert("grpc-timeout", HeaderValue::from_static("1m"));
        assert_eq!(of(&headers), Some(Duration::from_micros(500)));
    }
}
