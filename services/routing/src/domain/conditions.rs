//! Which tickets a rule of the workflow takes.

use std::collections::{BTreeMap, BTreeSet};

use lotse_ids::organisation;
use serde::{Deserialize, Serialize};

use super::codes::{Channel, Priority};
use super::item::Item;
use super::language::Language;

/// All that are given must hold; within one, any value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Conditions {
    /// The ticket's category.
    pub(crate) categories: BTreeSet<String>,
    /// The ticket's channel.
    pub(crate) channels: BTreeSet<Channel>,
    /// The ticket's priority.
    pub(crate) priorities: BTreeSet<Priority>,
    /// The ticket's language, when it is certain.
    pub(crate) languages: BTreeSet<Language>,
    /// A tag of the ticket.
    pub(crate) tags: BTreeSet<String>,
    /// A skill that the ticket requires.
    pub(crate) skills: BTreeSet<String>,
    /// The requester's organisation, by name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) organisations: BTreeSet<String>,
    /// Attributes, all of them.
    pub(crate) attributes: BTreeMap<String, AnyOf>,
}

/// Values of an attribute. One by itself is stored without a list around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMany", into = "OneOrMany")]
pub(crate) struct AnyOf(pub(crate) BTreeSet<String>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(BTreeSet<String>),
}

impl From<OneOrMany> for AnyOf {
    fn from(stored: OneOrMany) -> Self {
        match stored {
            OneOrMany::One(value) => Self(BTreeSet::from([value])),
            OneOrMany::Many(values) => Self(values),
        }
    }
}

impl From<AnyOf> for OneOrMany {
    fn from(AnyOf(mut values): AnyOf) -> Self {
        match values.pop_first() {
            Some(only) if values.is_empty() => Self::One(only),
            first => Self::Many(first.into_iter().chain(values).collect()),
        }
    }
}

impl Conditions {
    /// Whether there is none, so that every ticket fits.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a ticket is meant.
    pub(crate) fn fit(&self, item: &Item) -> bool {
        let facts = &item.facts;
        let language = facts.certain_language();
        let speaks = |range: &Language| language.is_some_and(|language| range.covers(language));
        let comes_from = |name: &String| organisation::key(name) == facts.organisation;
        (self.categories.is_empty() || self.categories.contains(&facts.category))
            && (self.channels.is_empty() || self.channels.contains(&item.channel))
            && (self.priorities.is_empty() || self.priorities.contains(&item.priority))
            && (self.languages.is_empty() || self.languages.iter().any(speaks))
            && (self.tags.is_empty() || !self.tags.is_disjoint(&facts.tags))
            && (self.skills.is_empty() || !self.skills.is_disjoint(&facts.required_skills))
            && (self.organisations.is_empty()
                || (!facts.organisation.is_empty() && self.organisations.iter().any(comes_from)))
            && self.attributes.iter().all(|(key, AnyOf(values))| {
                let given = facts.attributes.get(key);
                given.is_some_and(|given| values.contains(given))
            })
    }

    /// Whether every ticket that fits all of `others` fits these, too, as far as comparing them
    /// condition by condition shows.
    pub(crate) fn cover(&self, others: &[&Self]) -> bool {
        let Self {
            categories,
            channels,
            priorities,
            languages,
            tags,
            skills,
            organisations,
            attributes,
        } = self;
        let any = |holds: &dyn Fn(&Self) -> bool| others.iter().any(|other| holds(other));
        within(categories, others, |other| &other.categories)
            && within(channels, others, |other| &other.channels)
            && within(priorities, others, |other| &other.priorities)
            && within(tags, others, |other| &other.tags)
            && within(skills, others, |other| &other.skills)
            && within(organisations, others, |other| &other.organisations)
            && (languages.is_empty()
                || any(&|other| {
                    let covered = |tag: &Language| languages.iter().any(|range| range.covers(tag));
                    !other.languages.is_empty() && other.languages.iter().all(covered)
                }))
            && attributes.iter().all(|(key, AnyOf(values))| {
                any(&|other| {
                    let narrower = other.attributes.get(key);
                    narrower.is_some_and(|AnyOf(narrower)| narrower.is_subset(values))
                })
            })
    }
}

/// Whether one of the others allows nothing but what is in `wide`; where that is empty, there is
/// nothing to hold.
fn within<T: Ord>(
    wide: &BTreeSet<T>,
    others: &[&Conditions],
    of: impl Fn(&Conditions) -> &BTreeSet<T>,
) -> bool {
    let narrower = |other: &&Conditions| !of(other).is_empty() && of(other).is_subset(wide);
    wide.is_empty() || others.iter().any(narrower)
}

#[cfg(test)]
#[path = "conditions_tests.rs"]
mod tests;
