//! Days of 23, 23.5, 24.5 and 25 hours.

use std::time::Duration;

use lotse_calendar::{Calendar, Weekday};

use crate::{at, time};

const HOUR: Duration = Duration::from_secs(3600);

fn daily(zone: &str, from: &str, to: &str) -> Calendar {
    Calendar::business_hours(zone, time(from), time(to), &Weekday::ALL).unwrap()
}

#[test]
fn a_whole_day_is_as_long_as_it_is() {
    // Berlin, Sunday 2026-03-29 (23 h) and 2026-10-25 (25 h).
    let calendar = daily("Europe/Berlin", "00:00", "24:00");
    let spring = (at("2026-03-28T23:00:00Z"), at("2026-03-29T22:00:00Z"));
    let autumn = (at("2026-10-24T22:00:00Z"), at("2026-10-25T23:00:00Z"));
    assert_eq!(calendar.elapsed(spring.0, spring.1), 23 * HOUR);
    assert_eq!(calendar.elapsed(autumn.0, autumn.1), 25 * HOUR);
}

#[test]
fn office_hours_keep_to_the_wall_clock() {
    let calendar = daily("America/New_York", "09:00", "17:00");
    assert_eq!(
        calendar.next_open(at("2026-03-07T23:00:00Z")),
        Ok(at("2026-03-08T13:00:00Z"))
    );
    assert_eq!(
        calendar.next_open(at("2026-03-07T05:00:00Z")),
        Ok(at("2026-03-07T14:00:00Z"))
    );
}

#[test]
fn a_time_that_is_skipped_is_taken_later_by_the_gap() {
    // New York skips 02:00 to 03:00 on 2026-03-08: 02:30 is 03:30 there.
    let calendar = daily("America/New_York", "02:30", "04:00");
    let (start, end) = calendar
        .intervals(at("2026-03-08T00:00:00Z"), at("2026-03-09T00:00:00Z"))
        .next()
        .unwrap();
    assert_eq!(
        (start, end),
        (at("2026-03-08T07:30:00Z"), at("2026-03-08T08:00:00Z"))
    );
    let gone = daily("America/New_York", "02:30", "03:30");
    assert_eq!(
        gone.elapsed(at("2026-03-08T00:00:00Z"), at("2026-03-09T00:00:00Z")),
        Duration::ZERO
    );
}

#[test]
fn a_time_that_comes_twice_is_its_first_occurrence() {
    // New York has 01:00 to 02:00 twice on 2026-11-01, first at 05:00Z.
    let until = daily("America/New_York", "00:00", "01:30");
    let day = (at("2026-11-01T04:00:00Z"), at("2026-11-02T05:00:00Z"));
    assert_eq!(until.elapsed(day.0, day.1), HOUR + HOUR / 2);
    let from = daily("America/New_York", "01:30", "02:00");
    assert_eq!(
        from.elapsed(day.0, day.1),
        HOUR + HOUR / 2,
        "to the second 02:00, the only one"
    );
}

#[test]
fn half_an_hour_on_lord_howe_island() {
    // 2026-04-05 02:00 is set back to 01:30, 2026-10-04 02:00 forward to 02:30.
    let calendar = daily("Australia/Lord_Howe", "00:00", "24:00");
    let autumn = (at("2026-04-04T13:00:00Z"), at("2026-04-05T13:30:00Z"));
    let spring = (at("2026-10-03T13:30:00Z"), at("2026-10-04T13:00:00Z"));
    assert_eq!(calendar.elapsed(autumn.0, autumn.1), 24 * HOUR + HOUR / 2);
    assert_eq!(calendar.elapsed(spring.0, spring.1), 23 * HOUR + HOUR / 2);
}

#[test]
fn a_midnight_that_does_not_exist_joins_two_days() {
    // Cairo skips 00:00 to 01:00 on Friday 2026-04-24.
    let calendar = daily("Africa/Cairo", "22:00", "02:00");
    let night = (at("2026-04-23T18:00:00Z"), at("2026-04-24T12:00:00Z"));
    assert_eq!(calendar.elapsed(night.0, night.1), 3 * HOUR);
}

#[test]
fn a_week_that_begins_in_a_gap_is_not_counted_like_any_other() {
    // São Paulo skips 00:00 to 01:00 on Sunday 2015-10-18; found by comparing with workclock.
    let calendar = daily("America/Sao_Paulo", "20:30", "02:30");
    let (from, to) = (at("2015-10-17T12:00:00Z"), at("2015-10-27T12:00:00Z"));
    assert_eq!(calendar.elapsed(from, to), 10 * 6 * HOUR - HOUR);
    let (due, tenth) = (
        calendar.advance(from, 59 * HOUR),
        at("2015-10-27T04:30:00Z"),
    );
    assert_eq!(due, Ok(tenth));
}
