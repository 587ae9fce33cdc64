//! A policy's reactions, as callers write and read them.

use std::collections::BTreeMap;

use lotse_errors::Violations;
use lotse_ids::GroupId;
use lotse_proto::common::v1::Priority as ProtoPriority;
use lotse_proto::sla::v1 as proto;

use super::enums;
use crate::domain::{EscalationContent, HandedOn, Reaction, Target};
use crate::store::settings::Setting;

/// The most that a policy may have.
const MOST: usize = 64;

/// Reads the reactions of a Put; what is wrong with them goes to `wrong`, under `policy.reactions`.
pub(super) fn read(
    given: &[proto::Reaction],
    targets: &[Target],
    warn: &[u8],
    escalations: &[Setting<EscalationContent>],
    wrong: &mut Violations,
) -> Vec<Reaction> {
    wrong.require(
        "policy.reactions",
        given.len() <= MOST,
        "must be at most 64",
    );
    let mut reactions = BTreeMap::new();
    for (index, reaction) in given.iter().take(MOST).enumerate() {
        let field = format!("policy.reactions[{index}]");
        let mut inner = Violations::new();
        let read = read_one(reaction, targets, warn, escalations, &mut inner);
        wrong.nest(&field, inner);
        if let Some(read) = read
            && reactions.insert((read.metric, read.at), read).is_some()
        {
            wrong.add(
                field,
                "repeats the metric and share of a reaction before it",
            );
        }
    }
    reactions.into_values().collect()
}

fn read_one(
    given: &proto::Reaction,
    targets: &[Target],
    warn: &[u8],
    escalations: &[Setting<EscalationContent>],
    wrong: &mut Violations,
) -> Option<Reaction> {
    let proto::Reaction {
        metric,
        at_percent,
        escalation_policy_id,
        raise_priority_to,
        hand_on,
        hand_on_group_id,
    } = given;
    let metric = wrong.take("metric", enums::metric(*metric).ok_or("must be a metric"));
    let promised = |metric| targets.iter().any(|target| target.metric == metric);
    wrong.require(
        "metric",
        metric.is_none_or(promised),
        "must be one that the policy has a target for",
    );
    let at = u8::try_from(*at_percent).ok().filter(|at| *at != 0);
    let is_warned = *at_percent == 0 || at.is_some_and(|at| warn.contains(&at));
    wrong.require(
        "at_percent",
        is_warned,
        "must be 0 or one of the shares warned at",
    );
    let alert = read_escalation(escalation_policy_id, escalations, wrong);
    let raise_to = match *raise_priority_to {
        0 => None,
        given => wrong.take(
            "raise_priority_to",
            enums::priority(given).ok_or("must be a priority or unspecified"),
        ),
    };
    let how = match *hand_on {
        0 => None,
        given => wrong.take(
            "hand_on",
            enums::hand_on(given).ok_or("must be REQUEUE, ESCALATE or unspecified"),
        ),
    };
    let group = wrong.parse_optional::<GroupId>("hand_on_group_id", hand_on_group_id);
    wrong.require(
        "hand_on_group_id",
        *hand_on != 0 || hand_on_group_id.is_empty(),
        "must be empty without hand_on",
    );
    let nothing = escalation_policy_id.is_empty() && *raise_priority_to == 0 && *hand_on == 0;
    wrong.require(
        "escalation_policy_id",
        !nothing,
        "is required when nothing else is to happen",
    );
    Some(Reaction {
        metric: metric?,
        at,
        alert,
        raise_to,
        hand_on: how.map(|how| HandedOn {
            how,
            group: group.map(String::from),
        }),
    })
}

fn read_escalation(
    given: &str,
    escalations: &[Setting<EscalationContent>],
    wrong: &mut Violations,
) -> Option<String> {
    if given.is_empty() {
        return None;
    }
    let mut known = escalations.iter();
    let found = known.find(|one| one.id == given || one.content.name == given);
    if found.is_none() {
        let words = format!("there is no escalation policy {given:?}");
        wrong.add("escalation_policy_id", words);
    }
    found.map(|found| found.id.clone())
}

/// A reaction as callers see it.
pub(super) fn write(reaction: &Reaction) -> proto::Reaction {
    let Reaction {
        metric,
        at,
        alert,
        raise_to,
        hand_on,
    } = reaction;
    let raise_to = raise_to.map_or(ProtoPriority::Unspecified, enums::to_priority);
    let how = hand_on.as_ref().map(|hand_on| hand_on.how);
    let group = hand_on.as_ref().and_then(|hand_on| hand_on.group.clone());
    proto::Reaction {
        metric: enums::to_metric(*metric).into(),
        at_percent: at.map_or(0, u32::from),
        escalation_policy_id: alert.clone().unwrap_or_default(),
        raise_priority_to: raise_to.into(),
        hand_on: how
            .map_or(proto::HandOn::Unspecified, enums::to_hand_on)
            .into(),
        hand_on_group_id: group.unwrap_or_default(),
    }
}
