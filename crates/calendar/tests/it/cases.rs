//! What sla.md's arithmetic asks for, by example. 2026-03-02 is a Monday.

use std::time::Duration;

use lotse_calendar::{Calendar, Hours, NeverReached, Override, Shift, Spec, Weekday};
use lotse_clock::Timestamp;

use crate::{at, time};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// Monday to Friday 9 to 17 in UTC.
fn office() -> Calendar {
    Calendar::business_hours("UTC", time("09:00"), time("17:00"), &Weekday::ALL[..5]).unwrap()
}

fn with_overrides(overrides: Vec<Override>) -> Calendar {
    Calendar::new(Spec {
        overrides,
        ..office().spec().clone()
    })
    .unwrap()
}

fn closed(date: &str) -> Override {
    Override {
        date: date.parse().unwrap(),
        name: "holiday".to_owned(),
        hours: vec![],
    }
}

fn open(date: &str, from: &str, to: &str) -> Override {
    Override {
        hours: vec![Hours {
            from: time(from),
            to: time(to),
        }],
        ..closed(date)
    }
}

fn night(from: &str, to: &str) -> Calendar {
    Calendar::business_hours("UTC", time(from), time(to), &Weekday::ALL[..5]).unwrap()
}

#[test]
fn around_the_clock_is_plain_addition() {
    let (calendar, start) = (Calendar::always(), at("2026-03-07T23:00:00Z"));
    assert_eq!(calendar.advance(start, 100 * HOUR), Ok(start + 100 * HOUR));
    assert_eq!(calendar.elapsed(start, start + 77 * DAY), 77 * DAY);
    assert!(calendar.is_open(start));
    assert_eq!(calendar.next_open(start), Ok(start));
}

#[test]
fn a_budget_goes_on_at_the_next_opening() {
    let due = office().advance(at("2026-03-02T16:30:00Z"), HOUR);
    assert_eq!(due, Ok(at("2026-03-03T09:30:00Z")));
    let over_the_weekend = office().advance(at("2026-03-06T16:30:00Z"), HOUR);
    assert_eq!(over_the_weekend, Ok(at("2026-03-09T09:30:00Z")));
    let from_closed = office().advance(at("2026-03-07T12:00:00Z"), HOUR);
    assert_eq!(from_closed, Ok(at("2026-03-09T10:00:00Z")));
}

#[test]
fn a_budget_that_ends_at_closing_time_is_due_then_and_not_at_the_next_opening() {
    assert_eq!(
        office().advance(at("2026-03-02T16:00:00Z"), HOUR),
        Ok(at("2026-03-02T17:00:00Z"))
    );
    let a_week = office().advance(at("2026-03-02T09:00:00Z"), 40 * HOUR);
    assert_eq!(a_week, Ok(at("2026-03-06T17:00:00Z")));
    let a_year = office().advance(at("2026-03-02T09:00:00Z"), 52 * 40 * HOUR);
    assert_eq!(a_year, Ok(at("2027-02-26T17:00:00Z")));
}

#[test]
fn a_zero_budget_is_due_at_once_open_or_closed() {
    for start in [at("2026-03-02T10:00:00Z"), at("2026-03-07T10:00:00Z")] {
        assert_eq!(office().advance(start, Duration::ZERO), Ok(start));
    }
}

#[test]
fn nothing_is_cut_to_minutes() {
    let start = at("2026-03-02T16:59:59.250Z");
    let due = office()
        .advance(start, Duration::from_millis(1_001))
        .unwrap();
    assert_eq!(due, at("2026-03-03T09:00:00.251Z"));
    assert_eq!(office().elapsed(start, due), Duration::from_millis(1_001));
}

#[test]
fn a_night_shift_crosses_midnight() {
    let calendar = night("22:00", "06:00");
    let due = calendar.advance(at("2026-03-02T23:00:00Z"), 7 * HOUR);
    assert_eq!(due, Ok(at("2026-03-03T06:00:00Z")));
    assert!(
        calendar.is_open(at("2026-03-07T05:59:59.999Z")),
        "Friday's shift ends on Saturday"
    );
    assert!(!calendar.is_open(at("2026-03-07T06:00:00Z")));
    assert!(
        !calendar.is_open(at("2026-03-02T05:00:00Z")),
        "there is none on Sunday evening"
    );
}

#[test]
fn several_intervals_a_day_are_counted_without_the_break() {
    let shift = |from, to| Shift {
        day: Weekday::Monday,
        from: time(from),
        to: time(to),
    };
    let week = vec![shift("13:00", "17:00"), shift("08:00", "12:00")];
    let calendar = Calendar::new(Spec {
        week,
        ..office().spec().clone()
    })
    .unwrap();
    assert_eq!(
        calendar.advance(at("2026-03-02T11:30:00Z"), HOUR),
        Ok(at("2026-03-02T13:30:00Z"))
    );
    assert_eq!(
        calendar.next_open(at("2026-03-02T12:00:00Z")),
        Ok(at("2026-03-02T13:00:00Z"))
    );
}

