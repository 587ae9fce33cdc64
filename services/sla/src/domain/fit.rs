//! Why a policy fits a ticket.

use lotse_ids::organisation;

use super::policy::{Conditions, Facts};

/// A condition that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its name.
    pub condition: String,
    /// What it asks for: any of these.
    pub wanted: Vec<String>,
    /// What the ticket has.
    pub found: Vec<String>,
}

impl Conditions {
    /// The conditions that are given, with what a ticket with these facts has; all of them
    /// [hold](Self::hold) if the policy was chosen for it.
    pub fn given(&self, facts: &Facts) -> Vec<Held> {
        let Self {
            priorities,
            channels,
            categories,
            tags,
            languages,
            attributes,
            groups,
            organisations,
        } = self;
        let codes = |codes: Vec<&str>| codes.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let one = |name: &str, wanted: Vec<String>, found: Option<&str>| Held {
            condition: name.to_owned(),
            wanted,
            found: found.map(str::to_owned).into_iter().collect(),
        };
        let mut held = vec![
            one(
                "priorities",
                codes(priorities.iter().map(|one| one.code()).collect()),
                Some(facts.priority.code()),
            ),
            one(
                "channels",
                codes(channels.iter().map(|one| one.code()).collect()),
                facts.channel.map(|channel| channel.code()),
            ),
            one("categories", categories.clone(), Some(&facts.category)),
            Held {
                condition: "tags".to_owned(),
                wanted: tags.clone(),
                found: facts.tags.clone(),
            },
            one("languages", languages.clone(), Some(&facts.language)),
            one("groups", groups.clone(), facts.group.as_deref()),
            Held {
                condition: "organisations".to_owned(),
                wanted: organisations.clone(),
                // Known by its key alone; that it fits says which of them it is.
                found: organisations
                    .iter()
                    .filter(|name| organisation::key(name) == facts.organisation)
                    .cloned()
                    .collect(),
            },
        ];
        held.retain(|held| !held.wanted.is_empty());
        held.extend(attributes.iter().map(|(key, values)| {
            let value = facts.attributes.get(key).map_or("", String::as_str);
            one(&format!("attributes.{key}"), values.clone(), Some(value))
        }));
        held
    }
}
