//! Temperature: one number that makes probabilities mean what they say (Guo et al., 2017).

use super::rows::softmax;

/// Cooler or hotter than this no model is made.
const RANGE: (f64, f64) = (0.25, 8.0);

/// What a model said about an example that it was not fitted on.
pub(super) struct Answer {
    /// By the group's place.
    pub(super) scores: Vec<f64>,
    /// The place of the right group.
    pub(super) truth: usize,
    /// What the example counts for. Open ones count too: those resolved within days of the end are
    /// the easy ones, and alone would make any model look too modest.
    pub(super) weight: f64,
}

/// The temperature under which the truth of the held-out answers is likeliest.
pub(super) fn temperature(answers: &[Answer]) -> f64 {
    let loss = |log: f64| -> f64 {
        let losses = answers.iter().map(|answer| {
            let chance = softmax(&answer.scores, log.exp())[answer.truth];
            -chance.max(1e-12).ln() * answer.weight
        });
        losses.sum()
    };
    // Golden section: as a function of 1/temperature the loss is convex, so it has one valley.
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (RANGE.0.ln(), RANGE.1.ln());
    while high - low > 1e-3 {
        let (left, right) = (high - golden * (high - low), low + golden * (high - low));
        if loss(left) < loss(right) {
            high = right;
        } else {
            low = left;
        }
    }
    f64::midpoint(low, high).exp()
}
