//! The weights: for every feature a row with one weight per group.

use std::collections::HashMap;

use super::features::{Feature, Key};

/// What one feature says about each group.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Row {
    /// By the group's place; groups beyond the end weigh 0.
    pub(super) weights: Vec<f32>,
    /// Sum of squared slopes so far, the mean of the groups: the steps become shorter with it.
    pub(super) effort: f32,
}

/// All rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rows(pub(super) HashMap<Key, Row>);

impl Rows {
    /// The score of each of so many groups.
    pub(super) fn scores(&self, features: &[Feature], groups: usize) -> Vec<f64> {
        let mut scores = vec![0.0; groups];
        for feature in features {
            if let Some(row) = self.0.get(&feature.key) {
                for (score, weight) in scores.iter_mut().zip(&row.weights) {
                    *score += f64::from(weight * feature.value);
                }
            }
        }
        scores
    }

    /// What one feature adds to the score of the group in `place`, beside the mean group: a weight
    /// that all groups have in common decides nothing.
    pub(super) fn addend(&self, feature: &Feature, place: usize, groups: usize) -> f64 {
        let Some(row) = self.0.get(&feature.key) else {
            return 0.0;
        };
        let weight = row.weights.get(place).copied().unwrap_or(0.0);
        let mean = row
            .weights
            .iter()
            .map(|&weight| f64::from(weight))
            .sum::<f64>()
            / groups as f64;
        (f64::from(weight) - mean) * f64::from(feature.value)
    }
}

/// Scores as probabilities, flattened by `temperature`.
pub(super) fn softmax(scores: &[f64], temperature: f64) -> Vec<f64> {
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut shares: Vec<f64> = scores
        .iter()
        .map(|score| ((score - top) / temperature).exp())
        .collect();
    let sum: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= sum);
    shares
}
