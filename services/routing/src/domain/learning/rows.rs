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

/// A row's weights as stored: whole numbers, in units of a power of two so that packing what was
/// unpacked changes nothing.
pub(super) struct Packed {
    /// The unit is 2 to this.
    pub(super) exponent: i8,
    pub(super) units: Vec<i16>,
}

/// The finest unit.
const FINEST: i8 = -24;

impl Row {
    /// The weights in the finest unit that fits the largest.
    pub(super) fn packed(&self) -> Packed {
        let largest = self
            .weights
            .iter()
            .fold(0.0_f32, |most, weight| most.max(weight.abs()));
        let mut exponent = FINEST;
        while largest / unit(exponent) > f32::from(i16::MAX) && exponent < i8::MAX {
            exponent += 1;
        }
        let units = self
            .weights
            .iter()
            .map(|weight| (weight / unit(exponent)).round() as i16);
        Packed {
            exponent,
            units: units.collect(),
        }
    }

    /// The row with these weights.
    pub(super) fn unpacked(packed: &Packed, effort: f32) -> Self {
        let unit = unit(packed.exponent);
        let weights = packed.units.iter().map(|&units| f32::from(units) * unit);
        Self {
            weights: weights.collect(),
            effort,
        }
    }
}

fn unit(exponent: i8) -> f32 {
    2.0_f32.powi(exponent.into())
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
