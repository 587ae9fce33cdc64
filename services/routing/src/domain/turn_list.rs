//! The turns of a rota over a stretch of time, and which of them an agent hands over to.

use std::collections::BTreeMap;
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_ids::AgentId;

use super::duty::{self, OnDuty};
use super::rota::{Override, Rota};
use super::turns::Stretch;

/// Hours repeat every week, so no layer stays empty for longer than this between two turns.
const LONGEST_GAP: Duration = Duration::from_secs(9 * 86_400);

/// The time up to an instant in which whoever hands over then had their turn.
pub(crate) fn recently(at: Timestamp) -> Stretch {
    Stretch {
        from: at - LONGEST_GAP,
        until: at + Duration::from_millis(1),
    }
}

impl Rota {
    /// Every turn that lasts at some instant of a window, of all layers and of those whom exceptions
    /// add, by beginning, layer and exception. Each is told as long as it is, also beyond the
    /// window. `overrides` must hold all that [`Rota::hull`] reaches to.
    pub(crate) fn turns_within(
        &self,
        overrides: &[Override],
        is_active: impl Fn(&AgentId) -> bool,
        window: Stretch,
    ) -> Vec<OnDuty> {
        let layers = &self.profile().layers;
        let mut found = BTreeMap::new();
        for at in self.begins(overrides, window) {
            let turns = self.turns(&is_active, at);
            for turn in duty::every_turn(self, &turns, overrides, &is_active, at) {
                let layer = layers.iter().position(|layer| layer.name == turn.layer);
                let place = layer.unwrap_or(layers.len());
                found.insert((turn.from, place, turn.by.clone()), turn);
            }
        }
        found.into_values().collect()
    }

    /// The window, and the whole of the turns at its ends.
    pub(crate) fn hull(&self, is_active: impl Fn(&AgentId) -> bool, window: Stretch) -> Stretch {
        let last = Timestamp::from_millis(window.until.as_millis() - 1);
        let around = |at| duty::window(&self.turns(&is_active, at), at);
        Stretch {
            from: around(window.from).from,
            until: around(last).until,
        }
    }

    /// When the turn begins that an agent hands a layer over to: the next one, or the last where
    /// theirs was the one before it. None for whoever had neither. `overrides` must hold all from
    /// where the hull of [`recently`] begins.
    pub(crate) fn handed_over_to(
        &self,
        layer: &str,
        agent: &AgentId,
        overrides: &[Override],
        is_active: impl Fn(&AgentId) -> bool,
        at: Timestamp,
    ) -> Option<Timestamp> {
        let begun = self.turns_within(overrides, &is_active, recently(at));
        let mut begun = begun.into_iter().rev().filter(|turn| turn.layer == layer);
        let last = begun.next()?;
        if last.agent != *agent {
            let runs = last.until.is_some_and(|until| at < until);
            let before = begun.next().filter(|before| before.agent == *agent);
            return before.filter(|_| runs).and(last.from);
        }
        let ends = last.until?;
        let following = Stretch {
            from: ends,
            until: ends + LONGEST_GAP,
        };
        let next = self.turns_within(overrides, &is_active, following);
        let next = next.into_iter().find(|turn| turn.layer == layer);
        Some(next.and_then(|next| next.from).unwrap_or(ends))
    }
}

#[cfg(test)]
#[path = "turn_list_tests.rs"]
mod tests;
