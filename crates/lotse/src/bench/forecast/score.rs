//! How good a forecast was.

use serde::Serialize;

/// A forecast of one clock at one instant, and what came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guess {
    /// Said to be this likely to be breached within the horizon.
    pub(super) said: f64,
    /// Whether it was.
    pub(super) breached: bool,
}

/// The figures of one way of forecasting.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Score {
    /// Of those it warned of, the share that was breached; absent when it warned of none.
    pub precision: Option<f64>,
    /// Of those breached, the share it warned of; absent when none was.
    pub recall: Option<f64>,
    /// Warned of.
    pub warned: u64,
    /// Warned of and breached.
    pub hits: u64,
    /// Average precision: the mean of the precision at each breach, going down the list.
    pub average_precision: Option<f64>,
    /// Mean squared distance of probability and outcome, of all running clocks.
    pub brier: Option<f64>,
}

/// One line of a calibration table.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Bin {
    /// From this probability on.
    pub from: f64,
    /// Forecasts in it.
    pub forecasts: u64,
    /// Their mean probability.
    pub said: f64,
    /// The share that was breached.
    pub came: f64,
}

/// Scores forecasts; those of `threshold` and above are warnings.
pub(super) fn score(guesses: &[Guess], threshold: f64) -> Score {
    let breaches = count(guesses, |guess| guess.breached);
    let warned = count(guesses, |guess| guess.said >= threshold);
    let hits = count(guesses, |guess| guess.said >= threshold && guess.breached);
    let errors = guesses.iter().map(|guess| {
        let came = f64::from(u8::from(guess.breached));
        (guess.said - came).powi(2)
    });
    Score {
        precision: share(hits, warned),
        recall: share(hits, breaches),
        warned,
        hits,
        average_precision: average_precision(guesses),
        brier: (!guesses.is_empty()).then(|| errors.sum::<f64>() / guesses.len() as f64),
    }
}

/// Ten bins of probability, those that are empty left out.
pub(super) fn calibration(guesses: &[Guess]) -> Vec<Bin> {
    let mut bins: Vec<Bin> = (0..10)
        .map(|tenth| Bin {
            from: f64::from(tenth) / 10.0,
            ..Bin::default()
        })
        .collect();
    for guess in guesses {
        let place = ((guess.said * 10.0) as usize).min(bins.len() - 1);
        let bin = &mut bins[place];
        bin.forecasts += 1;
        bin.said += guess.said;
        bin.came += f64::from(u8::from(guess.breached));
    }
    bins.retain(|bin| bin.forecasts > 0);
    for bin in &mut bins {
        bin.said /= bin.forecasts as f64;
        bin.came /= bin.forecasts as f64;
    }
    bins
}

/// Steps of the curve of precision over recall, those of equal probability taken together.
fn average_precision(guesses: &[Guess]) -> Option<f64> {
    let breaches = count(guesses, |guess| guess.breached);
    if breaches == 0 {
        return None;
    }
    let mut ranked = guesses.to_vec();
    ranked.sort_unstable_by(|a, b| b.said.total_cmp(&a.said));
    let (mut seen, mut hits, mut sum) = (0_u64, 0_u64, 0.0);
    for alike in ranked.chunk_by(|a, b| a.said == b.said) {
        let more = count(alike, |guess| guess.breached);
        seen += alike.len() as u64;
        hits += more;
        sum += more as f64 * hits as f64 / seen as f64;
    }
    Some(sum / breaches as f64)
}

fn count(guesses: &[Guess], is: impl Fn(&Guess) -> bool) -> u64 {
    guesses.iter().filter(|guess| is(guess)).count() as u64
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guesses(all: &[(f64, bool)]) -> Vec<Guess> {
        let guess = |(said, breached): &(f64, bool)| Guess {
            said: *said,
            breached: *breached,
        };
        all.iter().map(guess).collect()
    }

    #[test]
    fn figures_are_those_worked_out_by_hand() {
        let all = guesses(&[
            (0.9, true),
            (0.8, false),
            (0.6, true),
            (0.2, true),
            (0.1, false),
        ]);
        let score = score(&all, 0.5);
        assert_eq!((score.warned, score.hits), (3, 2));
        assert_eq!(score.precision, Some(2.0 / 3.0));
        assert_eq!(score.recall, Some(2.0 / 3.0));
        // Precision at the three breaches: 1/1, 2/3, 3/4.
        let average = (1.0 + 2.0 / 3.0 + 3.0 / 4.0) / 3.0;
        assert!((score.average_precision.unwrap() - average).abs() < 1e-12);
        let brier = (0.01 + 0.64 + 0.16 + 0.64 + 0.01) / 5.0;
        assert!((score.brier.unwrap() - brier).abs() < 1e-12);
    }

    #[test]
    fn equal_probabilities_have_no_order() {
        // One in four is breached, and nothing tells which.
        let all = guesses(&[(0.5, false), (0.5, true), (0.5, false), (0.5, false)]);
        assert_eq!(score(&all, 0.5).average_precision, Some(0.25));
        assert_eq!(score(&guesses(&[(0.5, false)]), 0.5).recall, None);
    }

    #[test]
    fn bins_compare_what_was_said_with_what_came() {
        let all = guesses(&[(0.72, true), (0.78, false), (1.0, true), (0.0, false)]);
        let bins = calibration(&all);
        let told: Vec<_> = bins.iter().map(|bin| (bin.from, bin.forecasts)).collect();
        assert_eq!(told, [(0.0, 1), (0.7, 2), (0.9, 1)]);
        assert!((bins[1].said - 0.75).abs() < 1e-12 && bins[1].came == 0.5);
    }
}
