//! Decisions told to people, one sentence after another.
//!
//! [`way`] tells how a ticket came to its group, [`outcome`] who got it there and why, [`by_hand`] what
//! people did; [`case`] is one agent's case, [`hopes`] what would have to change for a ticket that
//! waits.

mod by_hand;
mod case;
mod hopes;
mod outcome;
mod way;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};

use super::codes::DecisionKind;
use super::decision::Record;
use super::directory::Directory;
use super::turns::instant;
use by_hand::by_hand;
pub(crate) use case::{tell_by_hand, tell_case};
pub(crate) use hopes::hopes;
use outcome::{learned, left_out, outcome};
use way::{advised, covered, needs, way};

/// The decision in words, one sentence each.
pub(crate) fn tell(record: &Record, directory: &Directory) -> Vec<String> {
    let names = Names(directory);
    match record.kind {
        DecisionKind::Automatic => automatic(record, &names),
        DecisionKind::Manual | DecisionKind::Transfer | DecisionKind::Escalation => {
            by_hand(record, &names)
        }
    }
}

/// What people call a group.
pub(crate) fn group_name(directory: &Directory, group: &GroupId) -> String {
    Names(directory).group(group)
}

/// An instant for people.
fn clock(at: Timestamp) -> String {
    instant(at).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Agents and groups by the names they have now.
pub(super) struct Names<'a>(pub(super) &'a Directory);

impl Names<'_> {
    pub(super) fn agent(&self, id: &AgentId) -> String {
        let agent = self.0.agents.get(id);
        agent.map_or_else(|| id.to_string(), |agent| agent.profile.name.clone())
    }

    pub(super) fn group(&self, id: &GroupId) -> String {
        let group = self.0.groups.get(id);
        group.map_or_else(
            || format!("group {id}"),
            |group| {
                format!(
                    "group {:?} (tier {})",
                    group.profile.name, group.profile.tier
                )
            },
        )
    }

    /// An agent, a group's queue, or nobody.
    pub(super) fn owner(&self, agent: Option<&AgentId>, group: Option<&GroupId>) -> String {
        match (agent, group) {
            (Some(agent), Some(group)) => format!("{} in {}", self.agent(agent), self.group(group)),
            (Some(agent), None) => self.agent(agent),
            (None, Some(group)) => format!("the queue of {}", self.group(group)),
            (None, None) => "nobody".to_owned(),
        }
    }
}

fn automatic(record: &Record, names: &Names<'_>) -> Vec<String> {
    let mut words = Vec::new();
    match (&record.step, &record.group) {
        (Some(step), _) => match &record.advice {
            Some(advice) => words.extend(advised(step, advice, names)),
            None => words.extend(way(step, names)),
        },
        (None, Some(group)) => words.push(format!("The ticket belongs to {}.", names.group(group))),
        (None, None) => {}
    }
    if let Some(look) = &record.look {
        words.extend(needs(look));
    }
    if let Some(cover) = record.look.as_ref().and_then(|look| look.cover.as_ref()) {
        words.push(covered(cover, record.group.as_ref(), names));
    }
    words.push(outcome(record, names));
    if let Some(look) = &record.look {
        words.extend(learned(look, names));
        words.extend(left_out(look));
    }
    words
}

#[cfg(test)]
mod tests;
