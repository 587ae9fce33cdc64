//! Whose public replies need a mentor's approval, on the tickets of which group.

use std::collections::HashMap;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId, RotaId};

use super::directory::Directory;
use super::rota::{Override, Rota, Shadow};

/// A shadow whose replies need approval, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Supervised {
    /// Who learns.
    pub(crate) agent: AgentId,
    /// Who approves.
    pub(crate) mentor: AgentId,
    /// From when on; none for always.
    pub(crate) from: Option<Timestamp>,
    /// Up to, not including; none for as long as it stands.
    pub(crate) until: Option<Timestamp>,
}

impl Supervised {
    /// Whether it lasts at an instant.
    pub(crate) fn lasts(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }

    /// The part of it that lies within a time; none when nothing does.
    fn within(self, from: Timestamp, until: Timestamp) -> Option<Self> {
        let from = self.from.map_or(from, |own| own.max(from));
        let until = self.until.map_or(until, |own| own.min(until));
        (from < until).then_some(Self {
            from: Some(from),
            until: Some(until),
            ..self
        })
    }
}

/// Whose replies on a group's tickets need approval: by its rota, and while another group covers it
/// by that one's. Of several for one agent at an instant the first counts. `overrides` are those of
/// each rota.
pub(crate) fn of_group(
    directory: &Directory,
    overrides: &HashMap<RotaId, Vec<Override>>,
    group: &GroupId,
) -> Vec<Supervised> {
    let by_rota = |group: &GroupId| {
        let rota = directory.rota_of(group);
        rota.map_or_else(Vec::new, |rota| {
            let overrides = overrides.get(&rota.setting.id);
            of_rota(rota, overrides.map_or(&[][..], Vec::as_slice))
        })
    };
    let mut all = by_rota(group);
    for cover in directory.covers(group) {
        let covering = by_rota(&cover.by).into_iter();
        all.extend(covering.filter_map(|one| one.within(cover.starts_at, cover.ends_at)));
    }
    all
}

/// By exceptions while they last, then by layers at any time.
fn of_rota(rota: &Rota, overrides: &[Override]) -> Vec<Supervised> {
    let supervised = |shadow: &Shadow, from, until| {
        shadow.approval.then(|| Supervised {
            agent: shadow.agent.clone(),
            mentor: shadow.mentor.clone(),
            from,
            until,
        })
    };
    let exceptions = overrides.iter().filter_map(|one| {
        let shadow = one.shadow.as_ref()?;
        supervised(shadow, Some(one.starts_at), Some(one.ends_at))
    });
    let layers = rota.profile().layers.iter();
    let layers = layers.filter_map(|layer| supervised(layer.shadow.as_ref()?, None, None));
    exceptions.chain(layers).collect()
}
