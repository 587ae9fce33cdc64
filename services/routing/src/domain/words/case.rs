//! One agent's case told to people.

use lotse_clock::Timestamp;

use super::outcome::{ahead, percent, why};
use super::{Names, clock};
use crate::domain::agent::{Agent, Seat};
use crate::domain::case::{Case, Verdict};
use crate::domain::choice::{Candidate, Criterion, Look, Misfit};
use crate::domain::codes::Reason;
use crate::domain::decision::Record;
use crate::domain::directory::Directory;

/// The case in words, one sentence each: what the agent was like, and what came of it.
pub(crate) fn tell_case(
    case: &Case,
    agent: &Agent,
    seat: &Seat,
    record: &Record,
    directory: &Directory,
) -> Vec<String> {
    let names = Names(directory);
    let name = names.agent(&agent.id);
    let mut words = vec![standing(&name, seat)];
    let look = record.look.as_ref();
    words.extend(look.and_then(|look| on_channel(&name, seat, look)));
    words.extend(look.and_then(|look| by_cover(&name, agent, look, &names)));
    match &case.verdict {
        Verdict::Chosen => words.push(format!("{name} got the ticket.")),
        Verdict::Eligible(by) => words.push(behind(&name, case, *by, record, &names)),
        Verdict::LeftOut(failed) => {
            let told: Vec<String> = failed
                .iter()
                .map(|misfit| format!("{}{}", why(misfit, 1), has(misfit, agent)))
                .collect();
            words.push(format!("{name} was left out: {}.", told.join("; ")));
        }
        Verdict::NotMember => {
            let group = look.map(|look| names.group(&look.needs.group));
            let group = group.unwrap_or_else(|| "the group".to_owned());
            words.push(format!("{name} did not work in {group}."));
        }
        Verdict::Changed => words.push(format!(
            "{name} changed in the very instant of the decision, which did not count them among \
             those who could take it."
        )),
    }
    words
}

/// What an agent was like when a person decided, without comparing anybody.
pub(crate) fn tell_by_hand(agent: &Agent, seat: &Seat, directory: &Directory) -> Vec<String> {
    let name = Names(directory).agent(&agent.id);
    vec![
        standing(&name, seat),
        "A person decided; nobody was compared.".to_owned(),
    ]
}

fn standing(name: &str, seat: &Seat) -> String {
    format!(
        "{name} was {} and held {} of {}.",
        seat.presence(),
        seat.load.as_tickets(),
        seat.capacity.as_tickets()
    )
}

/// What of an agent's channels is not said by what they were altogether: whether they took tickets of
/// this one, and how many of it they may hold.
fn on_channel(name: &str, seat: &Seat, look: &Look) -> Option<String> {
    let (channel, weight) = (look.needs.channel, look.needs.weight);
    let presence = seat.presences[channel];
    let elsewhere = (presence != seat.presence()).then(|| format!("was {presence} there"));
    let weight = seat.limits.weight_of(channel, weight);
    let cap = seat.limits.cap(channel, weight).map(|cap| {
        format!(
            "held {} of at most {} there",
            seat.loads[channel].as_tickets(),
            cap.as_tickets()
        )
    });
    let parts: Vec<String> = elsewhere.into_iter().chain(cap).collect();
    let parts = parts.join(" and ");
    (!parts.is_empty())
        .then(|| format!("The ticket came by the channel {channel}: {name} {parts}."))
}

/// For whom an agent of another group had to do with the ticket.
fn by_cover(name: &str, agent: &Agent, look: &Look, names: &Names<'_>) -> Option<String> {
    let (cover, group) = (look.cover.as_ref()?, &look.needs.group);
    let groups = &agent.profile.groups;
    (groups.contains(&cover.by) && !groups.contains(group)).then(|| {
        format!(
            "{name} answered for {} as an agent of {}, which covered it until {}.",
            names.group(group),
            names.group(&cover.by),
            clock(Timestamp::from_millis(cover.until))
        )
    })
}

/// What of a missing skill or language the agent had.
fn has(misfit: &Misfit, agent: &Agent) -> String {
    let level = match misfit {
        Misfit::LacksSkill(skill, _) | Misfit::LacksPreferred(skill, _) => {
            agent.profile.skills.get(skill).copied()
        }
        Misfit::LacksLanguageLevel(language, _) => agent.profile.language_level(language),
        Misfit::LacksLanguage(_)
        | Misfit::BelowTier(_)
        | Misfit::Retired
        | Misfit::NotOnline
        | Misfit::NotOnChannel(_)
        | Misfit::Declined
        | Misfit::AtChannelCap(_)
        | Misfit::OffShift
        | Misfit::Absent
        | Misfit::OnBreak
        | Misfit::Excluded
        | Misfit::AtCapacity => None,
    };
    level.map_or_else(String::new, |level| format!(" (has level {level})"))
}

/// Why somebody else got it.
fn behind(
    name: &str,
    case: &Case,
    by: Option<Criterion>,
    record: &Record,
    names: &Names<'_>,
) -> String {
    let best = chosen(record);
    let (Some(by), Some(best), Some(own)) = (by, best, &case.standing) else {
        return format!("{name} could take the ticket.");
    };
    let who = names.agent(&best.agent);
    let preferred = record.look.as_ref();
    let preferred = preferred.and_then(|look: &Look| look.needs.preferred.as_ref());
    if preferred == Some(&best.agent) {
        return format!("{name} could have taken it too, but {who} had it before it was reopened.");
    }
    if record.reason == Reason::Matched {
        let order = record.look.as_ref().map(|look| look.needs.order);
        let (_, ordering) = best.compare(own, order.unwrap_or_default());
        let alone = if ordering.is_gt() {
            format!(
                "For this ticket alone {name} would have stood before {who} {}, but several",
                ahead(own, best, order.unwrap_or_default())
            )
        } else {
            format!(
                "{who} stood before {name} {}, and several",
                ahead(best, own, order.unwrap_or_default())
            )
        };
        return format!(
            "{name} could have taken it too. {alone} tickets were given out together, and this was \
             the best for all of them."
        );
    }
    let equal = if best.fit == own.fit {
        format!("both fit alike ({}); ", own.fit)
    } else {
        String::new()
    };
    let free = |one: &Candidate| {
        format!(
            "{} of {}",
            one.spare.as_tickets(),
            one.capacity.as_tickets()
        )
    };
    let why = match by {
        Criterion::Load => {
            format!(
                "{who} had clearly less to do: {} free, {name} {}",
                free(best),
                free(own)
            )
        }
        Criterion::Chance => {
            return format!(
                "{name} could have taken it too, but {who} was more likely to resolve it without a \
                 transfer ({} against {}).",
                percent(best.chance),
                percent(own.chance)
            );
        }
        Criterion::Fit => format!(
            "{who} fitted better in skills and language ({} against {})",
            best.fit, own.fit
        ),
        Criterion::Spare => {
            format!("{who} had {} free, {name} {}", free(best), free(own))
        }
        Criterion::LongestIdle => format!("{who} had been longer without a new ticket"),
        Criterion::Id => format!("{who} stands first by nothing but order"),
    };
    format!("{name} could have taken it too: {equal}{why}.")
}

fn chosen(record: &Record) -> Option<&Candidate> {
    let look = record.look.as_ref()?;
    let mut candidates = look.candidates.iter();
    candidates.find(|one| record.agent.as_ref() == Some(&one.agent))
}
