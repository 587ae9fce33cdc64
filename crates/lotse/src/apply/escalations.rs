//! Escalation policies and reactions: read from a file, read back from the service, and put.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use lotse_proto::sla::v1 as sla;
use lotse_proto::time::duration_to_proto;
use serde::Serialize;

use super::read::{Kind, Reader};
use super::read_promises::{maps, time};
use super::state::{self, named};
use super::words::{HAND_ONS, METRICS, PRIORITIES, TARGET_KINDS};
use super::yaml::Map;

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Escalation {
    pub(crate) name: String,
    pub(crate) levels: Vec<Level>,
    pub(crate) repeat: u32,
    pub(crate) repeat_after: Option<Duration>,
    pub(crate) acknowledgement_timeout: Option<Duration>,
    pub(crate) support_calendar: String,
    pub(crate) notification_targets: BTreeSet<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Level {
    pub(crate) delay: Duration,
    pub(crate) targets: Vec<Target>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Target {
    pub(crate) kind: String,
    /// The name of an agent, a group, a rota or a notification target; empty where it follows from
    /// the ticket.
    pub(crate) name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Reaction {
    pub(crate) metric: String,
    /// 0 for the breach.
    pub(crate) at_percent: u32,
    pub(crate) alert: String,
    pub(crate) raise_priority_to: String,
    pub(crate) hand_on: String,
    pub(crate) hand_on_group: String,
}

/// Names and ids of what escalation policies refer to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    pub(crate) agents: BTreeMap<String, String>,
    pub(crate) groups: BTreeMap<String, String>,
    pub(crate) rotas: BTreeMap<String, String>,
}

pub(crate) fn escalation(reader: &mut Reader, map: &mut Map<'_>) -> Option<Escalation> {
    let mut levels = Vec::new();
    for mut level in maps(reader, map, "levels") {
        let delay = span(reader, &mut level, "delay").unwrap_or_default();
        let mut targets = Vec::new();
        for mut target in maps(reader, &mut level, "targets") {
            targets.extend(self::target(reader, &mut target));
            target.finish(&mut reader.problems);
        }
        if targets.is_empty() {
            let problem = "needs at least one of \"targets\"";
            reader.problems.add(&level.at, problem);
        }
        levels.push(Level { delay, targets });
        level.finish(&mut reader.problems);
    }
    if levels.is_empty() {
        let problem = "needs at least one of \"levels\"";
        reader.problems.add(&map.at, problem);
    }
    let repeat = reader.whole(map, "repeat", 0..=20).unwrap_or(0);
    let repeat_after = span(reader, map, "repeat_after");
    if (repeat > 0) != repeat_after.is_some() {
        let problem = "needs \"repeat\" and \"repeat_after\" together";
        reader.problems.add(&map.at, problem);
    }
    let timeout = span(reader, map, "acknowledgement_timeout");
    let calendar = reader.reference(map, "support_calendar", Kind::Calendar);
    let kind = Kind::NotificationTarget;
    let targets = reader.references(map, "notification_targets", kind);
    let name = reader.name(Kind::Escalation, map)?;
    Some(Escalation {
        name,
        levels,
        repeat,
        repeat_after,
        acknowledgement_timeout: timeout,
        support_calendar: calendar.unwrap_or_default(),
        notification_targets: targets,
    })
}

fn target(reader: &mut Reader, map: &mut Map<'_>) -> Option<Target> {
    let kind = map.require("kind", &mut reader.problems)?;
    let kind = reader.word(&kind, TARGET_KINDS)?;
    let agent = reader.reference(map, "agent", Kind::Agent);
    let group = reader.reference(map, "group", Kind::Group);
    let rota = reader.reference(map, "rota", Kind::Rota);
    let target = reader.reference(map, "target", Kind::NotificationTarget);
    let given = [&agent, &group, &rota, &target];
    let count = given.iter().filter(|one| one.is_some()).count();
    let (fits, words) = match kind.as_str() {
        "agent" => (agent.is_some(), "needs \"agent\" and nothing else"),
        "notification_target" => (target.is_some(), "needs \"target\" and nothing else"),
        "ticket_agent" => (count == 0, "needs nothing else"),
        "on_duty" => (
            count == 0 || rota.is_some() || group.is_some(),
            "may have either \"rota\" or \"group\"",
        ),
        _ => (count == 0 || group.is_some(), "may have \"group\""),
    };
    if !fits || count > 1 {
        reader.problems.add(&map.at, words);
    }
    let name = agent.or(group).or(rota).or(target).unwrap_or_default();
    Some(Target { kind, name })
}

/// The reactions of a policy.
pub(crate) fn reactions(reader: &mut Reader, map: &mut Map<'_>) -> BTreeSet<Reaction> {
    let mut reactions = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for mut one in maps(reader, map, "reactions") {
        let metric = one.require("metric", &mut reader.problems);
        let metric = metric.and_then(|entry| reader.word(&entry, METRICS));
        let at_percent = reader.whole(&mut one, "at_percent", 1..=99).unwrap_or(0);
        let alert = reader.reference(&mut one, "alert", Kind::Escalation);
        let raise = one.take("raise_priority_to");
        let raise = raise.and_then(|entry| reader.word(&entry, PRIORITIES));
        let hand_on = one.take("hand_on");
        let hand_on = hand_on.and_then(|entry| reader.word(&entry, HAND_ONS));
        let group = reader.reference(&mut one, "hand_on_group", Kind::Group);
        if let Some(metric) = metric {
            if !seen.insert((metric.clone(), at_percent)) {
                let problem = "repeats a metric and at_percent";
                reader.problems.add(&one.at, problem);
            }
            reactions.insert(Reaction {
                metric,
                at_percent,
                alert: alert.unwrap_or_default(),
                raise_priority_to: raise.unwrap_or_default(),
                hand_on: hand_on.unwrap_or_default(),
                hand_on_group: group.unwrap_or_default(),
            });
        }
        one.finish(&mut reader.problems);
    }
    reactions
}

fn span(reader: &mut Reader, map: &mut Map<'_>, key: &str) -> Option<Duration> {
    let entry = map.take(key)?;
    time(reader, &entry)
}

/// What is there; `names` are those of everything that has an id.
pub(crate) fn known(
    policy: sla::EscalationPolicy,
    names: &BTreeMap<String, String>,
) -> Result<Escalation> {
    let target = |target: sla::EscalationTarget| Target {
        kind: TARGET_KINDS.word(target.kind),
        name: named(target.id, names),
    };
    let level = |level: sla::EscalationLevel| {
        Ok(Level {
            delay: state::time(level.delay)?,
            targets: level.targets.into_iter().map(target).collect(),
        })
    };
    let spans = [policy.repeat_after, policy.acknowledgement_timeout];
    let [repeat_after, timeout] =
        spans.map(|span| span.map(|span| state::time(Some(span))).transpose());
    let targets = policy.notification_target_ids.into_iter();
    Ok(Escalation {
        name: policy.name,
        levels: policy
            .levels
            .into_iter()
            .map(level)
            .collect::<Result<_>>()?,
        repeat: policy.repeat,
        repeat_after: repeat_after?,
        acknowledgement_timeout: timeout?,
        support_calendar: named(policy.support_calendar_id, names),
        notification_targets: targets.map(|id| named(id, names)).collect(),
    })
}

/// A reaction that is there.
pub(crate) fn known_reaction(
    reaction: sla::Reaction,
    names: &BTreeMap<String, String>,
) -> Reaction {
    Reaction {
        metric: METRICS.word(reaction.metric),
        at_percent: reaction.at_percent,
        alert: named(reaction.escalation_policy_id, names),
        raise_priority_to: PRIORITIES.word(reaction.raise_priority_to),
        hand_on: HAND_ONS.word(reaction.hand_on),
        hand_on_group: named(reaction.hand_on_group_id, names),
    }
}

/// The message that puts an escalation policy.
pub(crate) fn proto(escalation: &Escalation, ids: &Ids, etag: String) -> sla::EscalationPolicy {
    let Escalation {
        name,
        levels,
        repeat,
        repeat_after,
        acknowledgement_timeout,
        support_calendar,
        notification_targets,
    } = escalation;
    let level = |Level { delay, targets }: &Level| sla::EscalationLevel {
        delay: Some(duration_to_proto(*delay)),
        targets: targets.iter().map(|one| proto_target(one, ids)).collect(),
    };
    sla::EscalationPolicy {
        name: name.clone(),
        levels: levels.iter().map(level).collect(),
        repeat: *repeat,
        repeat_after: repeat_after.map(duration_to_proto),
        acknowledgement_timeout: acknowledgement_timeout.map(duration_to_proto),
        support_calendar_id: support_calendar.clone(),
        notification_target_ids: notification_targets.iter().cloned().collect(),
        etag,
        ..sla::EscalationPolicy::default()
    }
}

fn proto_target(target: &Target, ids: &Ids) -> sla::EscalationTarget {
    let Target { kind, name } = target;
    let id = match kind.as_str() {
        "agent" => ids.agents.get(name),
        "notification_target" => None,
        _ => ids.rotas.get(name).or_else(|| ids.groups.get(name)),
    };
    sla::EscalationTarget {
        kind: TARGET_KINDS.code(kind),
        id: id.unwrap_or(name).clone(),
    }
}

/// The message of a reaction.
pub(crate) fn proto_reaction(
    reaction: &Reaction,
    groups: &BTreeMap<String, String>,
) -> sla::Reaction {
    let Reaction {
        metric,
        at_percent,
        alert,
        raise_priority_to,
        hand_on,
        hand_on_group,
    } = reaction;
    let group = groups.get(hand_on_group).unwrap_or(hand_on_group);
    sla::Reaction {
        metric: METRICS.code(metric),
        at_percent: *at_percent,
        escalation_policy_id: alert.clone(),
        raise_priority_to: PRIORITIES.code(raise_priority_to),
        hand_on: HAND_ONS.code(hand_on),
        hand_on_group_id: group.clone(),
    }
}
