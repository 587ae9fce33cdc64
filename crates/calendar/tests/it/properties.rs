//! The calendar and the model agree, over clock changes, holidays and night shifts.

use std::time::Duration;

use jiff::ToSpan as _;
use jiff::civil::Date;
use lotse_calendar::{Calendar, Hours, Override, Shift, Spec, TimeOfDay, Weekday};
use lotse_clock::Timestamp;
use proptest::prelude::*;

use crate::at;
use crate::model::Model;

const ZONES: [&str; 7] = [
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "America/St_Johns",
];

/// Mondays of weeks with a clock change in one of the zones, and of one without.
const WEEKS: [&str; 8] = [
    "2026-03-02",
    "2026-03-23",
    "2026-03-30",
    "2026-04-20",
    "2026-07-06",
    "2026-09-28",
    "2026-10-19",
    "2026-10-26",
];

fn time(minutes: u32) -> TimeOfDay {
    TimeOfDay::from_seconds(minutes * 60).unwrap()
}

fn hours() -> impl Strategy<Value = (TimeOfDay, TimeOfDay)> {
    // Quarters of an hour, often near the small hours in which clocks change.
    let quarter = prop_oneof![0u32..96, 0u32..16];
    let times = (quarter, 0u32..=96).prop_filter("not empty", |(from, to)| from != to);
    times.prop_map(|(from, to)| (time(from * 15), time(to * 15)))
}

fn spec() -> impl Strategy<Value = Spec> {
    let shift = (0..7usize, hours()).prop_map(|(day, (from, to))| Shift {
        day: Weekday::ALL[day],
        from,
        to,
    });
    let date =
        (0..WEEKS.len(), 0..14i32, prop::option::of(hours())).prop_map(|(week, day, open)| {
            let monday: Date = WEEKS[week].parse().unwrap();
            let hours = open
                .into_iter()
                .map(|(from, to)| Hours { from, to })
                .collect();
            Override {
                date: monday + day.days(),
                name: String::new(),
                hours,
            }
        });
    let parts = (
        prop::sample::select(&ZONES[..]),
        prop::collection::vec(shift, 1..9),
        prop::collection::vec(date, 0..6),
    );
    parts
        .prop_map(|(zone, week, overrides)| Spec {
            zone: zone.to_owned(),
            version: 1,
            week,
            overrides,
        })
        .prop_filter("sound", |spec| Calendar::new(spec.clone()).is_ok())
}

/// A whole minute within two weeks of a change.
fn start() -> impl Strategy<Value = Timestamp> {
    (prop::sample::select(&WEEKS[..]), 0..14 * 1440u64).prop_map(|(monday, minute)| {
        at(&format!("{monday}T00:00:00Z")) + Duration::from_secs(60 * minute)
    })
}

fn minutes(count: i64) -> Duration {
    Duration::from_secs(60 * count.unsigned_abs())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn elapsed_is_what_counting_minutes_gives(spec in spec(), from in start(), span in 0..20_000i64) {
        let to = from + minutes(span);
        let calendar = Calendar::new(spec.clone()).unwrap();
        let counted = Model::new(&spec, from, to).elapsed(from, to);
        prop_assert_eq!(calendar.elapsed(from, to), minutes(counted));
    }

    #[test]
    fn advance_is_the_earliest_instant_at_which_the_budget_has_elapsed(
        spec in spec(), from in start(), offset in 0..60_000u64, budget in 1..4_000_000_000u64,
    ) {
        let (from, budget) = (from + Duration::from_millis(offset), Duration::from_millis(budget));
        let calendar = Calendar::new(spec).unwrap();
        if let Ok(due) = calendar.advance(from, budget) {
            prop_assert_eq!(calendar.elapsed(from, due), budget);
            let before = due - Duration::from_millis(1);
            prop_assert_eq!(calendar.elapsed(from, before), budget - Duration::from_millis(1));
        } else {
            let five_years = from + Duration::from_secs(5 * 365 * 86_400);
            prop_assert!(calendar.elapsed(from, five_years) < budget);
        }
    }

    #[test]
    fn a_budget_split_anywhere_ends_at_the_same_instant(
        spec in spec(), from in start(), first in 1..900_000_000u64, rest in 1..900_000_000u64,
    ) {
        let calendar = Calendar::new(spec).unwrap();
        let (first, rest) = (Duration::from_millis(first), Duration::from_millis(rest));
        // Where the whole is beyond five years, its parts may still not be.
        if let Ok(due) = calendar.advance(from, first + rest) {
            let paused = calendar.advance(from, first).unwrap();
            prop_assert_eq!(calendar.advance(paused, rest), Ok(due));
        }
    }

    #[test]
    fn intervals_are_ordered_and_add_up(spec in spec(), from in start(), span in 0..20_000i64) {
        let to = from + minutes(span);
        let calendar = Calendar::new(spec).unwrap();
        let (mut last, mut sum) = (from, Duration::ZERO);
        for (start, end) in calendar.intervals(from, to) {
            prop_assert!(last <= start && start < end && end <= to);
            prop_assert!(calendar.is_open(start));
            prop_assert!(calendar.is_open(end - Duration::from_millis(1)));
            prop_assert_eq!(calendar.next_open(start), Ok(start));
            (last, sum) = (end, sum + end.since(start));
        }
        prop_assert_eq!(calendar.elapsed(from, to), sum);
    }
}

proptest! {
    // Few, as the model counts a quarter of a million minutes for each.
    #![proptest_config(ProptestConfig::with_cases(25))]

    #[test]
    fn elapsed_over_half_a_year_is_what_counting_minutes_gives(spec in spec(), from in start()) {
        let to = from + minutes(183 * 1440 + 77);
        let calendar = Calendar::new(spec.clone()).unwrap();
        let counted = Model::new(&spec, from, to).elapsed(from, to);
        prop_assert_eq!(calendar.elapsed(from, to), minutes(counted));
    }
}
