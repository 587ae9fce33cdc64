//! Instants and spans between our types and the well-known ones.

use std::time::Duration;

use lotse_clock::Timestamp;

/// A time or span that a message cannot carry or we cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutOfRange {
    /// Not a valid `google.protobuf.Timestamp` between the years 1 and 9999.
    #[error("must be a valid timestamp between the years 1 and 9999")]
    Timestamp,
    /// A negative span, or one of more than 10,000 years.
    #[error("must be a span between zero and 10,000 years")]
    Duration,
}

/// The first and the last second that `google.protobuf.Timestamp` allows.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// The well-known form of an instant.
pub fn to_proto(at: Timestamp) -> prost_types::Timestamp {
    let millis = at.as_millis();
    let nanos = i32::try_from(millis.rem_euclid(1_000) * 1_000_000).unwrap_or(0);
    prost_types::Timestamp {
        seconds: millis.div_euclid(1_000),
        nanos,
    }
}

/// An instant from its well-known form, cut to milliseconds.
///
/// # Errors
/// When it is not a valid timestamp.
pub fn from_proto(at: &prost_types::Timestamp) -> Result<Timestamp, OutOfRange> {
    if !SECONDS.contains(&at.seconds) || !(0..1_000_000_000).contains(&at.nanos) {
        return Err(OutOfRange::Timestamp);
    }
    let millis = at.seconds * 1_000 + i64::from(at.nanos) / 1_000_000;
    Ok(Timestamp::from_millis(millis))
}

/// The well-known form of a span.
pub fn duration_to_proto(span: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(span.subsec_nanos()).unwrap_or(0),
    }
}

/// A span from its well-known form.
///
/// # Errors
/// When it is negative or longer than `google.protobuf.Duration` allows.
pub fn duration_from_proto(span: &prost_types::Duration) -> Result<Duration, OutOfRange> {
    let seconds = u64::try_from(span.seconds).map_err(|_| OutOfRange::Duration)?;
    let nanos = u32::try_from(span.nanos).map_err(|_| OutOfRange::Duration)?;
    if seconds > 315_576_000_000 || nanos > 999_999_999 {
        return Err(OutOfRange::Duration);
    }
    Ok(Duration::new(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_survive_the_way_there_and_back() {
        for millis in [-1, 0, 1, 999, 1_000, 1_456_704_000_123] {
            let at = Timestamp::from_millis(millis);
            assert_eq!(from_proto(&to_proto(at)), Ok(at));
        }
    }

    #[test]
    fn what_protobuf_forbids_is_refused() {
        let bad = prost_types::Timestamp {
            seconds: 0,
            nanos: -1,
        };
        assert_eq!(from_proto(&bad), Err(OutOfRange::Timestamp));
        let negative = prost_types::Duration {
            seconds: -1,
            nanos: 0,
        };
        assert_eq!(duration_from_proto(&negative), Err(OutOfRange::Duration));
    }
}
