//! One edition after the other. 2026-03-02 is a Monday.

use std::time::Duration;

use lotse_calendar::{Calendar, Spec, Weekday};

use crate::{at, time};

const HOUR: Duration = Duration::from_secs(3600);

/// Monday to Friday, in UTC.
fn office(version: u32, from: &str, to: &str) -> Calendar {
    let days = &Weekday::ALL[..5];
    let calendar = Calendar::business_hours("UTC", time(from), time(to), days).unwrap();
    let spec = Spec {
        version,
        ..calendar.spec().clone()
    };
    Calendar::new(spec).unwrap()
}

#[test]
fn time_before_the_change_counts_by_the_earlier_edition_and_after_it_by_the_later() {
    let change = at("2026-03-03T12:00:00Z");
    let calendar = office(1, "09:00", "17:00").followed_by(change, &office(2, "07:00", "11:00"));
    let intervals: Vec<_> = calendar
        .intervals(at("2026-03-02T00:00:00Z"), at("2026-03-05T00:00:00Z"))
        .collect();
    let expected = [
        ("2026-03-02T09:00:00Z", "2026-03-02T17:00:00Z"),
        ("2026-03-03T09:00:00Z", "2026-03-03T12:00:00Z"),
        ("2026-03-04T07:00:00Z", "2026-03-04T11:00:00Z"),
    ];
    assert_eq!(intervals, expected.map(|(from, to)| (at(from), at(to))));
    let due = calendar.advance(at("2026-03-02T16:00:00Z"), 5 * HOUR);
    assert_eq!(due, Ok(at("2026-03-04T08:00:00Z")));
    let at_the_change = calendar.advance(at("2026-03-02T16:00:00Z"), 4 * HOUR);
    assert_eq!(at_the_change, Ok(change), "the earlier one closes then");
    assert_eq!((calendar.version(), calendar.spec().week.len()), (2, 5));
}

#[test]
fn an_opening_across_the_change_is_one_opening() {
    let change = at("2026-03-02T12:00:00Z");
    let calendar = office(1, "09:00", "13:00").followed_by(change, &office(2, "11:00", "17:00"));
    let stretches: Vec<_> = calendar
        .spans(at("2026-03-02T09:00:00Z"), at("2026-03-02T17:00:00Z"))
        .map(|stretch| (stretch.start, stretch.end, stretch.version))
        .collect();
    let (nine, five) = (at("2026-03-02T09:00:00Z"), at("2026-03-02T17:00:00Z"));
    assert_eq!(stretches, [(nine, change, 1), (change, five, 2)]);
    assert_eq!(calendar.elapsed(nine, five), 8 * HOUR);
}

#[test]
fn a_change_that_was_planned_falls_to_one_that_comes_before_it() {
    let (april, may) = (at("2026-04-01T00:00:00Z"), at("2026-05-01T00:00:00Z"));
    let planned = office(1, "09:00", "17:00").followed_by(may, &office(2, "10:00", "12:00"));
    let corrected = planned.followed_by(april, &office(3, "08:00", "18:00"));
    for (day, hours) in [("2026-03-31", 8), ("2026-04-01", 10), ("2026-05-04", 10)] {
        let midnight = at(&format!("{day}T00:00:00Z"));
        assert_eq!(
            corrected.elapsed(midnight, midnight + 24 * HOUR),
            hours * HOUR,
            "{day}"
        );
    }
}

#[test]
fn a_change_of_a_changed_calendar_keeps_what_still_lies_ahead_of_it() {
    let (april, may, june) = (
        at("2026-04-01T00:00:00Z"),
        at("2026-05-01T00:00:00Z"),
        at("2026-06-01T00:00:00Z"),
    );
    let base = office(1, "09:00", "10:00");
    let next = office(2, "09:00", "11:00")
        .followed_by(april, &office(3, "09:00", "12:00"))
        .followed_by(june, &office(4, "09:00", "13:00"));
    let calendar = base.followed_by(may, &next);
    for (day, hours) in [("2026-04-30", 1), ("2026-05-04", 3), ("2026-06-01", 4)] {
        let midnight = at(&format!("{day}T00:00:00Z"));
        assert_eq!(
            calendar.elapsed(midnight, midnight + 24 * HOUR),
            hours * HOUR,
            "{day}"
        );
    }
}

#[test]
fn always_until_a_change_is_plain_time_until_then() {
    let change = at("2026-03-02T12:00:00Z");
    let calendar = Calendar::always().followed_by(change, &office(2, "09:00", "17:00"));
    let from = at("2026-02-28T12:00:00Z");
    assert_eq!(calendar.advance(from, 48 * HOUR), Ok(change));
    assert_eq!(
        calendar.advance(from, 54 * HOUR),
        Ok(at("2026-03-03T10:00:00Z"))
    );
    assert_eq!(calendar.elapsed(from, change + 24 * HOUR), (48 + 8) * HOUR);
}
