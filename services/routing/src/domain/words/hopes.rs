//! What would have to change for a waiting ticket to find somebody, told to people.

use lotse_clock::Timestamp;

use super::clock;
use crate::domain::agent::Agent;
use crate::domain::case::{Known, failed};
use crate::domain::choice::{Look, Misfit, Needs};
use crate::domain::codes::Standing;
use crate::domain::directory::{Directory, Seats};
use crate::domain::shift_plan::ShiftPlan;
use crate::domain::turns::Stretch;

/// Agents who are told by name at most.
const NAMED: usize = 3;

/// How far ahead the end of a break or an absence is looked for.
const AHEAD: std::time::Duration = std::time::Duration::from_secs(14 * 86_400);

/// One sentence each: what nobody can do at all, when a preference is dropped, and what those lack
/// who are nearest to getting it. Empty where somebody can have it.
pub(crate) fn hopes(
    look: &Look,
    relaxes_at: Option<Timestamp>,
    directory: &Directory,
    seats: &Seats,
    now: Timestamp,
) -> Vec<String> {
    if look.eligible > 0 {
        return Vec::new();
    }
    let needs = &look.needs;
    let agents = directory.answering(&needs.group, now);
    let agents: Vec<&Agent> = agents.filter(|agent| !agent.profile.retired).collect();
    if agents.is_empty() {
        return vec!["Somebody has to work in the group first.".to_owned()];
    }
    let mut near: Vec<(Vec<Misfit>, &Agent)> = agents
        .iter()
        .filter_map(|agent| {
            let known = Known {
                agent,
                seat: seats.get(&agent.id)?,
                shift: directory.standing(&agent.id, now),
                chance: None,
            };
            Some((failed(&known, needs), *agent))
        })
        .collect();
    let mut words: Vec<String> = impossible(needs, &agents);
    if let Some(at) = relaxes_at.filter(|_| !needs.preferred_skills.is_empty()) {
        let skills: Vec<&str> = needs.preferred_skills.keys().map(String::as_str).collect();
        let skills = skills.join(" and ");
        words.push(format!("At {} preferred {skills} is dropped.", clock(at)));
    }
    // What passes by itself is nearer than what somebody would have to learn.
    let far = |misfit: &Misfit| u8::from(!passes(misfit));
    near.sort_by_key(|(failed, agent)| {
        let learn: u8 = failed.iter().map(far).sum();
        (learn, failed.len(), &agent.profile.name)
    });
    let nearest = near.first();
    let nearest = nearest.map(|(failed, _)| (failed.iter().any(|one| !passes(one)), failed.len()));
    let near = near
        .iter()
        .take_while(|(failed, _)| {
            Some((failed.iter().any(|one| !passes(one)), failed.len())) == nearest
        })
        .take(NAMED);
    // What nobody can do is told already.
    let near = near.filter(|(failed, _)| words.is_empty() || failed.iter().all(passes));
    let told: Vec<String> = near
        .map(|(failed, agent)| {
            let plan = directory.shift_plans.get(&agent.id);
            let until = plan.and_then(|plan| at_work_again(plan, now));
            let parts: Vec<String> = failed.iter().map(|one| hope(one, until)).collect();
            let (name, parts) = (&agent.profile.name, parts.join(" and "));
            format!("{name} can have it as soon as {name} {parts}.")
        })
        .collect();
    words.extend(told);
    words
}

/// What of the needs nobody brings along, whoever is there.
fn impossible(needs: &Needs, agents: &[&Agent]) -> Vec<String> {
    let nobody = |able: &dyn Fn(&Agent) -> bool| !agents.iter().any(|agent| able(agent));
    let mut words = Vec::new();
    for (skill, level) in &needs.skills {
        let has = |agent: &Agent| agent.profile.skills.get(skill) >= Some(level);
        if nobody(&has) {
            words.push(format!(
                "Nobody of the group has {skill} at level {level} or more."
            ));
        }
    }
    if let Some(language) = &needs.language {
        let least = Some(needs.language_level);
        let speaks = |agent: &Agent| agent.profile.language_level(language) >= least;
        if nobody(&speaks) {
            words.push(match needs.language_level {
                0 | 1 => format!("Nobody of the group speaks {language}."),
                level => format!("Nobody of the group speaks {language} at level {level} or more."),
            });
        }
    }
    if nobody(&|agent: &Agent| agent.profile.tier >= needs.min_tier) {
        words.push(format!(
            "Nobody of the group is of tier {} or more.",
            needs.min_tier
        ));
    }
    words
}

