//! The deadline of the call being served, for the calls it makes in turn.

use std::future::Future;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue};
use lotse_clock::SystemClock;

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Runs `work` with `left` to go: calls made inside carry a deadline no later than that.
pub async fn within<F: Future>(left: Duration, work: F) -> F::Output {
    DEADLINE.scope(SystemClock.monotonic() + left, work).await
}

/// Time left of the call being served; `None` outside of one, or when it has no deadline.
pub fn remaining() -> Option<Duration> {
    DEADLINE
        .try_with(|at| at.saturating_duration_since(SystemClock.monotonic()))
        .ok()
}

/// The deadline a request carries in `grpc-timeout`. `None` when it has none, or none that the
/// protocol knows (then there is no deadline, as in other implementations).
pub fn of(headers: &HeaderMap) -> Option<Duration> {
    parse(headers.get("grpc-timeout")?)
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

/// A `grpc-timeout` of at most 8 digits, in the finest unit that holds it; never zero, which some
/// servers refuse.
pub(crate) fn encode(left: Duration) -> HeaderValue {
    const MAX: u128 = 99_999_999;
    let micros = left.as_micros().max(1);
    let text = if micros <= MAX {
        format!("{micros}u")
    } else if left.as_millis() <= MAX {
        format!("{}m", left.as_millis())
    } else {
        format!("{}S", u128::from(left.as_secs()).min(MAX))
    };
    HeaderValue::from_str(&text).expect("digits and a letter") // invariant: ASCII
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeout_has_at_most_eight_digits_and_is_never_zero() {
        for (left, text) in [
            (Duration::ZERO, "1u"),
            (Duration::from_micros(99_999_999), "99999999u"),
            (Duration::from_secs(100), "100000m"),
            (Duration::from_secs(100_000), "100000S"),
            (Duration::MAX, "99999999S"),
        ] {
            assert_eq!(encode(left), text);
        }
    }

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

    #[tokio::test(start_paused = true)]
    async fn nested_work_sees_what_is_left() {
        assert_eq!(remaining(), None);
        let left = within(Duration::from_secs(5), async { remaining() }).await;
        assert!(
            left.is_some_and(|left| left <= Duration::from_secs(5)),
            "{left:?}"
        );
    }
}
