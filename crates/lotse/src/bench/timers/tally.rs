//! What came of a pass: who was late, what was lost, what happened twice.

use serde::Serialize;

use super::crew::Said;

/// Milliseconds from due to done, nearest rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Lateness {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

impl Lateness {
    /// Of these; zeros when there are none.
    pub(super) fn of(mut late: Vec<f64>) -> Self {
        late.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            let rank = (late.len() as f64 * share).ceil() as usize;
            late.get(rank.max(1) - 1).copied().unwrap_or_default()
        };
        Self {
            p50: rank(0.5),
            p99: rank(0.99),
            max: rank(1.0),
        }
    }
}

/// What workers said in a pass.
pub(super) struct Tally {
    /// Effects by row.
    effects: Vec<u32>,
    /// Lateness of what the first claim of it did.
    late: Vec<f64>,
    /// Lateness of what had been claimed before by somebody who did not do it.
    late_again: Vec<f64>,
    delivered_again: u64,
}

/// The same in figures.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Passed {
    pub(super) lateness: Lateness,
    pub(super) doubled: u64,
    /// Rows handed to a worker although their effect was there.
    pub(super) delivered_again: u64,
    /// Rows of a claim that was never acknowledged.
    pub(super) reclaimed: u64,
    pub(super) late_max_reclaimed: f64,
}

impl Tally {
    /// Of `rows` rows.
    pub(super) fn new(rows: u64) -> Self {
        Self {
            effects: vec![0; usize::try_from(rows).unwrap_or_default()],
            late: Vec::new(),
            late_again: Vec::new(),
            delivered_again: 0,
        }
    }

    /// Takes note.
    pub(super) fn note(&mut self, said: &Said) {
        match *said {
            Said::Effect { row, late, again } => {
                let row = usize::try_from(row).ok();
                let Some(effects) = row.and_then(|row| self.effects.get_mut(row)) else {
                    return;
                };
                *effects += 1;
                let list = if again {
                    &mut self.late_again
                } else {
                    &mut self.late
                };
                list.push(late as f64);
            }
            Said::Again => self.delivered_again += 1,
            Said::Ready | Said::Holding | Said::Other(_) => {}
        }
    }

    /// The figures.
    pub(super) fn figures(self) -> Passed {
        let doubled = self.effects.iter().map(|n| u64::from(n.saturating_sub(1)));
        Passed {
            doubled: doubled.sum(),
            lateness: Lateness::of(self.late),
            delivered_again: self.delivered_again,
            reclaimed: self.late_again.len() as u64,
            late_max_reclaimed: self.late_again.into_iter().fold(0.0, f64::max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let late = Lateness::of((1..=200).map(f64::from).rev().collect());
        assert_eq!((late.p50, late.p99, late.max), (100.0, 198.0, 200.0));
        assert_eq!(Lateness::of(Vec::new()), Lateness::default());
    }

    #[test]
    fn an_effect_had_twice_counts_as_doubled_and_a_claim_made_again_apart() {
        let mut tally = Tally::new(3);
        let effect = |row, late, again| Said::Effect { row, late, again };
        for said in [
            effect(0, 1, false),
            effect(0, 2, false),
            effect(1, 4_000, true),
        ] {
            tally.note(&said);
        }
        tally.note(&Said::Again);
        let passed = tally.figures();
        assert_eq!((passed.doubled, passed.delivered_again), (1, 1));
        assert_eq!((passed.reclaimed, passed.late_max_reclaimed), (1, 4_000.0));
        assert_eq!(passed.lateness.max, 2.0);
    }
}
