//! What a change of hands leaves in the journal.

use lotse_ids::{AgentId, GroupId};
use lotse_journal::{Body, Draft, Tx};
use lotse_proto::common::v1 as common;
use lotse_proto::journal::v1 as journal;

use super::{HandOver, HandedOver, What};
use crate::domain::codes::TransferReason;
use crate::domain::decision::ByHand;
use crate::domain::item::Item;

pub(super) fn emit(tx: &Tx, wish: &HandOver, before: &Item, handed: &HandedOver) {
    let mut bodies = Vec::new();
    match wish.what {
        What::Assign => bodies.push(assigned(before, handed)),
        What::Transfer(reason) => bodies.push(transferred(reason, before, handed)),
        What::Escalate => {
            bodies.push(Body::TicketEscalated(journal::TicketEscalated {
                from_tier: handed.from_tier.into(),
                to_tier: handed.tier.into(),
                from_group_id: text(before.group.as_ref()),
                to_group_id: text(handed.item.group.as_ref()),
                from_agent_id: name(before.agent.as_ref()),
            }));
            if handed.item.agent.is_some() {
                bodies.push(assigned(before, handed));
            }
        }
    }
    for body in bodies {
        let draft = Draft::ticket(handed.item.ticket.as_str(), body);
        tx.emit(Draft {
            occurred_at: wish.at,
            ..draft
        });
    }
}

fn text(id: Option<&GroupId>) -> String {
    id.map(ToString::to_string).unwrap_or_default()
}

fn name(id: Option<&AgentId>) -> String {
    id.map(ToString::to_string).unwrap_or_default()
}

fn assigned(before: &Item, handed: &HandedOver) -> Body {
    let item = &handed.item;
    Body::TicketAssigned(journal::TicketAssigned {
        group_id: text(item.group.as_ref()),
        agent_id: name(item.agent.as_ref()),
        tier: handed.tier.into(),
        decision_id: String::new(),
        manual: true,
        over_capacity: handed.over_capacity,
        first: !before.trail.had_group && item.group.is_some(),
    })
}

fn transferred(reason: TransferReason, before: &Item, handed: &HandedOver) -> Body {
    let item = &handed.item;
    let ByHand {
        missing,
        guard,
        undone,
        ..
    } = handed.decision.record.by_hand.clone().unwrap_or_default();
    Body::TicketTransferred(journal::TicketTransferred {
        from_group_id: text(before.group.as_ref()),
        from_agent_id: name(before.agent.as_ref()),
        to_group_id: text(item.group.as_ref()),
        to_agent_id: name(item.agent.as_ref()),
        reason: shown(reason).into(),
        misroute: reason.is_misroute(),
        hop: item.transfers,
        decision_id: undone.map(String::from).unwrap_or_default(),
        missing_skill: missing.skill.unwrap_or_default(),
        missing_language: missing
            .language
            .map(|tag| tag.to_string())
            .unwrap_or_default(),
        guard: guard.map(|guard| guard.to_string()).unwrap_or_default(),
    })
}

/// The reason as the journal and the API know it.
pub(crate) const fn shown(reason: TransferReason) -> common::TransferReason {
    match reason {
        TransferReason::WrongSkill => common::TransferReason::WrongSkill,
        TransferReason::WrongLanguage => common::TransferReason::WrongLanguage,
        TransferReason::WrongTier => common::TransferReason::WrongTier,
        TransferReason::Capacity => common::TransferReason::Capacity,
        TransferReason::ShiftEnd => common::TransferReason::ShiftEnd,
        TransferReason::RequesterAsked => common::TransferReason::RequesterAsked,
        TransferReason::Unexplained => common::TransferReason::Unexplained,
    }
}
