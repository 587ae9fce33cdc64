//! Open seconds of a day, midnight to midnight.

use crate::TimeOfDay;

/// `[from, to)` in seconds since local midnight, by the clock on the wall, within one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) from: u32,
    pub(crate) to: u32,
}

const MIDNIGHT: u32 = 86_400;

/// Open hours as one span of their own day and, past midnight, one of the next.
pub(crate) fn split(from: TimeOfDay, to: TimeOfDay) -> (Span, Option<Span>) {
    let (from, to) = (from.seconds(), to.seconds());
    if from < to {
        return (Span { from, to }, None);
    }
    (
        Span { from, to: MIDNIGHT },
        (to > 0).then_some(Span { from: 0, to }),
    )
}

/// Spans in order, those that touch or overlap as one.
pub(crate) fn joined(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut day: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match day.last_mut() {
            Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
            _ => day.push(span),
        }
    }
    day
}

/// Seconds open, on a day without a clock change.
pub(crate) fn seconds(day: &[Span]) -> i64 {
    day.iter()
        .map(|span| i64::from(span.to) - i64::from(span.from))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> TimeOfDay {
        text.parse().unwrap()
    }

    #[test]
    fn a_night_shift_is_an_evening_and_a_morning() {
        let (evening, morning) = split(time("22:00"), time("06:00"));
        assert_eq!(
            evening,
            Span {
                from: 22 * 3600,
                to: MIDNIGHT
            }
        );
        assert_eq!(
            morning,
            Some(Span {
                from: 0,
                to: 6 * 3600
            })
        );
    }

    #[test]
    fn a_shift_until_midnight_has_no_morning() {
        for midnight in ["00:00", "24:00"] {
            let (evening, morning) = split(time("12:00"), time(midnight));
            assert_eq!((evening.to, morning), (MIDNIGHT, None));
        }
    }

    #[test]
    fn spans_that_touch_are_one() {
        let spans = [(5, 7), (0, 3), (3, 4), (6, 9)].map(|(from, to)| Span { from, to });
        let expected = [(0, 4), (5, 9)].map(|(from, to)| Span { from, to });
        assert_eq!(joined(spans.to_vec()), expected);
    }
}
