//! Stochastic descent: one example at a time, each weight with a step of its own length.
//!
//! The steps are those of AdaGrad (Duchi, Hazan, Singer, 2011): a weight that has been moved a lot
//! moves less, so that rare features learn fast and frequent ones settle. During a fit each weight
//! keeps its own account; what is stored is the mean of a row, enough to go on with.

use std::collections::HashMap;

use super::features::Feature;
use super::rows::{Row, Rows, softmax};
use super::settings::Settings;

/// An example ready to be learnt.
pub(super) struct Lesson {
    pub(super) features: Vec<Feature>,
    /// Place of the group.
    pub(super) group: usize,
    /// What it counts for.
    pub(super) weight: f64,
}

/// Finds the weights for these lessons.
pub(super) fn fit(lessons: &[Lesson], groups: usize, settings: &Settings) -> Rows {
    let mut places = HashMap::new();
    let mut keys = Vec::new();
    let mut counts: Vec<f32> = Vec::new();
    let plain: Vec<Vec<(usize, f32)>> = lessons
        .iter()
        .map(|lesson| {
            let features = lesson.features.iter().map(|feature| {
                let place = *places.entry(feature.key).or_insert_with(|| {
                    keys.push(feature.key);
                    counts.push(0.0);
                    keys.len() - 1
                });
                counts[place] += 1.0;
                (place, feature.value)
            });
            features.collect()
        })
        .collect();
    let mut weights = vec![0.0_f32; keys.len() * groups];
    let mut efforts = vec![0.0_f32; keys.len() * groups];
    let step = settings.step as f32;
    let mut order: Vec<usize> = (0..lessons.len()).collect();
    let mut dice = Dice(1);
    let mut scores = vec![0.0_f64; groups];
    for _ in 0..settings.epochs {
        dice.shuffle(&mut order);
        for &index in &order {
            let lesson = &lessons[index];
            scores.fill(0.0);
            for &(place, value) in &plain[index] {
                let row = &weights[place * groups..(place + 1) * groups];
                for (score, weight) in scores.iter_mut().zip(row) {
                    *score += f64::from(weight * value);
                }
            }
            let slopes = slopes(&scores, lesson);
            for &(place, value) in &plain[index] {
                // The pull to zero of the whole sum, shared by the lessons that know the feature.
                let pull = settings.l2 as f32 / counts[place];
                let range = place * groups..(place + 1) * groups;
                let row = weights[range.clone()].iter_mut().zip(&mut efforts[range]);
                for ((weight, effort), slope) in row.zip(&slopes) {
                    let slope = slope * value + pull * *weight;
                    *effort += slope * slope;
                    *weight -= step * slope / (*effort + 1e-8).sqrt();
                }
            }
        }
    }
    let rows = keys.into_iter().enumerate().map(|(place, key)| {
        let range = place * groups..(place + 1) * groups;
        let effort = efforts[range.clone()].iter().sum::<f32>() / groups as f32;
        let row = Row {
            weights: weights[range].to_vec(),
            effort,
        };
        // As stored: a model answers the same before and after it was.
        (key, Row::unpacked(&row.packed(), effort))
    });
    Rows(rows.collect())
}

/// One step with one lesson.
pub(super) fn learn(rows: &mut Rows, lesson: &Lesson, groups: usize, settings: &Settings) {
    let slopes = slopes(&rows.scores(&lesson.features, groups), lesson);
    for feature in &lesson.features {
        let row = rows.0.entry(feature.key).or_default();
        row.weights.resize(groups, 0.0);
        let squares = slopes.iter().map(|slope| (slope * feature.value).powi(2));
        row.effort += squares.sum::<f32>() / groups as f32;
        let step = settings.step as f32 / (row.effort + 1e-8).sqrt();
        for (weight, slope) in row.weights.iter_mut().zip(&slopes) {
            *weight -= step * slope * feature.value;
        }
    }
}

/// How the loss grows with each group's score: probability minus truth, times the weight.
fn slopes(scores: &[f64], lesson: &Lesson) -> Vec<f32> {
    let mut slopes = softmax(scores, 1.0);
    slopes[lesson.group] -= 1.0;
    slopes
        .iter()
        .map(|slope| (slope * lesson.weight) as f32)
        .collect()
}

/// A small generator for the order of examples (SplitMix64); the same for every fit.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn shuffle(&mut self, order: &mut [usize]) {
        for place in (1..order.len()).rev() {
            order.swap(place, (self.next() % (place as u64 + 1)) as usize);
        }
    }
}
