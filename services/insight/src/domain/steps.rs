//! The steps in which figures follow each other in time: hours, days, weeks and months of a time
//! zone, where a day may have 23 or 25 hours.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Zoned};
use lotse_clock::Timestamp;

/// The most steps a period may have.
pub const MOST: usize = 2_000;

/// The length of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// One step: the whole period.
    None,
    /// Hours.
    Hour,
    /// Days from midnight.
    Day,
    /// Weeks from Monday.
    Week,
    /// Months.
    Month,
}

/// A period, `[start, end)`, open where there is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// The first instant.
    pub start: Option<Timestamp>,
    /// The first instant after it.
    pub end: Option<Timestamp>,
}

/// A period has more than [`MOST`] steps, or lies outside of the years that calendars know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepsError {
    /// Too many.
    #[error("has more than {MOST} steps of this grain; shorten it or take a coarser grain")]
    TooMany,
    /// Before or after what a calendar can say.
    #[error("must lie between the years -9998 and 9998")]
    OutOfRange,
}

/// The edges of the steps from `start` to `end`, both included; those between are where a new
/// hour, day, week or month begins in `zone`.
///
/// # Errors
/// See [`StepsError`].
pub fn edges(
    start: Timestamp,
    end: Timestamp,
    grain: Grain,
    zone: &TimeZone,
) -> Result<Vec<Timestamp>, StepsError> {
    let mut edges = vec![start];
    let mut edge = next(start, grain, zone)?;
    while edge.is_some_and(|edge| edge < end) {
        edges.extend(edge);
        if edges.len() > MOST {
            return Err(StepsError::TooMany);
        }
        edge = match edge {
            Some(edge) => next(edge, grain, zone)?,
            None => None,
        };
    }
    edges.push(end);
    Ok(edges)
}

/// Where the step that holds `at` begins; `at` itself without a grain.
///
/// # Errors
/// Outside of the years that calendars know.
pub fn floor(at: Timestamp, grain: Grain, zone: &TimeZone) -> Result<Timestamp, StepsError> {
    let local = local(at, zone)?;
    match grain {
        Grain::None => Ok(at),
        Grain::Hour => Ok(start_of_hour(at, &local)),
        Grain::Day | Grain::Week | Grain::Month => midnight(first_day(local.date(), grain)?, zone),
    }
}

/// Where the step after the one that holds `at` begins; `None` without a grain.
///
/// # Errors
/// Outside of the years that calendars know.
pub fn next(at: Timestamp, grain: Grain, zone: &TimeZone) -> Result<Option<Timestamp>, StepsError> {
    let local = local(at, zone)?;
    let span = match grain {
        Grain::None => return Ok(None),
        Grain::Hour => return Ok(Some(next_hour(at, &local, zone)?)),
        Grain::Day => Span::new().days(1),
        Grain::Week => Span::new().weeks(1),
        Grain::Month => Span::new().months(1),
    };
    let first = first_day(local.date(), grain)?;
    let day = first
        .checked_add(span)
        .map_err(|_| StepsError::OutOfRange)?;
    midnight(day, zone).map(Some)
}

fn local(at: Timestamp, zone: &TimeZone) -> Result<Zoned, StepsError> {
    let at = jiff::Timestamp::from_millisecond(at.as_millis());
    Ok(at
        .map_err(|_| StepsError::OutOfRange)?
        .to_zoned(zone.clone()))
}

fn first_day(date: Date, grain: Grain) -> Result<Date, StepsError> {
    match grain {
        Grain::Month => Ok(date.first_of_month()),
        Grain::Week => date
            .checked_sub(Span::new().days(date.weekday().to_monday_zero_offset()))
            .map_err(|_| StepsError::OutOfRange),
        Grain::None | Grain::Hour | Grain::Day => Ok(date),
    }
}

/// The first instant of a day: midnight, or what follows where the clocks skip it.
fn midnight(day: Date, zone: &TimeZone) -> Result<Timestamp, StepsError> {
    let zoned = day.to_zoned(zone.clone());
    let start = zoned.and_then(|day| day.start_of_day());
    let start = start.map_err(|_| StepsError::OutOfRange)?;
    Ok(Timestamp::from_millis(start.timestamp().as_millisecond()))
}

