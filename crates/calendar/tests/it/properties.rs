//! The calendar and the model agree: over clock changes, holidays, night shifts and editions.

use std::time::Duration;

use lotse_calendar::State;
use proptest::prelude::*;

use crate::generate::{Case, case};
use crate::model::Model;

const MILLI: Duration = Duration::from_millis(1);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn elapsed_is_what_counting_seconds_gives(case in case(), span in 0..3_000_000u64) {
        let to = case.from + seconds(span);
        let counted = Model::new(&case.editions, case.from, to).count();
        prop_assert_eq!(case.calendar().elapsed(case.from, to), seconds(counted));
    }

    #[test]
    fn advance_is_the_earliest_instant_at_which_the_budget_has_elapsed(
        case in case(), offset in 0..60_000u64, budget in 1..4_000_000_000u64,
    ) {
        let (from, budget) = (case.from + Duration::from_millis(offset), Duration::from_millis(budget));
        let calendar = case.calendar();
        if let Ok(due) = calendar.advance(from, budget) {
            prop_assert_eq!(calendar.elapsed(from, due), budget);
            prop_assert_eq!(calendar.elapsed(from, due - MILLI), budget - MILLI);
        } else {
            let five_years = from + seconds(5 * 365 * 86_400);
            prop_assert!(calendar.elapsed(from, five_years) < budget);
        }
    }

    #[test]
    fn advancing_by_what_has_elapsed_leads_back_to_the_last_open_instant(
        case in case(), span in 0..3_000_000u64,
    ) {
        let (calendar, to) = (case.calendar(), case.from + seconds(span));
        let last = calendar.intervals(case.from, to).last();
        let expected = last.map_or(case.from, |(_, end)| end);
        let elapsed = calendar.elapsed(case.from, to);
        prop_assert_eq!(calendar.advance(case.from, elapsed), Ok(expected));
    }

    #[test]
    fn a_budget_split_anywhere_ends_at_the_same_instant(
        case in case(), first in 1..900_000_000u64, rest in 1..900_000_000u64,
    ) {
        let calendar = case.calendar();
        let (first, rest) = (Duration::from_millis(first), Duration::from_millis(rest));
        // Where the whole is beyond five years, its parts may still not be.
        if let Ok(due) = calendar.advance(case.from, first + rest) {
            let paused = calendar.advance(case.from, first).unwrap();
            prop_assert_eq!(calendar.advance(paused, rest), Ok(due));
        }
    }

    #[test]
    fn intervals_are_ordered_and_add_up(case in case(), span in 0..1_500_000u64) {
        let (calendar, to) = (case.calendar(), case.from + seconds(span));
        let (mut last, mut sum) = (case.from, Duration::ZERO);
        for (start, end) in calendar.intervals(case.from, to) {
            prop_assert!(last <= start && start < end && end <= to);
            prop_assert!(calendar.is_open(start));
            prop_assert!(calendar.is_open(end - MILLI));
            prop_assert_eq!(calendar.next_open(start), Ok(start));
            (last, sum) = (end, sum + end.since(start));
        }
        prop_assert_eq!(calendar.elapsed(case.from, to), sum);
    }

    #[test]
    fn spans_tile_time_and_the_open_ones_add_up_to_what_elapsed(
        case in case(), span in 1..1_500_000u64,
    ) {
        let (calendar, to) = (case.calendar(), case.from + seconds(span));
        let model = Model::new(&case.editions, case.from, to);
        let (mut at, mut open, mut before) = (case.from, Duration::ZERO, None);
        for stretch in calendar.spans(case.from, to) {
            prop_assert_eq!(stretch.start, at);
            prop_assert!(stretch.end > stretch.start);
            let is_open = stretch.state == State::Open;
            prop_assert_eq!(model.is_open(stretch.start), is_open);
            prop_assert_eq!(model.is_open(stretch.end - MILLI), is_open);
            let alike = before.replace((stretch.state, stretch.version));
            prop_assert_ne!(alike, Some((stretch.state, stretch.version)));
            if is_open {
                open += stretch.end.since(stretch.start);
            }
            at = stretch.end;
        }
        prop_assert_eq!(at, to);
        prop_assert_eq!(open, calendar.elapsed(case.from, to));
    }

    #[test]
    fn until_the_next_edition_nothing_is_different(case in case(), span in 0..3_000_000u64) {
        let to = case.from + seconds(span);
        let (last, before) = case.editions.split_last().unwrap();
        prop_assume!(!before.is_empty());
        let earlier = Case { editions: before.to_vec(), ..case.clone() }.calendar();
        let until = to.min(last.since);
        prop_assert_eq!(case.calendar().elapsed(case.from, until), earlier.elapsed(case.from, until));
        let since = case.from.max(last.since);
        let own = last.calendar();
        prop_assert_eq!(case.calendar().elapsed(since, to), own.elapsed(since, to));
    }
}

proptest! {
    // Few, as the model counts sixteen million seconds for each.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn elapsed_over_half_a_year_is_what_counting_seconds_gives(case in case()) {
        let to = case.from + seconds(183 * 86_400 + 4_657);
        let counted = Model::new(&case.editions, case.from, to).count();
        prop_assert_eq!(case.calendar().elapsed(case.from, to), seconds(counted));
    }
}
