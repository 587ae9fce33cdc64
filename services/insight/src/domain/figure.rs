//! From counts to figures.

use lotse_scores::Estimate;

/// What was counted for one group in one step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// What could have been observed.
    pub eligible: i64,
    /// What was observed.
    pub n: i64,
    /// Of what is eligible, how much counts.
    pub hits: i64,
    /// Of what was observed, how much can still change.
    pub unsettled: i64,
    /// Different owners, such as agents, of what was observed.
    pub owners: i64,
    /// Sum of the amounts observed, in milliseconds or scores.
    pub sum: Option<i64>,
    /// Sum of their squares.
    pub squares: Option<f64>,
    /// The amounts at 50 %, 90 % and 95 %, by nearest rank.
    pub ranks: [Option<i64>; 3],
}

/// What the value of a figure says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// How many.
    Count,
    /// Which share counts.
    Share,
    /// The mean duration, in seconds.
    Duration,
    /// The sum of the amounts.
    Sum,
    /// How many per owner.
    PerOwner,
    /// The mean score.
    Score,
    /// The share of scores that count, with the mean beside it.
    ScoreShare,
    /// Promoters less detractors, from amounts of 1, 0 and -1.
    NetPromoter,
}

/// A figure, as `lotse.insight.v1.Figure` describes it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figure {
    /// The figure itself.
    pub value: Option<f64>,
    /// Observations.
    pub n: i64,
    /// Observations that count.
    pub numerator: Option<i64>,
    /// Sum.
    pub sum: Option<f64>,
    /// Limits of the 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// Mean.
    pub mean: Option<f64>,
    /// The observations at 50 %, 90 % and 95 %.
    pub ranks: [Option<f64>; 3],
    /// Observed of eligible.
    pub coverage: Option<f64>,
    /// How many observations can still change.
    pub provisional_n: i64,
}

impl Figure {
    /// The figure of `kind` from what was counted.
    pub fn of(kind: Kind, tally: &Tally) -> Self {
        let coverage = ratio(tally.n, tally.eligible);
        let blank = Self {
            n: tally.n,
            coverage,
            ..Self::default()
        };
        if tally.n == 0 {
            return blank;
        }
        let (n, hits) = (count(tally.n), count(tally.hits));
        let figure = Self {
            provisional_n: tally.unsettled,
            ..blank
        };
        match kind {
            Kind::Count => figure.valued(tally.n as f64),
            Kind::Share => figure
                .estimated(lotse_scores::share(hits, n))
                .hit(tally.hits),
            Kind::Sum => Self {
                value: tally.sum.map(|sum| sum as f64),
                numerator: Some(tally.hits),
                ..figure.summed(tally, 1.0)
            },
            Kind::Duration => {
                let figure = figure.summed(tally, 1_000.0);
                Self {
                    value: figure.mean,
                    ..figure
                }
            }
            Kind::PerOwner => Self {
                n: tally.owners,
                value: ratio(tally.n, tally.owners),
                sum: Some(tally.n as f64),
                ..figure
            },
            Kind::Score => {
                let (sum, squares) = (tally.sum.unwrap_or(0), tally.squares.unwrap_or(0.0));
                let mean = lotse_scores::mean(n, sum as f64, squares);
                figure.summed(tally, 1.0).estimated(mean)
            }
            Kind::ScoreShare => figure
                .summed(tally, 1.0)
                .estimated(lotse_scores::share(hits, n))
                .hit(tally.hits),
            Kind::NetPromoter => {
                let sum = tally.sum.unwrap_or(0);
                // Amounts are 1, 0 and -1: their squares count promoters and detractors together.
                let both = tally.squares.unwrap_or(0.0).round() as i64;
                let (promoters, detractors) = ((both + sum) / 2, (both - sum) / 2);
                figure
                    .estimated(lotse_scores::net_promoter(
                        count(promoters),
                        count(detractors),
                        n,
                    ))
                    .hit(promoters)
            }
        }
    }

