//! What the journal tells about where a ticket belongs: what learning learns from.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_ids::{GroupId, TicketId};

use super::codes::{Channel, Reconsider};
use super::learning::{Case, Example, Word};

/// Longest text of a field, in bytes; what is longer is an identifier or prose, not a class.
const LONGEST: usize = 128;

/// What is known of one ticket: how it came, and where it went.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Evidence {
    /// The ticket.
    pub(crate) ticket: TicketId,
    /// When it came.
    pub(crate) opened_at: Timestamp,
    /// What it was about when it came; may be empty.
    pub(crate) category: String,
    /// What was known when it came, by name.
    pub(crate) fields: BTreeMap<String, String>,
    /// The group it was given to first.
    pub(crate) first_group: Option<GroupId>,
    /// Where it stands; of an escalated ticket, where it stood before.
    pub(crate) group: Option<GroupId>,
    /// Whether it went up the support levels.
    pub(crate) escalated: bool,
    /// Whether it is resolved.
    pub(crate) settled: bool,
    /// Whether a person's choice of the first group is to be looked at again.
    pub(crate) reconsider: Reconsider,
}

/// What happened to a ticket, as far as it is evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It was given to a group.
    Assigned {
        /// The group.
        to: GroupId,
        /// Whether it is the ticket's first: a triage agent who has it only chooses that.
        first: bool,
        /// Whether a person chose it.
        by_person: bool,
    },
    /// It was passed on.
    Transferred {
        /// The group before.
        from: Option<GroupId>,
        /// The group after.
        to: Option<GroupId>,
    },
    /// It went up the support levels.
    Escalated {
        /// The group before.
        from: Option<GroupId>,
    },
    /// An agent has begun, or somebody's answer is awaited.
    Begun,
    /// It was solved or closed.
    Settled,
    /// It was not solved after all.
    Reopened,
    /// It is part of another ticket, whose way says more.
    Merged,
}

impl Evidence {
    /// A ticket that has just come.
    pub(crate) fn new(
        ticket: TicketId,
        opened_at: Timestamp,
        category: String,
        fields: BTreeMap<String, String>,
    ) -> Self {
        Self {
            ticket,
            opened_at,
            category,
            fields,
            first_group: None,
            group: None,
            escalated: false,
            settled: false,
            reconsider: Reconsider::No,
        }
    }

    /// Follows what happened.
    ///
    /// An escalation is planned: the first line was the right place to begin, so the ticket counts
    /// for the group that sent it up, whatever happens above.
    pub(crate) fn follow(&mut self, turn: Turn) {
        match turn {
            Turn::Assigned {
                to,
                first,
                by_person,
            } => {
                if first {
                    self.first_group = Some(to.clone());
                }
                self.reconsider = if first && by_person {
                    Reconsider::Wanted
                } else {
                    Reconsider::No
                };
                self.stand(Some(to));
            }
            Turn::Transferred { from, to } => {
                self.first_group = self.first_group.take().or(from);
                self.reconsider = Reconsider::No;
                self.stand(to);
            }
            Turn::Escalated { from } => {
                self.first_group = self.first_group.take().or_else(|| from.clone());
                self.reconsider = Reconsider::No;
                if self.group.is_none() {
                    self.stand(from);
                }
                self.escalated = true;
            }
            Turn::Begun => self.reconsider = Reconsider::No,
            Turn::Settled => {
                self.reconsider = Reconsider::No;
                self.settled = true;
            }
            Turn::Reopened => self.settled = false,
            Turn::Merged => {
                self.reconsider = Reconsider::No;
                self.group = None;
            }
        }
    }

    fn stand(&mut self, group: Option<GroupId>) {
        if !self.escalated && group.is_some() {
            self.group = group;
        }
    }

    /// The example it makes; none while no group has it.
    pub(crate) fn example(self, words: Vec<Word>) -> Option<Example> {
        Some(Example {
            group: self.group?.into(),
            at: self.opened_at,
            settled: self.settled,
            case: Case {
                fields: self.fields,
                words,
                first_group: self.first_group.map(String::from),
            },
        })
    }
}

/// What intake says about a ticket, as far as its group may follow from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Intake<'a> {
    /// What it is about; may be empty.
    pub(crate) category: &'a str,
    /// Where it came from.
    pub(crate) channel: Channel,
    /// The language, BCP 47; may be empty.
    pub(crate) language: &'a str,
    /// Who asks, by id; may be empty.
    pub(crate) requester: &'a str,
    /// Their organisation, as a key; may be empty.
    pub(crate) organisation: &'a str,
    /// The caller's own facts.
    pub(crate) attributes: &'a BTreeMap<String, String>,
}

