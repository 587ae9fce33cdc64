//! Who is on duty: turns with their exceptions, and whoever else stands in.

use std::collections::HashSet;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, DutyOverrideId};

use super::codes::DutySource;
use super::rota::{Layer, Override, Rota, Shadow};
use super::turns::{Stretch, Turn};
use super::weight::Weight;

/// An agent on duty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OnDuty {
    /// Who.
    pub(crate) agent: AgentId,
    /// Why.
    pub(crate) source: DutySource,
    /// Since when without a break, by this source.
    pub(crate) from: Option<Timestamp>,
    /// Until when, by this source, as things are.
    pub(crate) until: Option<Timestamp>,
    /// The rota's layer; empty for other sources.
    pub(crate) layer: String,
    /// The exception.
    pub(crate) by: Option<DutyOverrideId>,
    /// The second person on this duty.
    pub(crate) shadow: Option<Shadow>,
    /// Whose turn follows in the layer, by the rota alone.
    pub(crate) next: Option<AgentId>,
}

/// A member of a group who is online.
#[derive(Clone, Debug)]
pub(crate) struct Present {
    /// Who.
    pub(crate) agent: AgentId,
    /// For the order.
    pub(crate) name: String,
    /// What the agent holds.
    pub(crate) load: Weight,
    /// Since when.
    pub(crate) since: Timestamp,
    /// When it runs out.
    pub(crate) until: Option<Timestamp>,
}

/// The time about which exceptions must be known to say how long `turns` last at `at`.
pub(crate) fn window(turns: &[Turn], at: Timestamp) -> Stretch {
    let stretches = || turns.iter().map(|turn| turn.stretch);
    let now = at + std::time::Duration::from_millis(1);
    Stretch {
        from: stretches().map(|one| one.from).min().unwrap_or(at).min(at),
        until: stretches()
            .map(|one| one.until)
            .max()
            .unwrap_or(now)
            .max(now),
    }
}

/// Who is on duty in a rota at an instant: whoever has the turns, as the exceptions change it, then
/// those whom exceptions add, everybody once. Exceptions of agents whom `is_active` denies count for
/// nothing.
pub(crate) fn of_rota(
    rota: &Rota,
    turns: &[Turn],
    overrides: &[Override],
    is_active: impl Fn(&AgentId) -> bool,
    at: Timestamp,
) -> Vec<OnDuty> {
    once(every_turn(rota, turns, overrides, is_active, at))
}

/// As [`of_rota`], with everybody in every layer that has them.
pub(super) fn every_turn(
    rota: &Rota,
    turns: &[Turn],
    overrides: &[Override],
    is_active: impl Fn(&AgentId) -> bool,
    at: Timestamp,
) -> Vec<OnDuty> {
    let mut overrides: Vec<&Override> = overrides
        .iter()
        .filter(|one| one.rota == rota.setting.id && is_active(&one.agent))
        .collect();
    // The one put last counts; ids decide between those put at the same time.
    overrides.sort_by(|a, b| (b.updated_at, &b.id).cmp(&(a.updated_at, &a.id)));
    let by_turn = turns.iter().map(|turn| {
        let layer = &rota.profile().layers[turn.layer];
        let mut on_duty = by_turn(turn, layer, &overrides, at);
        let shadow = on_duty.shadow.take();
        on_duty.shadow = shadow.filter(|one| is_active(&one.agent) && one.agent != on_duty.agent);
        on_duty.next = rota.next_turn(turn, &is_active);
        on_duty
    });
    let mut added: Vec<&&Override> = overrides
        .iter()
        .filter(|one| one.instead_of.is_none() && one.starts_at <= at && at < one.ends_at)
        .collect();
    added.sort_by_key(|one| (one.starts_at, &one.id));
    let added = added.into_iter().map(|one| OnDuty {
        agent: one.agent.clone(),
        source: DutySource::Override,
        from: Some(one.starts_at),
        until: Some(one.ends_at),
        layer: String::new(),
        by: Some(one.id.clone()),
        shadow: one.shadow.clone().filter(|shadow| is_active(&shadow.agent)),
        next: None,
    });
    by_turn.chain(added).collect()
}

/// Who has a turn at an instant, with `overrides` in the order in which they count.
fn by_turn(turn: &Turn, layer: &Layer, overrides: &[&Override], at: Timestamp) -> OnDuty {
    let replacing: Vec<&Override> = overrides
        .iter()
        .filter(|one| one.instead_of.as_ref() == Some(&turn.agent))
        .copied()
        .collect();
    let counts_at = |at: Timestamp| {
        let mut replacing = replacing.iter().copied();
        replacing.find(|one| one.starts_at <= at && at < one.ends_at)
    };
    let by = counts_at(at);
    // The stretch around `at` in which nothing else comes to count.
    let (mut from, mut until) = (turn.stretch.from, turn.stretch.until);
    let changes = replacing
        .iter()
        .flat_map(|one| [one.starts_at, one.ends_at]);
    for change in changes.filter(|change| turn.stretch.contains(*change)) {
        let before = Timestamp::from_millis(change.as_millis() - 1);
        if change <= at && !same(counts_at(before), by) {
            from = from.max(change);
        } else if change > at && !same(counts_at(change), by) {
            until = until.min(change);
        }
    }
    OnDuty {
        agent: by.map_or(&turn.agent, |by| &by.agent).clone(),
        source: by.map_or(DutySource::Rota, |_| DutySource::Override),
        from: Some(from),
        until: Some(until),
        layer: layer.name.clone(),
        shadow: by
            .and_then(|by| by.shadow.clone())
            .or_else(|| layer.shadow.clone()),
        next: None,
        by: by.map(|by| by.id.clone()),
    }
}

fn same(one: Option<&Override>, other: Option<&Override>) -> bool {
    one.map(|one| &one.id) == other.map(|other| &other.id)
}

/// Who stands in for a group: those who are online, the least loaded first, then the lead.
pub(crate) fn of_group(mut present: Vec<Present>, lead: Option<&AgentId>) -> Vec<OnDuty> {
    present.sort_by(|a, b| (a.load, &a.name).cmp(&(b.load, &b.name)));
    let present = present.into_iter().map(|one| OnDuty {
        agent: one.agent,
        source: DutySource::Presence,
        from: Some(one.since),
        until: one.until,
        layer: String::new(),
        by: None,
        shadow: None,
        next: None,
    });
    let lead = lead.map(|lead| OnDuty {
        agent: lead.clone(),
        source: DutySource::Lead,
        from: None,
        until: None,
        layer: String::new(),
        by: None,
        shadow: None,
        next: None,
    });
    once(present.chain(lead))
}

/// Everybody where they come first.
pub(crate) fn once(all: impl IntoIterator<Item = OnDuty>) -> Vec<OnDuty> {
    let mut seen = HashSet::new();
    let all = all.into_iter();
    all.filter(|one| seen.insert(one.agent.clone())).collect()
}

#[cfg(test)]
#[path = "duty_tests.rs"]
pub(super) mod tests;