/// Whether it passes without anybody learning anything, or deciding by hand.
const fn passes(misfit: &Misfit) -> bool {
    match misfit {
        Misfit::NotOnline
        | Misfit::NotOnChannel(_)
        | Misfit::OffShift
        | Misfit::Absent
        | Misfit::OnBreak
        | Misfit::AtChannelCap(_)
        | Misfit::AtCapacity
        | Misfit::LacksPreferred(..) => true,
        Misfit::Retired
        | Misfit::Excluded
        | Misfit::Declined
        | Misfit::BelowTier(_)
        | Misfit::LacksSkill(..)
        | Misfit::LacksLanguage(_)
        | Misfit::LacksLanguageLevel(..) => false,
    }
}

/// What an agent would have to do or be, after their name; `until` is when they are at work again.
pub(super) fn hope(misfit: &Misfit, until: Option<Timestamp>) -> String {
    let at = until.map_or_else(String::new, |at| format!(" at {}", clock(at)));
    match misfit {
        Misfit::Retired => "works here again".to_owned(),
        Misfit::NotOnline => "is online".to_owned(),
        Misfit::NotOnChannel(channel) => format!("takes new tickets of the channel {channel}"),
        Misfit::OffShift => format!("begins a shift{at}"),
        Misfit::Absent => format!("is back from an absence{at}"),
        Misfit::OnBreak => format!("ends a break{at}"),
        Misfit::Excluded => "is given it by hand, having passed it on before".to_owned(),
        Misfit::Declined => "is asked again, having declined it or not answered".to_owned(),
        Misfit::BelowTier(_) => format!("is of {misfit}"),
        Misfit::LacksSkill(..) => format!("has {misfit}"),
        Misfit::LacksLanguage(_) | Misfit::LacksLanguageLevel(..) => format!("speaks {misfit}"),
        Misfit::AtChannelCap(channel) => format!("has fewer tickets of the channel {channel}"),
        Misfit::AtCapacity => "has room".to_owned(),
        Misfit::LacksPreferred(..) => format!("has the preferred {misfit}"),
    }
}

/// When an agent is at work again, if that is soon.
fn at_work_again(plan: &ShiftPlan, now: Timestamp) -> Option<Timestamp> {
    let window = Stretch {
        from: now,
        until: now + AHEAD,
    };
    let standings = plan.standings(window).into_iter();
    let mut at_work = standings.filter(|(_, standing)| *standing == Standing::AtWork);
    at_work.next().map(|(stretch, _)| stretch.from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::channel::Presences;
    use crate::domain::codes::Presence;
    use crate::domain::queue::look_at;
    use crate::domain::samples::{self, group, item};
    use crate::domain::weight::Weight;

    fn told(language: Option<&str>, setup: impl FnOnce(&mut samples::Team)) -> Vec<String> {
        let mut team = samples::team(3);
        setup(&mut team);
        let mut item = item(1);
        item.group = Some(group(1));
        item.facts.required_skills.insert("vpn".to_owned());
        item.facts.language = language.and_then(crate::domain::language::Language::parse);
        item.facts.language_is_certain = true;
        let (directory, seats) = team.finish();
        let look = look_at(&item, &directory, &seats, item.queued_at).look;
        hopes(&look.unwrap(), None, &directory, &seats, item.queued_at)
    }

    #[test]
    fn the_nearest_agent_is_named_with_what_is_in_the_way() {
        let words = told(None, |team| {
            team.skill(1, "vpn", 1);
            team.skill(2, "vpn", 1);
            team.seat(1).load = Weight::tickets(10);
            team.seat(2).load = Weight::tickets(10);
            team.seat(2).presences = Presences::all(Presence::Away);
        });
        assert_eq!(words, ["agent 1 can have it as soon as agent 1 has room."]);
    }

    #[test]
    fn what_nobody_can_do_is_told_of_the_group() {
        let words = told(Some("fi"), |team| {
            team.skill(1, "vpn", 1);
            // Of whom no language is known, any is expected.
            for n in 1..=3 {
                team.language(n, "de", 5);
            }
        });
        assert_eq!(words, ["Nobody of the group speaks fi."]);
    }

    #[test]
    fn where_somebody_can_have_it_nothing_has_to_change() {
        let words = told(None, |team| team.skill(1, "vpn", 1));
        assert!(words.is_empty(), "{words:?}");
    }
}
