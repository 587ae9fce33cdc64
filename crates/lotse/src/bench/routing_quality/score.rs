//! How good the answers of a policy were.

use serde::Serialize;

use super::dice::Dice;
use super::history::Story;
use super::walk::Answer;

/// Samples drawn for an interval.
const DRAWS: usize = 1000;

/// The figures of one policy.
#[derive(Clone, Debug, Serialize)]
pub struct Policy {
    /// What it is called.
    pub name: &'static str,
    /// Share of tickets whose first group was not their last.
    pub wrong_first: f64,
    /// 95 % bootstrap interval of that share.
    pub wrong_first_interval: [f64; 2],
    /// Share of tickets whose last group was among the first three answers; of a policy with one
    /// answer, that one.
    pub hit3: f64,
    /// Likewise of five.
    pub hit5: f64,
    /// Mean hand-overs until the last group, going down the list of answers; of the people, those
    /// that the log counts.
    pub expected_transfers: f64,
    /// How far the chances given to the first answer can be believed; absent without chances.
    pub calibration: Option<Calibration>,
}

/// What was said beside what came.
#[derive(Clone, Debug, Serialize)]
pub struct Calibration {
    /// Mean squared distance of the chance given to the first answer and whether it was right.
    pub brier: f64,
    /// Mean distance of what was said and what came, over the lines of the table.
    pub error: f64,
    /// Ten lines by the chance given, empty ones left out.
    pub reliability: Vec<Bin>,
}

/// One line of a reliability table.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Bin {
    /// From this chance on.
    pub from: f64,
    /// Tickets in it.
    pub tickets: u64,
    /// Their mean chance.
    pub said: f64,
    /// The share whose first answer was right.
    pub came: f64,
}

/// Scores a policy's answers; `None` when there are none.
pub(super) fn score(name: &'static str, asked: &[Story], answers: &[Answer]) -> Option<Policy> {
    if asked.is_empty() || asked.len() != answers.len() {
        return None;
    }
    let places: Vec<usize> = asked
        .iter()
        .zip(answers)
        .map(|(story, answer)| place(story, answer))
        .collect();
    let within = |most: usize| {
        share(
            places.iter().filter(|place| **place < most).count(),
            places.len(),
        )
    };
    let transfers: f64 = match name {
        "people" => asked
            .iter()
            .map(|story| f64::from(story.reassignments))
            .sum(),
        _ => {
            let passed = places.iter().zip(answers);
            passed
                .map(|(place, answer)| (*place).min(answer.groups.len()) as f64)
                .sum()
        }
    };
    Some(Policy {
        name,
        wrong_first: 1.0 - within(1),
        wrong_first_interval: interval(&places),
        hit3: within(3),
        hit5: within(5),
        expected_transfers: transfers / places.len() as f64,
        calibration: calibration(&places, answers),
    })
}

/// How many answers were wrong before the right one; more than any when it is not among them.
fn place(story: &Story, answer: &Answer) -> usize {
    let truth = story.truth();
    let place = answer
        .groups
        .iter()
        .position(|group| Some(group.as_str()) == truth);
    place.unwrap_or(usize::MAX)
}

/// Draws as many tickets as there are, with repetition, and takes the middle 95 % of the shares.
fn interval(places: &[usize]) -> [f64; 2] {
    let mut dice = Dice(1);
    let mut shares: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let wrong = (0..places.len())
                .filter(|_| places[dice.below(places.len())] > 0)
                .count();
            share(wrong, places.len())
        })
        .collect();
    shares.sort_by(f64::total_cmp);
    [shares[DRAWS / 40], shares[DRAWS - 1 - DRAWS / 40]]
}

fn calibration(places: &[usize], answers: &[Answer]) -> Option<Calibration> {
    let mut bins: Vec<Bin> = (0..10)
        .map(|tenth| Bin {
            from: f64::from(tenth) / 10.0,
            ..Bin::default()
        })
        .collect();
    let mut squares = 0.0;
    for (place, answer) in places.iter().zip(answers) {
        let (said, came) = (answer.chance?, f64::from(u8::from(*place == 0)));
        squares += (said - came).powi(2);
        let tenth = ((said * 10.0) as usize).min(bins.len() - 1);
        let bin = &mut bins[tenth];
        bin.tickets += 1;
        bin.said += said;
        bin.came += came;
    }
    bins.retain(|bin| bin.tickets > 0);
    let total = places.len() as f64;
    let error = bins
        .iter()
        .map(|bin| (bin.said - bin.came).abs())
        .sum::<f64>()
        / total;
    for bin in &mut bins {
        bin.said /= bin.tickets as f64;
        bin.came /= bin.tickets as f64;
    }
    Some(Calibration {
        brier: squares / total,
        error,
        reliability: bins,
    })
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}
