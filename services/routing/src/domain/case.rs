//! One agent's case at a decision: why it was this agent, or why it was not.

use lotse_ids::AgentId;

use super::agent::{Agent, Limits, Seat};
use super::channel::Presences;
use super::choice::{Candidate, Criterion, Look, Misfit, Needs, misfit_in};
use super::codes::{Presence, Standing};

/// What was to be said for and against an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Got it.
    Chosen,
    /// Could have taken it; whoever got it was better by this, where anybody got it.
    Eligible(Option<Criterion>),
    /// Could not take it: every check failed, in the order of checking.
    LeftOut(Vec<Misfit>),
    /// Does not work in the group.
    NotMember,
    /// Is recomputed as eligible, but the decision did not see it so.
    Changed,
}

/// A verdict, and the agent as a candidate where it was one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// The agent's place among those who could take it.
    pub(crate) standing: Option<Candidate>,
}

/// What is known of an agent at an instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    /// As configured.
    pub(crate) agent: &'a Agent,
    /// Presence and load.
    pub(crate) seat: &'a Seat,
    /// What the shifts say; none without a plan.
    pub(crate) shift: Option<Standing>,
    /// What was learned of them, by the version that the look names.
    pub(crate) chance: Option<u16>,
}

/// The case of an agent at a decision that looked in a group and gave the ticket to `chosen`.
///
/// What the record says of its candidates is what was seen, and stands; all others are judged by
/// what is kept of them.
pub(crate) fn judge(known: &Known<'_>, look: &Look, chosen: Option<&AgentId>) -> Case {
    let mut recorded = look.candidates.iter();
    let recorded = recorded.find(|one| one.agent == known.agent.id);
    if chosen == Some(&known.agent.id) {
        return Verdict::Chosen.with(recorded.cloned());
    }
    let standing = match recorded {
        Some(recorded) => recorded.clone(),
        None if !known.answers(look) => return Verdict::NotMember.with(None),
        None => {
            let failed = failed(known, &look.needs);
            if !failed.is_empty() {
                return Verdict::LeftOut(failed).with(None);
            }
            // A short list is whole: whoever was eligible is on it.
            if usize::try_from(look.eligible).is_ok_and(|all| all <= look.candidates.len()) {
                return Verdict::Changed.with(None);
            }
            Candidate::new(known.agent, known.seat, &look.needs, known.chance)
        }
    };
    let mut candidates = look.candidates.iter();
    let best = candidates.find(|one| chosen == Some(&one.agent));
    let by = best.map(|best| best.compare(&standing, look.needs.order).0);
    Verdict::Eligible(by).with(Some(standing))
}

impl Verdict {
    fn with(self, standing: Option<Candidate>) -> Case {
        Case {
            verdict: self,
            standing,
        }
    }
}

impl Known<'_> {
    /// Whether the agent answers the tickets that were looked at: of the group, of the one that
    /// covers it, or as who had it before.
    fn answers(&self, look: &Look) -> bool {
        let (groups, cover) = (&self.agent.profile.groups, look.cover.as_ref());
        groups.contains(&look.needs.group)
            || cover.is_some_and(|cover| groups.contains(&cover.by))
            || look.needs.former() == Some(&self.agent.id)
    }
}

