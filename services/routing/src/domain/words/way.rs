//! How a ticket came to its group, and what it needs there.

use lotse_clock::Timestamp;
use lotse_ids::GroupId;

use super::{Names, clock};
use crate::domain::advice::Advice;
use crate::domain::choice::Look;
use crate::domain::codes::{Certainty, SkipReason};
use crate::domain::cover::Covered;
use crate::domain::workflow::{DEFAULT_RULE, Step};

/// How the model led there.
pub(super) fn advised(step: &Step, advice: &Advice, names: &Names<'_>) -> Vec<String> {
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
pub(super) fn way(step: &Step, names: &Names<'_>) -> Vec<String> {
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

pub(super) fn needs(look: &Look) -> Vec<String> {
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

pub(super) fn covered(cover: &Covered, group: Option<&GroupId>, names: &Names<'_>) -> String {
    let group = group.map_or_else(|| "The group".to_owned(), |group| names.group(group));
    let mut letters = group.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let group: String = first.chain(letters).collect();
    let by = names.group(&cover.by);
    let until = clock(Timestamp::from_millis(cover.until));
    format!("{group} is covered by {by} until {until}, whose agents count as members.")
}
