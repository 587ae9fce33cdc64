//! How long a call may take here.

use std::time::Duration;

use http::HeaderMap;

/// Our answer must be on its way before tonic's own timer fires, because that one answers
/// CANCELLED. Both count in milliseconds and ours starts a little later.
const MARGIN: Duration = Duration::from_millis(2);

/// The time an answer may take, from the caller's deadline if it sets one.
pub(crate) fn of(headers: &HeaderMap) -> Option<Duration> {
    let asked = lotse_client::deadline::of(headers)?;
    Some(asked.saturating_sub(MARGIN.min(asked / 2)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

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