    fn valued(self, value: f64) -> Self {
        Self {
            value: Some(value),
            ..self
        }
    }

    fn hit(self, hits: i64) -> Self {
        Self {
            numerator: Some(hits),
            ..self
        }
    }

    fn estimated(self, estimate: Option<Estimate>) -> Self {
        let limits = estimate.and_then(|estimate| estimate.low.zip(estimate.high));
        Self {
            value: estimate.map(|estimate| estimate.value),
            interval: limits,
            ..self
        }
    }

    /// Sum, mean and percentiles, in `unit`s of the amounts.
    fn summed(self, tally: &Tally, unit: f64) -> Self {
        let sum = tally.sum.map(|sum| sum as f64 / unit);
        Self {
            sum,
            mean: sum.map(|sum| sum / tally.n as f64),
            ranks: tally.ranks.map(|rank| rank.map(|rank| rank as f64 / unit)),
            ..self
        }
    }

    /// Whether it can still change.
    pub fn provisional(&self) -> bool {
        self.provisional_n > 0
    }
}

fn ratio(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: [Kind; 8] = [
        Kind::Count,
        Kind::Share,
        Kind::Duration,
        Kind::Sum,
        Kind::PerOwner,
        Kind::Score,
        Kind::ScoreShare,
        Kind::NetPromoter,
    ];

    #[test]
    fn nothing_observed_has_no_value_whatever_is_asked() {
        for kind in EVERY {
            let figure = Figure::of(
                kind,
                &Tally {
                    eligible: 3,
                    ..Tally::default()
                },
            );
            let expected = Figure {
                coverage: Some(0.0),
                ..Figure::default()
            };
            assert_eq!(figure, expected, "{kind:?}");
            assert_eq!(
                Figure::of(kind, &Tally::default()),
                Figure::default(),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn share_carries_numerator_and_wilson_interval() {
        let tally = Tally {
            eligible: 263,
            n: 263,
            hits: 81,
            ..Tally::default()
        };
        let figure = Figure::of(Kind::Share, &tally);
        assert_eq!((figure.numerator, figure.coverage), (Some(81), Some(1.0)));
        // Newcombe 1998, table I, method 3: 81 of 263.
        let (low, high) = figure.interval.unwrap();
        assert!(
            (low - 0.2553).abs() < 5e-5 && (high - 0.3662).abs() < 5e-5,
            "{low} {high}"
        );
    }

    #[test]
    fn durations_are_seconds_and_their_value_is_the_mean() {
        let tally = Tally {
            eligible: 4,
            n: 2,
            sum: Some(3_000),
            ranks: [Some(1_000), Some(2_000), Some(2_000)],
            ..Tally::default()
        };
        let figure = Figure::of(Kind::Duration, &tally);
        assert_eq!(
            (figure.value, figure.mean, figure.sum),
            (Some(1.5), Some(1.5), Some(3.0))
        );
        assert_eq!(figure.ranks, [Some(1.0), Some(2.0), Some(2.0)]);
        assert_eq!(figure.coverage, Some(0.5));
    }

    #[test]
    fn promoters_and_detractors_are_found_again_in_sum_and_squares() {
        // 20 promoters, 8 passives, 8 detractors.
        let tally = Tally {
            eligible: 36,
            n: 36,
            sum: Some(12),
            squares: Some(28.0),
            ..Tally::default()
        };
        let figure = Figure::of(Kind::NetPromoter, &tally);
        assert_eq!(figure.numerator, Some(20));
        assert!((figure.value.unwrap() - 12.0 / 36.0).abs() < 1e-12);
        // Adjusted Wald: (20.75 - 8.75) / 39, then 1.96 standard errors of 39 observations.
        let (low, high) = figure.interval.unwrap();
        let centre = 12.0 / 39.0;
        let half = 1.959_964 * ((29.5 / 39.0 - centre * centre) / 39.0_f64).sqrt();
        assert!((low - (centre - half)).abs() < 1e-6 && (high - (centre + half)).abs() < 1e-6);
    }
}
