use crate::{Estimate, mean, net_promoter, share};

/// How often each score of a scale was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    lowest: i32,
    counts: Vec<u64>,
}

impl Histogram {
    /// An empty histogram of the scores from `lowest` to `highest`.
    pub fn new(lowest: i32, highest: i32) -> Self {
        let scores = usize::try_from(highest - lowest + 1).unwrap_or(0);
        Self {
            lowest,
            counts: vec![0; scores],
        }
    }

    /// Counts `times` answers of `score`. A score off the scale is refused with `false`.
    pub fn add(&mut self, score: i32, times: u64) -> bool {
        let place = usize::try_from(score - self.lowest).ok();
        let count = place.and_then(|place| self.counts.get_mut(place));
        count.map(|count| *count += times).is_some()
    }

    /// All answers.
    pub fn n(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The counts, lowest score first.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The share of answers from `least` upwards.
    pub fn share_from(&self, least: i32) -> Option<Estimate> {
        share(self.count(|score| score >= least), self.n())
    }

    /// The mean score.
    pub fn mean(&self) -> Option<Estimate> {
        let (mut sum, mut squares) = (0.0, 0.0);
        for (score, count) in self.scores() {
            let score = f64::from(score);
            sum += score * count as f64;
            squares += score * score * count as f64;
        }
        mean(self.n(), sum, squares)
    }

    /// The net promoter score of a scale from 0 to 10: promoters give 9 or 10, detractors 0 to 6,
    /// and the passives between them count in the denominator.
    pub fn net_promoter(&self) -> Option<Estimate> {
        let promoters = self.count(|score| score >= 9);
        let detractors = self.count(|score| score <= 6);
        net_promoter(promoters, detractors, self.n())
    }

    fn scores(&self) -> impl Iterator<Item = (i32, u64)> {
        (self.lowest..).zip(self.counts.iter().copied())
    }

    fn count(&self, wanted: impl Fn(i32) -> bool) -> u64 {
        self.scores()
            .filter(|(score, _)| wanted(*score))
            .map(|(_, count)| count)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn figures_agree_with_a_naive_count(scores in prop::collection::vec(0..=10_i32, 1..200)) {
            let mut histogram = Histogram::new(0, 10);
            for score in &scores {
                prop_assert!(histogram.add(*score, 1));
            }
            let n = scores.len() as f64;
            let mean = scores.iter().map(|score| f64::from(*score)).sum::<f64>() / n;
            let promoters = scores.iter().filter(|score| **score >= 9).count() as f64;
            let detractors = scores.iter().filter(|score| **score <= 6).count() as f64;
            prop_assert!((histogram.mean().unwrap().value - mean).abs() < 1e-9);
            prop_assert!((histogram.net_promoter().unwrap().value - (promoters - detractors) / n).abs() < 1e-9);
        }
    }

    #[test]
    fn a_score_off_the_scale_is_refused() {
        let mut csat = Histogram::new(1, 5);
        assert!(!csat.add(0, 1) && !csat.add(6, 1));
        assert_eq!(csat.n(), 0);
        assert_eq!(csat.share_from(4), None);
    }
}
