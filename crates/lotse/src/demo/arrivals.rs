//! When tickets come: by the hour of the day, without end.

use lotse_clock::Timestamp;

use super::case::Case;
use super::dice::Dice;

/// Tickets per hour on the average of a day, about.
const PER_HOUR: f64 = 15.0;

/// The share of that average in each hour of the day, UTC: a morning peak, a lunch dip, an
/// afternoon, and nights that are quiet but not dead, because whoever opens a demo at night wants
/// to see something too.
const BY_HOUR: [f64; 24] = [
    0.75, 0.75, 0.75, 0.75, 0.75, 0.8, 0.9, 1.1, 1.4, 1.6, 1.5, 1.3, //
    1.1, 1.2, 1.4, 1.4, 1.3, 1.1, 1.0, 0.9, 0.85, 0.8, 0.75, 0.75,
];

const HOUR: i64 = 3_600_000;

/// The tickets of a demo, in the order in which they come.
pub(crate) struct Arrivals {
    seed: u64,
    next: u64,
    at: Timestamp,
}

impl Arrivals {
    /// The tickets after `from`, the first of them with the number `next`.
    pub(crate) fn new(seed: u64, next: u64, from: Timestamp) -> Self {
        Self {
            seed,
            next,
            at: from,
        }
    }
}

impl Iterator for Arrivals {
    type Item = Case;

    fn next(&mut self) -> Option<Case> {
        let mut dice = Dice::new(self.seed.rotate_left(32), self.next);
        self.at = self.at + dice.gap(PER_HOUR * share(self.at));
        let case = Case::draw(self.seed, self.next, self.at);
        self.next += 1;
        Some(case)
    }
}

fn share(at: Timestamp) -> f64 {
    let hour = at.as_millis().div_euclid(HOUR).rem_euclid(24);
    usize::try_from(hour)
        .ok()
        .and_then(|hour| BY_HOUR.get(hour))
        .copied()
        .unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::demo::case::Step;

    const DAY: Duration = Duration::from_secs(86_400);

    fn day(seed: u64) -> Vec<Case> {
        let end = Timestamp::EPOCH + DAY;
        Arrivals::new(seed, 1, Timestamp::EPOCH)
            .take_while(|case| case.at < end)
            .collect()
    }

    #[test]
    fn the_same_seed_tells_the_same_story() {
        assert_eq!(day(7), day(7));
        assert_ne!(day(7), day(8));
    }

    #[test]
    fn a_story_that_is_taken_up_again_goes_on_with_the_same_tickets() {
        let whole = day(7);
        let (number, at) = (whole[9].ordinal, whole[9].at);
        let rest: Vec<_> = Arrivals::new(7, number + 1, at).take(20).collect();
        assert_eq!(rest, whole[10..30]);
    }

    #[test]
    fn a_day_has_every_language_channel_topic_and_turn() {
        let day = day(7);
        assert!((280..500).contains(&day.len()), "{} tickets", day.len());
        let count =
            |of: &dyn Fn(&Case) -> String| day.iter().map(of).collect::<BTreeSet<_>>().len();
        assert_eq!(count(&|case| format!("{:?}", case.customer.tongue)), 3);
        assert_eq!(count(&|case| format!("{:?}", case.channel)), 4);
        assert_eq!(count(&|case| case.category.to_owned()), 6);
        assert_eq!(count(&|case| format!("{:?}", case.priority)), 4);
        assert_eq!(count(&|case| format!("{:?}", case.ending.survey)), 3);
        let steps = |wanted: fn(&Step) -> bool| {
            day.iter()
                .flat_map(|case| &case.plan)
                .filter(|turn| wanted(&turn.step))
                .count()
        };
        assert!(steps(|step| matches!(step, Step::Transfer { .. })) > 10);
        assert!(steps(|step| matches!(step, Step::Escalate { .. })) > 10);
        assert!(steps(|step| matches!(step, Step::Hold { .. })) > 5);
        assert!(steps(|step| matches!(step, Step::Ask { .. })) > 30);
        assert!(day.iter().filter(|case| !case.neglect.is_zero()).count() > 5);
        assert!(
            day.iter()
                .filter(|case| case.ending.again.is_some())
                .count()
                > 5
        );
    }

    #[test]
    fn every_plan_ends_with_its_only_solution() {
        for case in day(7) {
            let solves = |turn: &&crate::demo::case::Turn| matches!(turn.step, Step::Solve(_));
            assert_eq!(case.plan.iter().filter(solves).count(), 1);
            assert!(case.plan.back().as_ref().is_some_and(solves));
        }
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        for case in day(7) {
            assert!(!format!("{case:?}").contains("{order}"));
            assert!(!format!("{case:?}").contains("{name}"));
        }
    }

    #[test]
    fn mornings_are_busier_than_nights() {
        let within = |from: u64, to: u64| {
            let from = Timestamp::EPOCH + Duration::from_secs(from * 3_600);
            let to = Timestamp::EPOCH + Duration::from_secs(to * 3_600);
            day(7)
                .iter()
                .filter(|case| from <= case.at && case.at < to)
                .count()
        };
        assert!(2 * within(8, 12) > 3 * within(0, 4));
    }
}