#[test]
fn a_holiday_a_half_day_and_a_longer_day_replace_the_weekday() {
    let calendar = with_overrides(vec![
        closed("2026-03-03"),
        open("2026-03-04", "09:00", "12:00"),
        open("2026-03-07", "10:00", "11:00"),
    ]);
    let day = |date: &str| {
        let start = at(&format!("{date}T00:00:00Z"));
        calendar.elapsed(start, start + DAY)
    };
    assert_eq!(day("2026-03-03"), Duration::ZERO);
    assert_eq!(day("2026-03-04"), 3 * HOUR);
    assert_eq!(day("2026-03-05"), 8 * HOUR);
    assert_eq!(day("2026-03-07"), HOUR, "a Saturday that is open");
}

#[test]
fn a_night_shift_into_a_holiday_ends_at_midnight_and_one_out_of_an_open_date_does_not() {
    let spec = night("22:00", "06:00").spec().clone();
    let overrides = vec![closed("2026-03-03"), open("2026-03-05", "20:00", "04:00")];
    let calendar = Calendar::new(Spec { overrides, ..spec }).unwrap();
    let intervals: Vec<(Timestamp, Timestamp)> = calendar
        .intervals(at("2026-03-02T12:00:00Z"), at("2026-03-06T12:00:00Z"))
        .collect();
    let expected = [
        ("2026-03-02T22:00:00Z", "2026-03-03T00:00:00Z"),
        ("2026-03-04T22:00:00Z", "2026-03-05T00:00:00Z"),
        ("2026-03-05T20:00:00Z", "2026-03-06T00:00:00Z"),
        ("2026-03-06T00:00:00Z", "2026-03-06T04:00:00Z"),
    ];
    assert_eq!(intervals, expected.map(|(from, to)| (at(from), at(to))));
}

#[test]
fn twenty_five_closed_days_do_not_swallow_a_target_of_thirty_minutes() {
    let holidays = (1..=25)
        .map(|day| closed(&format!("2026-12-{day:02}")))
        .collect();
    let calendar = with_overrides(holidays);
    let due = calendar.advance(at("2026-11-30T16:45:00Z"), 30 * MINUTE);
    assert_eq!(
        due,
        Ok(at("2026-12-28T09:15:00Z")),
        "the 26th and 27th are a weekend"
    );
}

#[test]
fn what_is_not_reached_within_five_years_is_said_so() {
    let start = at("2026-03-02T00:00:00Z");
    let spec = Spec {
        week: vec![],
        overrides: vec![open("2026-03-04", "09:00", "10:00")],
        ..office().spec().clone()
    };
    let calendar = Calendar::new(spec).unwrap();
    assert_eq!(
        calendar.advance(start, HOUR),
        Ok(at("2026-03-04T10:00:00Z"))
    );
    let never = NeverReached {
        from: start,
        budget: HOUR + MINUTE,
    };
    assert_eq!(calendar.advance(start, HOUR + MINUTE), Err(never));
    assert!(calendar.next_open(at("2026-03-04T10:00:00Z")).is_err());
    for calendar in [Calendar::always(), office()] {
        assert!(calendar.advance(start, 6 * 366 * DAY).is_err());
        assert!(calendar.advance(start, Duration::MAX).is_err());
    }
    assert!(Calendar::always().advance(start, 5 * 365 * DAY).is_ok());
    assert!(office().advance(start, 5 * 52 * 40 * HOUR).is_ok());
}

#[test]
fn the_ends_of_time_do_no_harm() {
    let calendar = office();
    let (first, last) = (Timestamp::from_millis(i64::MIN), Timestamp::MAX);
    assert!(calendar.advance(last, HOUR).is_err());
    assert!(calendar.advance(first, HOUR).is_err());
    assert_eq!(calendar.elapsed(last, first), Duration::ZERO);
    assert_eq!(calendar.elapsed(last, last), Duration::ZERO);
}

#[test]
fn elapsed_is_zero_backwards_and_when_closed() {
    let (friday, monday) = (at("2026-03-06T17:00:00Z"), at("2026-03-09T09:00:00Z"));
    assert_eq!(office().elapsed(friday, monday), Duration::ZERO);
    assert_eq!(office().elapsed(monday + HOUR, monday), Duration::ZERO);
}

#[test]
fn a_spec_survives_being_stored() {
    let spec = with_overrides(vec![open("2026-12-24", "09:00", "12:30")])
        .spec()
        .clone();
    let stored = serde_json::to_string(&spec).unwrap();
    assert!(
        stored.contains(r#"{"day":"monday","from":"09:00","to":"17:00"}"#),
        "{stored}"
    );
    assert!(stored.contains(r#""date":"2026-12-24""#), "{stored}");
    assert_eq!(serde_json::from_str::<Spec>(&stored).unwrap(), spec);
}
