//! From ticket to group.

use std::collections::{BTreeMap, BTreeSet};

use lotse_clock::Timestamp;
use lotse_ids::GroupId;
use serde::{Deserialize, Serialize};

use super::codes::{Channel, Priority};
use super::item::Item;
use super::language::Language;
use super::setting::{Content, Setting};

/// The name under which the default group's choice is recorded.
pub(crate) const DEFAULT_RULE: &str = "default";

/// The id of the workflow: there is one, so it needs none of its own.
pub(crate) const ONLY_WORKFLOW: &str = "workflow";

/// Rules in their order and a default for everything else.
#[derive(Clone, Debug)]
pub(crate) struct Workflow {
    /// From 1.
    pub(crate) version: u32,
    /// What was put.
    pub(crate) plan: Plan,
    /// When this version was put.
    pub(crate) created_at: Timestamp,
}

/// What a workflow says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Tried in this order.
    pub(crate) rules: Vec<Rule>,
    /// Where everything else goes.
    pub(crate) default_group: GroupId,
}

/// One step: conditions and where they lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rule {
    /// Unique within the workflow.
    pub(crate) name: String,
    /// Where it leads.
    pub(crate) group: GroupId,
    /// Which tickets it leads there.
    pub(crate) when: Conditions,
}

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
    /// Attributes, all of them.
    pub(crate) attributes: BTreeMap<String, String>,
}

/// Which group, and which part of which workflow said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// The group.
    pub(crate) group: GroupId,
    /// The workflow's version.
    pub(crate) version: u32,
    /// The rule's name, or [`DEFAULT_RULE`].
    pub(crate) rule: String,
}

impl Content for Plan {
    type Id = String;

    const KIND: &'static str = "workflow";

    fn new_id(&self, _now: Timestamp) -> String {
        ONLY_WORKFLOW.to_owned()
    }

    fn name(&self) -> &str {
        ONLY_WORKFLOW
    }
}

impl From<Setting<Plan>> for Workflow {
    fn from(setting: Setting<Plan>) -> Self {
        Self {
            // A count of changes made by people never comes near the end.
            version: u32::try_from(setting.version).unwrap_or(u32::MAX),
            plan: setting.profile,
            created_at: setting.updated_at,
        }
    }
}

impl Workflow {
    /// The group for a ticket.
    pub(crate) fn choose(&self, item: &Item) -> Step {
        let fitting = self.plan.rules.iter().find(|rule| rule.when.fit(item));
        let (rule, group) = fitting.map_or((DEFAULT_RULE, &self.plan.default_group), |rule| {
            (rule.name.as_str(), &rule.group)
        });
        Step {
            group: group.clone(),
            version: self.version,
            rule: rule.to_owned(),
        }
    }
}

impl Conditions {
    /// Whether there is none, so that every ticket fits.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn fit(&self, item: &Item) -> bool {
        let facts = &item.facts;
        let language = facts.certain_language();
        let speaks = |range: &Language| language.is_some_and(|language| range.covers(language));
        (self.categories.is_empty() || self.categories.contains(&facts.category))
            && (self.channels.is_empty() || self.channels.contains(&item.channel))
            && (self.priorities.is_empty() || self.priorities.contains(&item.priority))
            && (self.languages.is_empty() || self.languages.iter().any(speaks))
            && (self.tags.is_empty() || !self.tags.is_disjoint(&facts.tags))
            && (self.skills.is_empty() || !self.skills.is_disjoint(&facts.required_skills))
            && self
                .attributes
                .iter()
                .all(|(key, value)| facts.attributes.get(key) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples;

    fn rule(name: &str, group: &GroupId) -> Rule {
        Rule {
            name: name.to_owned(),
            group: group.clone(),
            when: Conditions::default(),
        }
    }

    fn chosen(rules: Vec<Rule>, item: &Item) -> String {
        let workflow = Workflow {
            version: 3,
            plan: Plan {
                rules,
                default_group: samples::group(9),
            },
            created_at: Timestamp::EPOCH,
        };
        let step = workflow.choose(item);
        assert_eq!(step.version, 3);
        step.rule
    }

    #[test]
    fn first_fitting_rule_decides_and_the_default_takes_the_rest() {
        let item = samples::item(1);
        let mut mail = rule("mail", &samples::group(1));
        mail.when.channels.insert(Channel::Email);
        let mut any_mail = mail.clone();
        any_mail.name = "mail again".to_owned();
        let mut chat = rule("chat", &samples::group(2));
        chat.when.channels.insert(Channel::Chat);
        assert_eq!(chosen(vec![chat.clone(), mail, any_mail], &item), "mail");
        assert_eq!(chosen(vec![chat], &item), DEFAULT_RULE);
        assert_eq!(chosen(vec![], &item), DEFAULT_RULE);
    }

    #[test]
    fn all_conditions_of_a_rule_must_hold() {
        let mut item = samples::item(1);
        item.facts.category = "network".to_owned();
        item.facts.tags.insert("vip".to_owned());
        item.facts
            .attributes
            .insert("site".to_owned(), "north".to_owned());
        item.facts.required_skills.insert("vpn".to_owned());
        let mut narrow = rule("narrow", &samples::group(1));
        narrow.when.categories.insert("network".to_owned());
        narrow.when.priorities.insert(Priority::Normal);
        narrow
            .when
            .tags
            .extend(["vip".to_owned(), "gold".to_owned()]);
        narrow.when.skills.insert("vpn".to_owned());
        narrow
            .when
            .attributes
            .insert("site".to_owned(), "north".to_owned());
        assert_eq!(chosen(vec![narrow.clone()], &item), "narrow");
        item.facts
            .attributes
            .insert("site".to_owned(), "south".to_owned());
        assert_eq!(chosen(vec![narrow.clone()], &item), DEFAULT_RULE);
        item.facts
            .attributes
            .insert("site".to_owned(), "north".to_owned());
        item.priority = Priority::Low;
        assert_eq!(chosen(vec![narrow], &item), DEFAULT_RULE);
    }

    #[test]
    fn a_guessed_language_fits_no_language_rule() {
        let mut item = samples::item(1);
        let mut german = rule("german", &samples::group(1));
        german.when.languages.extend(Language::parse("de"));
        item.facts.language = Language::parse("de-AT");
        item.facts.language_is_certain = true;
        assert_eq!(chosen(vec![german.clone()], &item), "german");
        item.facts.language_is_certain = false;
        assert_eq!(chosen(vec![german], &item), DEFAULT_RULE);
    }
}
