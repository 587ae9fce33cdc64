//! Who works at the company of the demo: four teams, twelve people, three languages.

use super::texts::Topic;

/// A team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Team {
    Care,
    Billing,
    Technical,
    Specialists,
}

use Team::{Billing, Care, Specialists, Technical};

impl Team {
    /// All of them, those that others escalate to first.
    pub(crate) const ALL: [Self; 4] = [Specialists, Care, Billing, Technical];

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Care => "Customer Care",
            Billing => "Billing",
            Technical => "Technical Support",
            Specialists => "Product Specialists",
        }
    }

    /// The team that answers such questions.
    pub(crate) const fn of(topic: Topic) -> Self {
        match topic {
            Topic::Order | Topic::Delivery | Topic::Returns | Topic::Account => Care,
            Topic::Billing => Billing,
            Topic::Product => Technical,
        }
    }

    /// Who leads it.
    pub(crate) const fn lead(self) -> &'static str {
        match self {
            Care => "Amelie Brandt",
            Billing => "Grace Coleman",
            Technical => "Felix Baumann",
            Specialists => "Yusuf Kaya",
        }
    }

    /// Its support level.
    pub(crate) const fn tier(self) -> u32 {
        match self {
            Specialists => 2,
            _ => 1,
        }
    }

    /// What everybody in it must be able to do.
    pub(crate) const fn skill(self) -> Option<(&'static str, u32)> {
        match self {
            Care => None,
            Billing => Some(("billing", 2)),
            Technical => Some(("electronics", 2)),
            Specialists => Some(("diagnostics", 3)),
        }
    }
}

/// What people can do, in words.
pub(crate) const SKILLS: [(&str, &str); 4] = [
    ("billing", "Payments, invoices, instalments"),
    ("electronics", "Battery, motor, display and app"),
    (
        "diagnostics",
        "Reads controller logs; decides about replacements",
    ),
    ("orders", "Orders, deliveries and returns"),
];

/// Somebody who works there.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) teams: &'static [Team],
    pub(crate) skills: &'static [(&'static str, u32)],
    pub(crate) languages: &'static [(&'static str, u32)],
    pub(crate) capacity: u32,
}

const fn person(
    name: &'static str,
    teams: &'static [Team],
    skills: &'static [(&'static str, u32)],
    languages: &'static [(&'static str, u32)],
    capacity: u32,
) -> Person {
    Person {
        name,
        teams,
        skills,
        languages,
        capacity,
    }
}

/// In each team at least three people answer in each language, so that a ticket always finds
/// somebody else when one of them has passed it on.
pub(crate) const PEOPLE: [Person; 12] = [
    person(
        "Amelie Brandt",
        &[Care, Billing],
        &[("orders", 5), ("billing", 3)],
        &[("de", 5), ("en", 4)],
        7,
    ),
    person(
        "Jonas Petersen",
        &[Care],
        &[("orders", 4)],
        &[("de", 5), ("en", 4)],
        8,
    ),
    person(
        "Lucía Ortega",
        &[Care, Billing],
        &[("orders", 4), ("billing", 4)],
        &[("es", 5), ("en", 4), ("de", 2)],
        7,
    ),
    person(
        "Tom Whitfield",
        &[Care],
        &[("orders", 5)],
        &[("en", 5), ("es", 3)],
        8,
    ),
    person(
        "Marta Vidal",
        &[Care, Technical],
        &[("orders", 3), ("electronics", 3)],
        &[("es", 5), ("en", 4)],
        7,
    ),
    person(
        "Priya Nair",
        &[Technical, Care],
        &[("electronics", 4), ("orders", 2)],
        &[("en", 5), ("de", 3)],
        7,
    ),
    person(
        "Felix Baumann",
        &[Technical],
        &[("electronics", 5)],
        &[("de", 5), ("en", 4)],
        7,
    ),
    person(
        "Diego Fuentes",
        &[Technical, Specialists],
        &[("electronics", 5), ("diagnostics", 4)],
        &[("es", 5), ("en", 4), ("de", 2)],
        6,
    ),
    person(
        "Grace Coleman",
        &[Billing, Care],
        &[("billing", 5), ("orders", 3)],
        &[("en", 5), ("es", 3)],
        7,
    ),
    person(
        "Henrik Sommer",
        &[Billing],
        &[("billing", 4)],
        &[("de", 5), ("en", 4), ("es", 2)],
        7,
    ),
    person(
        "Yusuf Kaya",
        &[Specialists],
        &[("diagnostics", 5), ("electronics", 5)],
        &[("de", 5), ("en", 5), ("es", 3)],
        6,
    ),
    person(
        "Nora Lindqvist",
        &[Specialists, Technical],
        &[("diagnostics", 4), ("electronics", 4)],
        &[("en", 5), ("de", 4), ("es", 3)],
        6,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::texts::Tongue;

    #[test]
    fn every_team_has_three_people_for_every_language() {
        for team in Team::ALL {
            for tongue in Tongue::ALL {
                let able = PEOPLE.iter().filter(|person| {
                    let skilled = team.skill().is_none_or(|(skill, least)| {
                        person
                            .skills
                            .iter()
                            .any(|(one, level)| *one == skill && *level >= least)
                    });
                    let speaks = person.languages.iter().any(|(tag, _)| *tag == tongue.tag());
                    person.teams.contains(&team) && skilled && speaks
                });
                assert!(able.count() >= 3, "{team:?} {tongue:?}");
            }
        }
    }

    #[test]
    fn every_team_is_led_by_one_of_its_people() {
        for team in Team::ALL {
            let lead = PEOPLE.iter().find(|person| person.name == team.lead());
            assert!(
                lead.is_some_and(|lead| lead.teams.contains(&team)),
                "{team:?}"
            );
        }
    }

    #[test]
    fn every_skill_that_is_used_is_defined() {
        let known: Vec<_> = SKILLS.iter().map(|(name, _)| *name).collect();
        let used = PEOPLE.iter().flat_map(|person| person.skills).copied();
        for (skill, _) in used.chain(Team::ALL.into_iter().filter_map(Team::skill)) {
            assert!(known.contains(&skill), "{skill}");
        }
    }
}
