//! Which timers a pass arms, and when each is due. `bullmq/plan.mjs` says the same.

use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_timers::{Entry, LANES};
use serde::Serialize;

/// Timers due evenly over a time.
#[derive(Clone, Copy, Debug, Serialize, clap::Args)]
pub(super) struct Plan {
    /// How many.
    #[arg(long)]
    pub(super) count: u64,
    /// When the first is due: milliseconds since the epoch.
    #[arg(long)]
    pub(super) first: i64,
    /// Over how many milliseconds.
    #[arg(long)]
    pub(super) over: i64,
}

impl Plan {
    /// `count` timers over `over`, the first at `first`.
    pub(super) fn new(count: u64, first: Timestamp, over: Duration) -> Self {
        Self {
            count,
            first: first.as_millis(),
            over: i64::try_from(over.as_millis()).unwrap_or(i64::MAX),
        }
    }

    /// When a timer is due.
    pub(super) fn due(&self, index: u64) -> Timestamp {
        let share = i128::from(index) * i128::from(self.over) / i128::from(self.count.max(1));
        Timestamp::from_millis(self.first + i64::try_from(share).unwrap_or(i64::MAX))
    }

    /// When the last is due.
    pub(super) fn end(&self) -> Timestamp {
        self.due(self.count)
    }

    /// What is armed for it.
    pub(super) fn entries(&self) -> Vec<Entry> {
        (0..self.count)
            .map(|index| Entry {
                row: row(index),
                generation: 1,
                due: self.due(index),
                lane: (index % u64::from(LANES)) as u8,
            })
            .collect()
    }
}

/// The name of a row, as long as a ticket's id is.
pub(super) fn row(index: u64) -> String {
    format!("tkt_{index:026}")
}

/// The index of a row.
pub(super) fn index(row: &str) -> Option<u64> {
    row.strip_prefix("tkt_")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_are_due_evenly_from_the_first_on() {
        let plan = Plan::new(3, Timestamp::from_millis(1_000), Duration::from_millis(100));
        let due: Vec<i64> = (0..3).map(|index| plan.due(index).as_millis()).collect();
        assert_eq!(due, [1_000, 1_033, 1_066]);
        assert_eq!(plan.end().as_millis(), 1_100);
    }

    #[test]
    fn a_row_tells_its_index() {
        assert_eq!(index(&row(77)), Some(77));
        assert_eq!(row(0).len(), "tkt_01k0zq4m5hf7zvq2w3x8y9ab12".len());
        assert_eq!(index("clk_1"), None);
    }
}