impl Intake<'_> {
    /// The fields that a model sees. What is empty or long is left out.
    pub(crate) fn fields(&self) -> BTreeMap<String, String> {
        let language = self.language.split('-').next().unwrap_or_default();
        let own = [
            ("category", self.category),
            ("channel", self.channel.as_str()),
            ("language", language),
            ("requester", self.requester),
            ("organisation", self.organisation),
        ];
        let attributes = self
            .attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        // Ours come last, so that no attribute of the same name hides them.
        attributes
            .chain(own)
            .filter(|(_, value)| (1..=LONGEST).contains(&value.len()))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

/// Takes out of examples what only one of them has: it says nothing about the next ticket, it would
/// make the model grow with the number of tickets, and a word that one ticket alone had could tell
/// who wrote it.
pub(crate) fn prune(examples: &mut [Example]) {
    let mut fields: BTreeMap<(String, String), bool> = BTreeMap::new();
    let mut words: BTreeMap<Word, bool> = BTreeMap::new();
    for example in examples.iter() {
        for (name, value) in &example.case.fields {
            let seen = fields.entry((name.clone(), value.clone()));
            seen.and_modify(|again| *again = true).or_insert(false);
        }
        for word in &example.case.words {
            let seen = words.entry(*word);
            seen.and_modify(|again| *again = true).or_insert(false);
        }
    }
    for example in examples {
        let case = &mut example.case;
        case.fields
            .retain(|name, value| fields.get(&(name.clone(), value.clone())) == Some(&true));
        case.words.retain(|word| words.get(word) == Some(&true));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples::{group, ticket};

    fn evidence() -> Evidence {
        Evidence::new(ticket(1), Timestamp::EPOCH, String::new(), BTreeMap::new())
    }

    fn to(n: usize) -> Turn {
        Turn::Assigned {
            to: group(n),
            first: true,
            by_person: false,
        }
    }

    #[test]
    fn a_ticket_counts_for_the_group_that_solves_it() {
        let mut evidence = evidence();
        evidence.follow(to(1));
        evidence.follow(Turn::Transferred {
            from: Some(group(1)),
            to: Some(group(2)),
        });
        evidence.follow(Turn::Settled);
        let example = evidence.example(Vec::new()).unwrap();
        assert_eq!(example.group, group(2).to_string());
        assert_eq!(example.case.first_group, Some(group(1).to_string()));
        assert!(example.settled);
    }

    #[test]
    fn an_escalated_ticket_counts_for_the_group_that_sent_it_up() {
        let mut evidence = evidence();
        evidence.follow(to(1));
        evidence.follow(Turn::Escalated {
            from: Some(group(1)),
        });
        evidence.follow(to(2));
        evidence.follow(Turn::Transferred {
            from: Some(group(2)),
            to: Some(group(3)),
        });
        assert_eq!(evidence.group, Some(group(1)));
    }

    #[test]
    fn a_persons_choice_is_reconsidered_until_somebody_begins() {
        let chosen = Turn::Assigned {
            to: group(1),
            first: true,
            by_person: true,
        };
        let mut evidence = evidence();
        evidence.follow(chosen.clone());
        assert_eq!(evidence.reconsider, Reconsider::Wanted);
        evidence.follow(Turn::Begun);
        assert_eq!(evidence.reconsider, Reconsider::No);
    }

    #[test]
    fn a_merged_ticket_is_no_example() {
        let mut evidence = evidence();
        evidence.follow(to(1));
        evidence.follow(Turn::Merged);
        assert_eq!(evidence.example(Vec::new()), None);
    }

    #[test]
    fn what_one_ticket_alone_has_is_not_learnt() {
        let example = |order: &str, words: &[u64]| {
            let fields = [("category", "vpn"), ("order", order)];
            let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
            Example {
                case: Case {
                    fields: fields.into(),
                    words: words.iter().copied().map(Word).collect(),
                    first_group: None,
                },
                group: "g".to_owned(),
                at: Timestamp::EPOCH,
                settled: true,
            }
        };
        let mut examples = [example("1", &[1, 2]), example("2", &[2, 3])];
        prune(&mut examples);
        for example in examples {
            assert_eq!(example.case.fields.len(), 1);
            assert_eq!(example.case.words, [Word(2)]);
        }
    }

    #[test]
    fn an_attribute_cannot_pass_for_the_category() {
        let attributes = BTreeMap::from([
            ("category".to_owned(), "mine".to_owned()),
            ("site".to_owned(), "north".to_owned()),
        ]);
        let intake = Intake {
            category: "vpn",
            channel: Channel::Email,
            language: "de-AT",
            requester: "",
            organisation: "",
            attributes: &attributes,
        };
        let fields = intake.fields();
        let told: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("category", "vpn"),
                ("channel", "email"),
                ("language", "de"),
                ("site", "north")
            ]
        );
    }
}
