//! Temperature: one number that makes probabilities mean what they say (Guo et al., 2017).

use super::rows::softmax;

/// Cooler or hotter than this no model is made.
const RANGE: (f64, f64) = (0.25, 8.0);

/// The temperature under which the truth of the held-out answers is likeliest. `answers` are
/// scores with the place of the true group.
pub(super) fn temperature(answers: &[(Vec<f64>, usize)]) -> f64 {
    if answers.is_empty() {
        return 1.0;
    }
    let loss = |log: f64| -> f64 {
        let chance = |(scores, truth): &(Vec<f64>, usize)| softmax(scores, log.exp())[*truth];
        answers
            .iter()
            .map(|answer| -chance(answer).max(1e-12).ln())
            .sum()
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
