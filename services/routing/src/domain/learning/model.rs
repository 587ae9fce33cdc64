//! The model: fitted on examples, taught one by one between fits, asked for a ranking.

use lotse_clock::Timestamp;

use super::calibration::{self, Answer};
use super::case::{Case, Example};
use super::descent::{self, Lesson};
use super::features;
use super::rows::{Rows, softmax};
use super::settings::Settings;

const DAY: f64 = 86_400_000.0;

/// Fewer held-out examples than this say nothing about calibration.
const LEAST_HELD_OUT: usize = 50;

/// Multinomial logistic regression over the sparse features of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub(super) settings: Settings,
    /// When it was fitted: examples lose weight from here on backwards.
    pub(super) fitted_at: Timestamp,
    /// How many examples it has seen.
    pub(super) examples: u64,
    pub(super) groups: Vec<String>,
    pub(super) rows: Rows,
    pub(super) temperature: f64,
}

/// Groups with their chances, the best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// Every group that the model knows; empty when it knows none.
    pub groups: Vec<Ranked>,
}

/// One group of a ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// The group.
    pub group: String,
    /// The chance that the ticket ends there, calibrated; those of a ranking add up to 1.
    pub probability: f64,
}

/// What one feature of a case says for (positive) or against a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Influence {
    /// Readable: `category = Category 42`, `subcategory = … × symptom = …`, `word #…`.
    pub feature: String,
    /// Its addend to the group's score, in units of log odds beside the mean group.
    pub weight: f64,
}

impl Model {
    /// Learns from examples; what was opened after `now` weighs as if opened now.
    pub fn fit(examples: &[Example], settings: Settings, now: Timestamp) -> Self {
        let mut groups: Vec<String> = examples
            .iter()
            .map(|example| example.group.clone())
            .collect();
        groups.sort_unstable();
        groups.dedup();
        let mut model = Self {
            settings,
            fitted_at: now,
            examples: examples.len() as u64,
            groups,
            rows: Rows::default(),
            temperature: 1.0,
        };
        let mut sorted: Vec<&Example> = examples.iter().collect();
        sorted.sort_unstable_by(|one, other| order(one).cmp(&order(other)));
        let lessons: Vec<Lesson> = sorted.iter().map(|example| model.lesson(example)).collect();
        let held_out = (lessons.len() as f64 * model.settings.held_out) as usize;
        let (earlier, later) = lessons.split_at(lessons.len() - held_out);
        if later.len() >= LEAST_HELD_OUT {
            let rows = descent::fit(earlier, model.groups.len(), &model.settings);
            let answers = later.iter().map(|lesson| Answer {
                scores: rows.scores(&lesson.features, model.groups.len()),
                truth: lesson.group,
                weight: lesson.weight,
            });
            model.temperature = calibration::temperature(&answers.collect::<Vec<_>>());
        }
        model.rows = descent::fit(&lessons, model.groups.len(), &model.settings);
        model
    }

    /// Learns from one more example, without forgetting.
    pub fn learn(&mut self, example: &Example) {
        if let Err(place) = self.groups.binary_search(&example.group) {
            self.insert_group(place, example.group.clone());
        }
        let lesson = self.lesson(example);
        descent::learn(&mut self.rows, &lesson, self.groups.len(), &self.settings);
        self.examples += 1;
    }

    /// The chance of every group to be where the case ends.
    pub fn rank(&self, case: &Case) -> Ranking {
        let features = features::of(case, &self.settings);
        let scores = self.rows.scores(&features, self.groups.len());
        let chances = softmax(&scores, self.temperature);
        let ranked = self
            .groups
            .iter()
            .zip(chances)
            .map(|(group, probability)| Ranked {
                group: group.clone(),
                probability,
            });
        let mut groups: Vec<Ranked> = ranked.collect();
        groups.sort_by(|one, other| other.probability.total_cmp(&one.probability));
        Ranking { groups }
    }

    /// The score of a group for a case: its log odds beside the mean group. `None` for a group
    /// that the model does not know.
    pub fn score(&self, case: &Case, group: &str) -> Option<f64> {
        let influences = self.explain(case, group);
        (!influences.is_empty()).then(|| influences.iter().map(|influence| influence.weight).sum())
    }

    /// Why a group ranks where it does: all features, the strongest first; their weights add up to
    /// its [`Self::score`]. Empty for a group that the model does not know.
    pub fn explain(&self, case: &Case, group: &str) -> Vec<Influence> {
        let Ok(place) = self
            .groups
            .binary_search_by(|known| known.as_str().cmp(group))
        else {
            return Vec::new();
        };
        let features = features::of(case, &self.settings);
        let named = features::names(case, &self.settings)
            .into_iter()
            .zip(&features);
        let mut influences: Vec<Influence> = named
            .map(|(name, feature)| Influence {
                feature: name,
                weight: self.rows.addend(feature, place, self.groups.len()) / self.temperature,
            })
            .collect();
        influences.sort_by(|one, other| other.weight.abs().total_cmp(&one.weight.abs()));
        influences
    }

    /// The groups it knows.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// How many examples it has learnt from.
    pub fn examples(&self) -> u64 {
        self.examples
    }

    /// When it was fitted.
    pub fn fitted_at(&self) -> Timestamp {
        self.fitted_at
    }

    fn lesson(&self, example: &Example) -> Lesson {
        let group = self.groups.binary_search(&example.group);
        Lesson {
            features: features::of(&example.case, &self.settings),
            // invariant: fit and learn insert the groups of their examples before.
            group: group.expect("the example's group is known"),
            weight: self.weight(example),
        }
    }

    fn weight(&self, example: &Example) -> f64 {
        let age = (self.fitted_at.millis_since(example.at) as f64 / DAY).max(0.0);
        let recency = 0.5_f64.powf(age / self.settings.half_life_days);
        recency
            * if example.settled {
                1.0
            } else {
                self.settings.open_weight
            }
    }

    /// Makes room for a group between those known; nothing is known of it yet.
    fn insert_group(&mut self, place: usize, group: String) {
        let known = self.groups.len();
        self.groups.insert(place, group);
        for row in self.rows.0.values_mut() {
            row.weights.resize(known, 0.0);
            row.weights.insert(place, 0.0);
        }
    }
}

/// Examples in an order of their own: it does not matter in which they are read from a store.
fn order(example: &Example) -> impl Ord + '_ {
    let Example {
        case,
        group,
        at,
        settled,
    } = example;
    let Case {
        fields,
        words,
        first_group,
    } = case;
    (at, group, fields, words, first_group, settled)
}

impl Ranking {
    /// The best group, if any is known.
    pub fn best(&self) -> Option<&Ranked> {
        self.groups.first()
    }
}
