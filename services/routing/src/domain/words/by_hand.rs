//! What people did with a ticket.

use super::Names;
use crate::domain::codes::{DecisionKind, Guard, TransferReason};
use crate::domain::decision::{Missing, Record};
use crate::domain::hops::Place;

pub(super) fn by_hand(record: &Record, names: &Names<'_>) -> Vec<String> {
    let to = names.owner(record.agent.as_ref(), record.group.as_ref());
    let from = names.owner(record.from_agent.as_ref(), record.from_group.as_ref());
    let mut words = vec![match record.kind {
        DecisionKind::Transfer => format!("Transferred from {from} to {to}."),
        DecisionKind::Escalation => format!("Escalated from {from} to {to}."),
        DecisionKind::Manual | DecisionKind::Automatic => format!("Assigned by hand to {to}."),
    }];
    let Some(by_hand) = &record.by_hand else {
        return words;
    };
    words.extend(by_hand.transfer_reason.map(|reason| {
        let counts = if reason.is_misroute() {
            "this counts as a misroute"
        } else {
            "no misroute"
        };
        format!("The reason: {}; {counts}.", spoken(reason))
    }));
    words.extend(missing(&by_hand.missing));
    if let Some(guard) = by_hand.guard {
        words.push(guarded(guard, by_hand.wanted.as_ref(), names));
    }
    if by_hand.over_capacity {
        words.push("This put the agent over their capacity.".to_owned());
    }
    words
}

/// What whoever had it lacked.
fn missing(missing: &Missing) -> Vec<String> {
    let skill = missing.skill.iter();
    let skill = skill.map(|skill| format!("It needs the skill {skill} from now on."));
    let language = missing.language.iter();
    let language = language.map(|tag| format!("It needs the language {tag} from now on."));
    skill.chain(language).collect()
}

/// Why a transfer did not go where it was meant to, or should not have.
fn guarded(guard: Guard, wanted: Option<&Place>, names: &Names<'_>) -> String {
    let why = match guard {
        Guard::HopLimit => "it has been passed on too often already",
        Guard::PingPong => "it would go back to where it just came from",
    };
    match wanted {
        Some(to) => format!(
            "It was meant for {}, but {why}: supervisors decide where it goes.",
            names.owner(to.agent.as_ref(), to.group.as_ref())
        ),
        None => format!("Note that {why}, and there was no supervisor to decide."),
    }
}

const fn spoken(reason: TransferReason) -> &'static str {
    match reason {
        TransferReason::WrongSkill => "a skill was missing",
        TransferReason::WrongLanguage => "the language was missing",
        TransferReason::WrongTier => "it belongs to another support level",
        TransferReason::Capacity => "too much to do",
        TransferReason::ShiftEnd => "the end of a shift",
        TransferReason::RequesterAsked => "the requester asked for somebody else",
        TransferReason::Unexplained => "none was given",
    }
}