/// Counted back from the instant, not from the clock on the wall: an hour that comes twice is two
/// hours.
fn start_of_hour(at: Timestamp, local: &Zoned) -> Timestamp {
    let past = SignedDuration::from_mins(i64::from(local.minute()))
        + SignedDuration::from_secs(i64::from(local.second()))
        + SignedDuration::from_millis(i64::from(local.millisecond()));
    Timestamp::from_millis(at.as_millis() - past.as_millis() as i64)
}

/// One hour later, where the zone's offset changes by half an hour the next full hour after it.
fn next_hour(at: Timestamp, here: &Zoned, zone: &TimeZone) -> Result<Timestamp, StepsError> {
    const HOUR: i64 = 3_600_000;
    let later = Timestamp::from_millis(start_of_hour(at, here).as_millis() + HOUR);
    let full = start_of_hour(later, &local(later, zone)?);
    Ok(if full > at { full } else { later })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        let at: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_millis(at.as_millisecond())
    }

    fn hours(from: &str, to: &str, grain: Grain) -> Vec<i64> {
        let edges = edges(at(from), at(to), grain, &zone()).unwrap();
        let hours = edges.windows(2);
        hours
            .map(|pair| pair[1].millis_since(pair[0]) / 3_600_000)
            .collect()
    }

    #[test]
    fn days_have_23_and_25_hours_where_the_clocks_change() {
        // 29 March and 25 October 2026, midnight in Berlin.
        assert_eq!(
            hours("2026-03-27T23:00:00Z", "2026-03-30T22:00:00Z", Grain::Day),
            [24, 23, 24]
        );
        assert_eq!(
            hours("2026-10-23T22:00:00Z", "2026-10-26T23:00:00Z", Grain::Day),
            [24, 25, 24]
        );
    }

    #[test]
    fn the_hour_that_comes_twice_is_two_steps() {
        let hours = hours("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", Grain::Hour);
        assert_eq!(hours, vec![1; 25]);
    }

    #[test]
    fn first_and_last_step_are_cut_to_the_period() {
        assert_eq!(
            hours("2026-01-07T12:00:00Z", "2026-01-13T23:00:00Z", Grain::Week),
            [107, 48]
        );
        assert_eq!(
            hours("2026-01-31T12:00:00Z", "2026-03-01T00:00:00Z", Grain::Month),
            [11, 672, 1]
        );
        assert_eq!(
            hours("2026-01-31T12:00:00Z", "2026-01-31T14:00:00Z", Grain::None),
            [2]
        );
    }

    #[test]
    fn half_hour_shifts_do_not_stop_the_hours() {
        let zone = TimeZone::get("Australia/Lord_Howe").unwrap();
        let (from, to) = (at("2026-04-03T13:00:00Z"), at("2026-04-06T13:30:00Z"));
        let edges = edges(from, to, Grain::Hour, &zone).unwrap();
        assert!(edges.windows(2).all(|pair| pair[0] < pair[1]));
        assert!((72..=75).contains(&edges.len()), "{}", edges.len());
    }

    #[test]
    fn too_many_steps_are_refused() {
        let (from, to) = (at("2020-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"));
        assert_eq!(
            edges(from, to, Grain::Day, &zone()),
            Err(StepsError::TooMany)
        );
        assert!(edges(from, to, Grain::Week, &zone()).is_ok());
    }

    #[test]
    fn floor_is_where_the_step_begins() {
        let noon = at("2026-07-15T10:20:30.400Z");
        let starts = [
            (Grain::Hour, "2026-07-15T10:00:00Z"),
            (Grain::Day, "2026-07-14T22:00:00Z"),
            (Grain::Week, "2026-07-12T22:00:00Z"),
            (Grain::Month, "2026-06-30T22:00:00Z"),
        ];
        for (grain, start) in starts {
            assert_eq!(floor(noon, grain, &zone()), Ok(at(start)), "{grain:?}");
        }
    }
}
