//! How good a model is, by tickets that it has not seen.

use serde::{Deserialize, Serialize};

use super::learning::{Example, Model};

/// Bins of a reliability table.
const BINS: usize = 10;

/// Fewer tickets than this are not enough to compare two models by.
pub(crate) const ENOUGH: usize = 30;

/// What is known of a model's quality.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Tickets it was fitted on.
    pub(crate) examples: u64,
    /// Groups it knows.
    pub(crate) groups: u64,
    /// Of the words of their texts, how many tickets had any.
    pub(crate) with_words: u64,
    /// Without the first group.
    pub(crate) intake: Measured,
    /// With the first group.
    pub(crate) rerouter: Measured,
}

/// A model beside what really happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Tickets it was asked about.
    pub(crate) tickets: u64,
    /// Share of those whose likeliest group was wrong.
    pub(crate) wrong: f64,
    /// Share of those whose group was none of the three likeliest.
    pub(crate) missed_three: f64,
    /// Brier score over all groups (Brier, 1950): 0 is perfect, 2 the worst.
    pub(crate) brier: f64,
    /// How often answers of a probability were right.
    pub(crate) reliability: Vec<Bin>,
}

/// Answers of about one probability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bin {
    /// Their lowest probability.
    pub(crate) from: f64,
    /// How many.
    pub(crate) tickets: u64,
    /// Their mean probability.
    pub(crate) promised: f64,
    /// The share that was right.
    pub(crate) kept: f64,
}

impl Measured {
    /// Asks `model` about tickets that it has not seen.
    #[allow(clippy::cast_precision_loss, reason = "thousands of tickets")]
    pub(crate) fn of<'a>(model: &Model, unseen: impl IntoIterator<Item = &'a Example>) -> Self {
        let mut measured = Self::default();
        let mut bins = vec![Bin::default(); BINS];
        for example in unseen {
            measured.tickets += 1;
            let ranking = model.rank(&example.case);
            let place = ranking
                .groups
                .iter()
                .position(|ranked| ranked.group == example.group);
            let squares = ranking.groups.iter().map(|ranked| {
                (ranked.probability - f64::from(ranked.group == example.group)).powi(2)
            });
            // A group it does not know had the probability 0.
            measured.brier += squares.sum::<f64>() + f64::from(place.is_none());
            measured.missed_three += f64::from(place.is_none_or(|place| place >= 3));
            let right = place == Some(0);
            measured.wrong += f64::from(!right);
            if let Some(best) = ranking.best() {
                let bin = &mut bins[bin(best.probability)];
                bin.tickets += 1;
                bin.promised += best.probability;
                bin.kept += f64::from(right);
            }
        }
        let tickets = measured.tickets.max(1) as f64;
        measured.wrong /= tickets;
        measured.missed_three /= tickets;
        measured.brier /= tickets;
        for (place, bin) in bins.iter_mut().enumerate() {
            bin.from = place as f64 / BINS as f64;
            let tickets = bin.tickets.max(1) as f64;
            bin.promised /= tickets;
            bin.kept /= tickets;
        }
        measured.reliability = bins.into_iter().filter(|bin| bin.tickets > 0).collect();
        measured
    }

    /// Why this one is worse than `other` by more than `margin`, if it is.
    pub(crate) fn worse_than(&self, other: &Self, margin: f64) -> Option<String> {
        for (name, own, others) in [
            ("wrong first groups", self.wrong, other.wrong),
            ("Brier score", self.brier, other.brier),
        ] {
            if own > others + margin {
                return Some(format!(
                    "{name} {own:.3}, against {others:.3} of the one in force"
                ));
            }
        }
        None
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "0 to 9"
)]
fn bin(probability: f64) -> usize {
    ((probability * BINS as f64) as usize).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use lotse_clock::Timestamp;

    use super::*;
    use crate::domain::learning::{Case, Settings};

    fn examples(count: usize) -> Vec<Example> {
        let example = |n: usize| {
            let (category, group) = [("vpn", "network"), ("toner", "print")][n % 2];
            Example {
                case: Case {
                    fields: BTreeMap::from([("category".to_owned(), category.to_owned())]),
                    ..Case::default()
                },
                group: group.to_owned(),
                at: Timestamp::from_millis(i64::try_from(n).unwrap()),
                settled: true,
            }
        };
        (0..count).map(example).collect()
    }

    #[test]
    fn a_model_that_knows_is_measured_as_good_and_one_that_guesses_as_bad() {
        let all = examples(200);
        let now = Timestamp::from_millis(200);
        let knows = Model::fit(&all, Settings::default(), now);
        let mut blind = all.clone();
        for example in &mut blind {
            example.case.fields.clear();
        }
        let guesses = Model::fit(&blind, Settings::default(), now);
        let [good, bad] = [&knows, &guesses].map(|model| Measured::of(model, &all));
        assert!(good.wrong < 0.01 && good.brier < 0.1, "{good:?}");
        assert!(bad.wrong > 0.4 && bad.brier > 0.4, "{bad:?}");
        assert!(bad.worse_than(&good, 0.01).is_some());
        assert_eq!(good.worse_than(&bad, 0.01), None);
        assert_eq!(
            good.reliability.iter().map(|bin| bin.tickets).sum::<u64>(),
            200
        );
    }

    #[test]
    fn a_group_it_does_not_know_counts_as_wrong() {
        let model = Model::fit(
            &examples(200),
            Settings::default(),
            Timestamp::from_millis(200),
        );
        let mut strange = examples(1);
        strange[0].group = "travel".to_owned();
        let measured = Measured::of(&model, &strange);
        assert!((measured.wrong - 1.0).abs() < 1e-9 && measured.brier > 1.0);
    }
}
