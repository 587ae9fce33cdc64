use statrs::distribution::{ContinuousCDF, StudentsT};

/// The two-sided 95 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A figure and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Lower bound; absent where the data allow no interval.
    pub low: Option<f64>,
    /// Upper bound; absent where the data allow no interval.
    pub high: Option<f64>,
}

/// A share of `n`, from 0 to 1, with the Wilson score interval (E. B. Wilson, "Probable inference,
/// the law of succession, and statistical inference", JASA 22, 1927). `None` without observations.
pub fn share(successes: u64, n: u64) -> Option<Estimate> {
    if n == 0 {
        return None;
    }
    let (total, value) = (n as f64, successes as f64 / n as f64);
    let z2 = Z * Z;
    let centre = (value + z2 / (2.0 * total)) / (1.0 + z2 / total);
    let spread = value * (1.0 - value) / total + z2 / (4.0 * total * total);
    let half = Z * spread.sqrt() / (1.0 + z2 / total);
    // Rounding must not push a limit past the share itself: none of n has 0 below it.
    Some(Estimate {
        value,
        low: Some((centre - half).clamp(0.0, value)),
        high: Some((centre + half).clamp(value, 1.0)),
    })
}

/// A mean from the count, the sum and the sum of squares of the observations, with Student's t
/// interval. `None` without observations, no interval from a single one.
pub fn mean(n: u64, sum: f64, sum_of_squares: f64) -> Option<Estimate> {
    if n == 0 {
        return None;
    }
    let total = n as f64;
    let value = sum / total;
    let half = (n > 1).then(|| {
        let variance = ((sum_of_squares - sum * value) / (total - 1.0)).max(0.0);
        t_quantile(total - 1.0) * (variance / total).sqrt()
    });
    Some(Estimate {
        value,
        low: half.map(|half| value - half),
        high: half.map(|half| value + half),
    })
}

/// The net promoter score, from -1 to 1, with the adjusted Wald interval that adds three
/// observations: three quarters to the promoters and three quarters to the detractors (J. Sauro
/// and J. R. Lewis, "Quantifying the User Experience", 2nd ed.). `None` without observations.
pub fn net_promoter(promoters: u64, detractors: u64, n: u64) -> Option<Estimate> {
    if n == 0 {
        return None;
    }
    let value = (promoters as f64 - detractors as f64) / n as f64;
    let total = n as f64 + 3.0;
    let for_it = (promoters as f64 + 0.75) / total;
    let against = (detractors as f64 + 0.75) / total;
    let centre = for_it - against;
    let variance = for_it + against - centre * centre;
    let half = Z * (variance / total).sqrt();
    Some(Estimate {
        value,
        low: Some((centre - half).max(-1.0)),
        high: Some((centre + half).min(1.0)),
    })
}

/// The two-sided 95 % quantile of Student's t distribution.
fn t_quantile(freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(Z, |t| t.inverse_cdf(0.975))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() < 5e-4)
    }

    #[test]
    fn wilson_interval_is_the_published_one() {
        // R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics
        // in Medicine 17 (1998), table I, method 3.
        for (r, n, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let found = share(r, n).unwrap();
            assert!(
                near(found.low, low) && near(found.high, high),
                "{r}/{n}: {found:?}"
            );
        }
    }

    #[test]
    fn t_interval_is_the_tabulated_one() {
        assert!((t_quantile(4.0) - 2.776_445).abs() < 1e-5);
        // 1, 2, 3, 4, 5: mean 3, s = 1.5811, half width 1.9633.
        let found = mean(5, 15.0, 55.0).unwrap();
        assert!(
            near(found.low, 3.0 - 1.9633) && near(found.high, 3.0 + 1.9633),
            "{found:?}"
        );
        assert_eq!(mean(1, 4.0, 16.0).unwrap().low, None);
    }

    #[test]
    fn net_promoter_interval_centres_on_three_added_observations() {
        // 20 promoters and 8 detractors of 36, by hand: 20.75/39 - 8.75/39 +- 1.96 sqrt(0.6617/39).
        let found = net_promoter(20, 8, 36).unwrap();
        assert!(near(Some(found.value), 0.3333), "{found:?}");
        assert!(
            near(found.low, 0.0524) && near(found.high, 0.5630),
            "{found:?}"
        );
    }

    #[test]
    fn nothing_observed_gives_no_figure() {
        assert_eq!(share(0, 0), None);
        assert_eq!(mean(0, 0.0, 0.0), None);
        assert_eq!(net_promoter(0, 0, 0), None);
    }
}
