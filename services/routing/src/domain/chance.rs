//! How likely an agent is to solve a ticket without passing it on: what is counted for it.

use lotse_clock::Timestamp;

const DAY: f64 = 86_400_000.0;

/// Days after which a ticket counts half.
const HALF_LIFE: f64 = 60.0;

/// Tickets that ended well and that were passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// Solved by whoever had them.
    pub(crate) resolved: f64,
    /// Passed on because they were wrong there.
    pub(crate) passed_on: f64,
}

/// What a ticket at `at` counts for. Weights grow with time instead of shrinking, so that a count
/// is a sum that only ever has something added to it (forward decay: Cormode and others, 2009);
/// whoever reads it divides by the weight of the present. 2^1023, which is more than fits, is 168
/// years away.
pub(crate) fn weight(at: Timestamp) -> f64 {
    /// 2020-01-01.
    const LANDMARK: i64 = 1_577_836_800_000;
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of a lifetime")]
    let days = (at.as_millis() - LANDMARK) as f64 / DAY;
    (days / HALF_LIFE).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_counts_half_after_its_half_life() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let then = now - std::time::Duration::from_secs(60 * 86_400);
        assert!((weight(then) / weight(now) - 0.5).abs() < 1e-9);
    }
}
