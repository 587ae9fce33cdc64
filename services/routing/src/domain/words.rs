//! Decisions told to people.

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};

use super::advice::Advice;
use super::choice::{Candidate, Criterion, Look, Misfit};
use super::codes::{Certainty, DecisionKind, Guard, Order, Reason, SkipReason, TransferReason};
use super::cover::Covered;
use super::decision::{Missing, Record};
use super::directory::Directory;
use super::hops::Place;
use super::turns::instant;
use super::workflow::{DEFAULT_RULE, Step};

/// Chances are told of at most this many agents.
const TOLD_CHANCES: usize = 3;

/// Left-out agents are told by at most this many reasons; the rest is in the data.
const TOLD_REJECTIONS: usize = 5;

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
    fn owner(&self, agent: Option<&AgentId>, group: Option<&GroupId>) -> String {
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

/// How the model led there.
fn advised(step: &Step, advice: &Advice, names: &Names<'_>) -> Vec<String> {
    let version = step.version;
    let asks = if step.rule == DEFAULT_RULE {
        format!("No rule of workflow version {version} fits, and its default asks the model.")
    } else {
        format!(
            "Rule {:?} of workflow version {version} asks the model.",
            step.rule
        )
    };
    let mut words = vec![asks];
    words.extend(advice.tell(|group| names.group(group)));
    let group = names.group(&step.group);
    words.push(match advice.certainty {
        Certainty::Confident => format!("So the ticket goes to {group}."),
        // A step of the way that is there for this has a number.
        Certainty::Unsure if step.number == 0 => {
            format!("So the ticket goes to triage, {group}, where a person chooses.")
        }
        Certainty::Unsure | Certainty::NoModel => {
            format!("So the ticket goes where the workflow sends it then, {group}.")
        }
    });
    words
}

/// How the workflow led there.
fn way(step: &Step, names: &Names<'_>) -> Vec<String> {
    let (version, group) = (step.version, names.group(&step.group));
    let by_default = step.rule == DEFAULT_RULE;
    let mut words = vec![match (by_default, step.number) {
        (true, 0 | 1) => format!(
            "No rule of workflow version {version} fits, so the ticket goes to its default, {group}."
        ),
        (true, number) => format!(
            "No rule of workflow version {version} fits; step {number} of its default leads to {group}."
        ),
        (false, 0 | 1) => format!(
            "Rule {:?} of workflow version {version} leads to {group}.",
            step.rule
        ),
        (false, number) => format!(
            "Step {number} of rule {:?} of workflow version {version} leads to {group}.",
            step.rule
        ),
    }];
    let skipped = step.skipped.iter().map(|(number, why)| {
        let why = match why {
            SkipReason::NobodyOnline => "nobody of its group is online",
            SkipReason::NobodyFree => "nobody of its group has room",
            SkipReason::OutsideHours => "it is outside its hours",
        };
        format!("Step {number} is passed over: {why}.")
    });
    words.extend(skipped);
    words
}

fn needs(look: &Look) -> Vec<String> {
    let needs = &look.needs;
    let skill =
        |(skill, level): (&String, &u8)| format!("the skill {skill} at level {level} or more");
    let mut all: Vec<String> = needs.skills.iter().map(skill).collect();
    all.extend(needs.language.iter().map(|tag| match needs.language_level {
        0 | 1 => format!("the language {tag}"),
        level => format!("the language {tag} at level {level} or more"),
    }));
    if needs.min_tier > 0 {
        all.push(format!("an agent of tier {} or more", needs.min_tier));
    }
    let preferred: Vec<String> = needs.preferred_skills.iter().map(skill).collect();
    let mut words = Vec::new();
    if !all.is_empty() {
        words.push(format!("It needs {}.", all.join(" and ")));
    }
    if !preferred.is_empty() {
        words.push(format!(
            "For now it also asks for {}.",
            preferred.join(" and ")
        ));
    }
    words
}

fn covered(cover: &Covered, group: Option<&GroupId>, names: &Names<'_>) -> String {
    let group = group.map_or_else(|| "The group".to_owned(), |group| names.group(group));
    let mut letters = group.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let group: String = first.chain(letters).collect();
    let by = names.group(&cover.by);
    let until = instant(Timestamp::from_millis(cover.until)).strftime("%Y-%m-%d %H:%M UTC");
    format!("{group} is covered by {by} until {until}, whose agents count as members.")
}

fn outcome(record: &Record, names: &Names<'_>) -> String {
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
fn learned(look: &Look, names: &Names<'_>) -> Option<String> {
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

fn left_out(look: &Look) -> Option<String> {
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

fn by_hand(record: &Record, names: &Names<'_>) -> Vec<String> {
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

#[cfg(test)]
#[path = "words_tests.rs"]
mod every_code;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::queue::look_at;
    use crate::domain::samples::{self, agent, group, item};
    use lotse_ids::DecisionId;

    fn told(setup: impl FnOnce(&mut samples::Team)) -> Vec<String> {
        let mut team = samples::team(3);
        setup(&mut team);
        let mut item = item(1);
        item.group = Some(group(1));
        item.facts.required_skills.insert("vpn".to_owned());
        let (directory, seats) = team.finish();
        let planned = look_at(&item, &directory, &seats, item.queued_at);
        let record = Record {
            id: DecisionId::generate(item.queued_at),
            kind: DecisionKind::Automatic,
            reason: planned.reason,
            from_group: None,
            from_agent: None,
            group: planned.group,
            agent: planned.agent.map(|(agent, _)| agent),
            offer: None,
            step: planned.step,
            advice: None,
            look: planned.look,
            by_hand: None,
        };
        tell(&record, &directory)
    }

    #[test]
    fn words_say_who_why_and_why_not_the_others() {
        let words = told(|team| {
            team.skill(1, "vpn", 5);
            team.skill(2, "vpn", 2);
        });
        assert_eq!(
            words,
            [
                "The ticket belongs to group \"group 1\" (tier 1).",
                "It needs the skill vpn at level 1 or more.",
                "Of 2 agents who could take it agent 1 got it, ahead of agent 2 by a better fit in \
                 skills and language (5 against 2).",
                "Left out: 1 lacks vpn at level 1 or more.",
            ]
        );
    }

    #[test]
    fn words_say_why_it_waits() {
        let words = told(|_| ());
        assert_eq!(
            words[2],
            "It waits: no agent who is online has the skills it needs."
        );
        assert_eq!(words[3], "Left out: 3 lack vpn at level 1 or more.");
        assert_eq!(
            Names(&Directory::default()).owner(Some(&agent(1)), None),
            agent(1).to_string()
        );
    }
}
