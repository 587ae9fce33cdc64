//! Who got a ticket and why, or why nobody did.

use lotse_clock::Timestamp;

use super::Names;
use crate::domain::choice::{Candidate, Criterion, Look, Misfit};
use crate::domain::codes::{Order, Reason};
use crate::domain::decision::Record;

/// Chances are told of at most this many agents.
const TOLD_CHANCES: usize = 3;

/// Left-out agents are told by at most this many reasons; the rest is in the data.
const TOLD_REJECTIONS: usize = 5;

pub(super) fn outcome(record: &Record, names: &Names<'_>) -> String {
    let agent = record.agent.as_ref().map(|agent| names.agent(agent));
    let agent = agent.as_deref().unwrap_or("nobody");
    let (got, back) = match record.offer {
        None => ("got it", "got it back"),
        Some(_) => ("was offered it", "was offered it again"),
    };
    match record.reason {
        Reason::BestFit => {
            let candidates = record.look.as_ref().map(|look| look.candidates.as_slice());
            let Some([best, next, ..]) = candidates else {
                return format!("{agent} {got} as the best choice.");
            };
            let order = record.look.as_ref().map(|look| look.needs.order);
            let why = ahead(best, next, order.unwrap_or_default());
            let who = names.agent(&next.agent);
            let eligible = record.look.as_ref().map_or(0, |look| look.eligible);
            format!("Of {eligible} agents who could take it {agent} {got}, ahead of {who} {why}.")
        }
        Reason::Matched => {
            let eligible = record.look.as_ref().map_or(0, |look| look.eligible);
            format!(
                "Of {eligible} agents who could take it {agent} {got}: several tickets were given \
                 out together, and this was the best for all of them."
            )
        }
        Reason::OnlyCandidate => format!("{agent} {got} as the only agent who could take it."),
        Reason::SameAgent => {
            format!("{agent} {back}, having had it before it was reopened.")
        }
        Reason::SolvedBefore => {
            format!("{agent} {got}, having solved the ticket that it repeats.")
        }
        Reason::NoWorkflow => {
            "It waits: there is no workflow yet that says where tickets go.".to_owned()
        }
        Reason::EmptyGroup => "It waits: the group has no agents.".to_owned(),
        Reason::NobodyOnline => "It waits: no agent of the group is online.".to_owned(),
        Reason::NobodyOnShift => {
            "It waits: the agents who are online are on a break, absent or in no shift.".to_owned()
        }
        Reason::AllBusy => {
            "It waits: every agent who could take it is at their capacity.".to_owned()
        }
        Reason::NobodySkilled => {
            "It waits: no agent who is online has the skills it needs.".to_owned()
        }
        Reason::NobodySpeaksLanguage => {
            "It waits: no agent who is online and has the skills speaks the language.".to_owned()
        }
        Reason::NobodyEligible => {
            "It waits: the agents who are online have passed it on before.".to_owned()
        }
        Reason::NobodyOfTier => {
            "It waits: no agent who is online has the support level it needs.".to_owned()
        }
        Reason::WaitingForPreferred => {
            let relaxes_at = record.step.as_ref().and_then(|step| step.relaxes_at);
            let until = relaxes_at.map(Timestamp::from_millis);
            let until = until.map(|at| format!(" until {at}")).unwrap_or_default();
            format!("It waits{until} for an agent with the skills it prefers; others have room.")
        }
        Reason::EverybodyDeclined => {
            "It waits: everybody who could take it was offered it and did not.".to_owned()
        }
        Reason::Manual | Reason::Transfer | Reason::Escalation => format!("{agent} got it."),
    }
}

/// Why the best candidate stands before the next.
pub(super) fn ahead(best: &Candidate, next: &Candidate, order: Order) -> String {
    match best.compare(next, order).0 {
        Criterion::Load => format!(
            "by having clearly less to do ({:.0} % of the capacity taken against {:.0} %)",
            100.0 - best.spare_share() * 100.0,
            100.0 - next.spare_share() * 100.0
        ),
        Criterion::Chance => {
            format!(
                "by the better chance of resolving it without a transfer ({} against {})",
                percent(best.chance),
                percent(next.chance)
            )
        }
        Criterion::Fit => format!(
            "by a better fit in skills and language ({} against {})",
            best.fit, next.fit
        ),
        Criterion::Spare => format!(
            "by more free capacity ({:.0} % against {:.0} %)",
            best.spare_share() * 100.0,
            next.spare_share() * 100.0
        ),
        Criterion::LongestIdle => "by the longer time since the last ticket".to_owned(),
        Criterion::Id => "by nothing but order, all else being equal".to_owned(),
    }
}

/// What was learned of the first of those who could take it.
pub(super) fn learned(look: &Look, names: &Names<'_>) -> Option<String> {
    let version = look.chances?;
    let told: Vec<String> = look
        .candidates
        .iter()
        .filter(|one| one.chance.is_some())
        .take(TOLD_CHANCES)
        .map(|one| format!("{} {}", names.agent(&one.agent), percent(one.chance)))
        .collect();
    (!told.is_empty()).then(|| {
        format!(
            "Chances of resolving it without a transfer, as learned (version {version}): {}.",
            told.join(", ")
        )
    })
}

/// A chance for people.
pub(super) fn percent(chance: Option<u16>) -> String {
    chance.map_or_else(
        || "unknown".to_owned(),
        |chance| format!("{:.0} %", f64::from(chance) / 10.0),
    )
}

pub(super) fn left_out(look: &Look) -> Option<String> {
    let mut rejections: Vec<&(Misfit, u32)> = look.rejections.iter().collect();
    rejections.sort_by_key(|(_, agents)| std::cmp::Reverse(*agents));
    let told: Vec<String> = rejections
        .iter()
        .take(TOLD_REJECTIONS)
        .map(|(misfit, agents)| format!("{agents} {}", why(misfit, *agents)))
        .collect();
    (!told.is_empty()).then(|| format!("Left out: {}.", told.join("; ")))
}

/// Why agents were left out, after their number or name.
pub(super) fn why(misfit: &Misfit, agents: u32) -> String {
    let (is, lacks, has, takes) = if agents == 1 {
        ("is", "lacks", "has", "takes")
    } else {
        ("are", "lack", "have", "take")
    };
    match misfit {
        Misfit::Retired => format!("{is} retired"),
        Misfit::NotOnline => format!("{is} not online"),
        Misfit::NotOnChannel(channel) => format!("{takes} nothing new of the channel {channel}"),
        Misfit::Declined => "declined it or did not answer".to_owned(),
        Misfit::AtChannelCap(channel) => {
            format!("{has} as many tickets of the channel {channel} as they may")
        }
        Misfit::OffShift => format!("{is} in no shift"),
        Misfit::Absent => format!("{is} absent"),
        Misfit::OnBreak => format!("{is} on a break"),
        Misfit::Excluded => "passed it on before".to_owned(),
        Misfit::LacksSkill(..) => format!("{lacks} {misfit}"),
        Misfit::LacksLanguage(_) | Misfit::LacksLanguageLevel(..) => {
            format!("{lacks} the language {misfit}")
        }
        Misfit::BelowTier(_) => format!("{is} not of {misfit}"),
        Misfit::LacksPreferred(..) => format!("{lacks} the preferred {misfit}"),
        Misfit::AtCapacity => format!("{has} no room"),
    }
}