/// Every check that an agent fails, in the order of checking: each is excused in turn to find the
/// next.
pub(super) fn failed(known: &Known<'_>, needs: &Needs) -> Vec<Misfit> {
    let (mut agent, mut seat) = (known.agent.clone(), known.seat.clone());
    let (mut shift, mut needs) = (known.shift, needs.clone());
    let mut failed: Vec<Misfit> = Vec::new();
    while let Some(misfit) = misfit_in(shift, &agent, &seat, &needs) {
        if failed.last() == Some(&misfit) {
            break;
        }
        match &misfit {
            Misfit::Retired => agent.profile.retired = false,
            Misfit::NotOnline => seat.presences = Presences::all(Presence::Online),
            Misfit::NotOnChannel(channel) => seat.presences[*channel] = Presence::Online,
            Misfit::OffShift | Misfit::Absent | Misfit::OnBreak => shift = None,
            Misfit::Excluded => {
                needs.excluded.remove(&agent.id);
            }
            Misfit::Declined => {
                needs.declined.remove(&agent.id);
            }
            Misfit::LacksSkill(skill, _) => {
                needs.skills.remove(skill);
            }
            Misfit::LacksLanguage(_) | Misfit::LacksLanguageLevel(..) => needs.language = None,
            Misfit::BelowTier(_) => needs.min_tier = 0,
            Misfit::AtChannelCap(channel) => {
                needs.weight = seat.limits.weight_of(*channel, needs.weight);
                seat.limits = Limits::default();
            }
            Misfit::AtCapacity => {
                let weight = seat.limits.weight_of(needs.channel, needs.weight);
                seat.capacity = seat.load + weight;
            }
            Misfit::LacksPreferred(skill, _) => {
                needs.preferred_skills.remove(skill);
            }
        }
        failed.push(misfit);
    }
    failed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::choice::choose;
    use crate::domain::directory::Directory;
    use crate::domain::samples::{self, group, item};
    use crate::domain::weight::Weight;
    use lotse_clock::Timestamp;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn known<'a>(agent: &'a Agent, seat: &'a Seat) -> Known<'a> {
        Known {
            agent,
            seat,
            shift: None,
            chance: None,
        }
    }

    /// What one agent is like: presence, retired, level in vpn, language, load, last ticket.
    type Like = (u8, bool, u8, u8, i64, Option<i64>);

    fn teams() -> impl Strategy<Value = Vec<Like>> {
        let like = (
            0_u8..4,
            proptest::bool::weighted(0.1),
            0_u8..4,
            0_u8..3,
            0_i64..4,
            proptest::option::of(0_i64..3),
        );
        proptest::collection::vec(like, 1..31)
    }

    fn team(likes: &[Like]) -> samples::Team {
        let mut team = samples::team(likes.len());
        for (at, (presence, retired, level, language, load, last)) in likes.iter().enumerate() {
            let n = at + 1;
            if *level > 0 {
                team.skill(n, "vpn", *level);
            }
            if *language > 0 {
                team.language(n, if *language == 1 { "de" } else { "fr" }, 3);
            }
            team.agents[at].0.profile.retired = *retired;
            let seat = team.seat(n);
            seat.capacity = Weight::tickets(3);
            seat.load = Weight::from_thousandths(load * 1_000);
            seat.last_assigned_at = last.map(Timestamp::from_millis);
            if *presence == 0 {
                seat.presences = Presences::all(Presence::Away);
            }
        }
        team
    }

    proptest! {
        #[test]
        fn every_agents_case_agrees_with_the_decision(
            likes in teams(), vpn in any::<bool>(), german in any::<bool>(),
            excluded in proptest::option::of(1_usize..31),
        ) {
            let (directory, seats) = team(&likes).finish();
            let mut item = item(1);
            if vpn {
                item.trail.missing.insert("vpn".to_owned(), 2);
            }
            if german {
                item.facts.language = crate::domain::language::Language::parse("de");
                item.facts.language_is_certain = true;
            }
            item.trail.excluded.extend(excluded.map(samples::agent));
            let needs = item.needs(&directory.groups[&group(1)]);
            let choice = choose(needs, &directory, &seats, item.queued_at);
            agrees(&choice.look, choice.agent.as_ref(), &directory, &seats)?;
        }
    }

    /// Judges everybody from what is kept, as if the record held no candidate but the chosen one.
    fn agrees(
        look: &Look,
        chosen: Option<&AgentId>,
        directory: &Directory,
        seats: &crate::domain::directory::Seats,
    ) -> Result<(), TestCaseError> {
        let mut bare = look.clone();
        bare.candidates.retain(|one| chosen == Some(&one.agent));
        let (mut eligible, mut left_out) = (0, BTreeMap::new());
        for agent in directory.members(&look.needs.group) {
            let case = judge(&known(agent, &seats[&agent.id]), &bare, chosen);
            match case.verdict {
                Verdict::Chosen => eligible += 1,
                Verdict::Eligible(by) => {
                    eligible += 1;
                    let best = bare.candidates.first();
                    let standing = case.standing.as_ref();
                    let order = best
                        .zip(standing)
                        .map(|(best, it)| best.compare(it, look.needs.order));
                    prop_assert_eq!(order.map(|(by, _)| by), by);
                    prop_assert!(order.is_some_and(|(_, order)| order.is_lt()));
                }
                Verdict::LeftOut(failed) => *left_out.entry(failed[0].clone()).or_insert(0) += 1,
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            }
        }
        prop_assert_eq!(eligible, look.eligible);
        prop_assert_eq!(
            left_out.into_iter().collect::<Vec<_>>(),
            look.rejections.clone()
        );
        Ok(())
    }

    #[test]
    fn all_failed_checks_are_named_in_their_order() {
        let mut team = samples::team(1);
        let seat = team.seat(1);
        seat.presences = Presences::all(Presence::Offline);
        seat.load = Weight::tickets(10);
        team.language(1, "fr", 5);
        let (directory, seats) = team.finish();
        let mut item = item(1);
        item.facts.required_skills.insert("vpn".to_owned());
        item.facts.language = crate::domain::language::Language::parse("de");
        item.facts.language_is_certain = true;
        let needs = item.needs(&directory.groups[&group(1)]);
        let agent = directory.agents.values().next().unwrap();
        let codes: Vec<_> = failed(&known(agent, &seats[&agent.id]), &needs)
            .iter()
            .map(Misfit::as_str)
            .collect();
        assert_eq!(
            codes,
            ["not_online", "lacks_skill", "lacks_language", "at_capacity"]
        );
    }
}
