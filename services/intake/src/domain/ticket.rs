//! The things themselves: tickets, messages, requesters.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId, MessageId, RequesterId, TicketId};

use super::language::Language;
use super::lifecycle::Life;
use super::words::{AuthorKind, Channel, Priority, Visibility};

/// One request for help.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticket {
    /// Our id.
    pub id: TicketId,
    /// The number that people say; given by the database, 0 until then.
    pub number: i64,
    /// The caller's own id.
    pub external_id: Option<String>,
    /// Who asks.
    pub requester_id: RequesterId,
    /// One line.
    pub subject: String,
    /// Where it came from.
    pub channel: Channel,
    /// What it is about; empty when not given.
    pub category: String,
    /// Labels, sorted, each once.
    pub tags: Vec<String>,
    /// How soon.
    pub priority: Priority,
    /// What it is written in.
    pub language: Language,
    /// The caller's own facts.
    pub attributes: BTreeMap<String, String>,
    /// Skills the caller says are required; sorted, each once.
    pub required_skills: Vec<String>,
    /// The group the caller asked for.
    pub requested_group_id: Option<GroupId>,
    /// Where it stands.
    pub life: Life,
    /// The solved ticket that this one repeats.
    pub repeat_of: Option<TicketId>,
    /// How many stand before it in its chain of repeats.
    pub repeat_count: u32,
    /// The closed ticket that this one continues.
    pub follow_up_of: Option<TicketId>,
    /// The ticket that it went into.
    pub merged_into: Option<TicketId>,
    /// When it was created, by event time.
    pub created_at: Timestamp,
    /// When its own fields or status last changed, by the clock.
    pub updated_at: Timestamp,
    /// Raised with each change of its own fields or status.
    pub version: i64,
    /// Who has it.
    pub assignment: Assignment,
}

/// Somebody whose public replies on a group's tickets need a mentor's approval, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supervised {
    /// Who learns.
    pub agent: AgentId,
    /// Who approves.
    pub mentor: AgentId,
    /// From when on; none for always.
    pub from: Option<Timestamp>,
    /// Up to, not including; none for as long as nothing else is heard.
    pub until: Option<Timestamp>,
}

/// Who has a ticket, as routing's events told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// The agent.
    pub agent_id: Option<AgentId>,
    /// The group.
    pub group_id: Option<GroupId>,
    /// Support level of the group; 0 when not known.
    pub tier: u32,
}

/// One message or note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Our id.
    pub id: MessageId,
    /// The ticket it stands on.
    pub ticket_id: TicketId,
    /// Who or what wrote it.
    pub author_kind: AuthorKind,
    /// The requester, the agent or a name; may be empty.
    pub author_id: String,
    /// Who may read it.
    pub visibility: Visibility,
    /// The text.
    pub body: String,
    /// When the author says it was written.
    pub composed_at: Option<Timestamp>,
    /// When it arrived.
    pub received_at: Timestamp,
    /// When it was stored.
    pub recorded_at: Timestamp,
}

/// Somebody who asks for help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// Our id.
    pub id: RequesterId,
    /// What is known about them.
    pub profile: Profile,
    /// When they were first seen.
    pub created_at: Timestamp,
    /// When their data last changed.
    pub updated_at: Timestamp,
}

/// What is known about a requester; each field may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The caller's own id of the person.
    pub external_id: String,
    /// E-mail address.
    pub email: String,
    /// How to address them.
    pub name: String,
    /// The language they prefer, BCP 47.
    pub language: String,
    /// The organisation they belong to.
    pub organisation: String,
}

impl Profile {
    /// What the person is recognised by: the caller's id, else the address without regard to case.
    /// `None` when there is neither.
    pub fn key(&self) -> Option<String> {
        if !self.external_id.is_empty() {
            Some(format!("id:{}", self.external_id))
        } else if !self.email.is_empty() {
            Some(format!("mail:{}", self.email.to_lowercase()))
        } else {
            None
        }
    }

    /// Takes over each field that `newer` has. Returns whether anything differs now.
    pub fn learn(&mut self, newer: &Self) -> bool {
        let Self {
            external_id,
            email,
            name,
            language,
            organisation,
        } = newer;
        let mut differs = false;
        for (known, told) in [
            (&mut self.external_id, external_id),
            (&mut self.email, email),
            (&mut self.name, name),
            (&mut self.language, language),
            (&mut self.organisation, organisation),
        ] {
            if !told.is_empty() && known != told {
                known.clone_from(told);
                differs = true;
            }
        }
        differs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_recognised_by_id_before_address() {
        let mut profile = Profile {
            email: "Ann@Example.com".to_owned(),
            ..Profile::default()
        };
        assert_eq!(profile.key().unwrap(), "mail:ann@example.com");
        profile.external_id = "7".to_owned();
        assert_eq!(profile.key().unwrap(), "id:7");
        assert_eq!(Profile::default().key(), None);
    }

    #[test]
    fn what_is_not_told_is_not_forgotten() {
        let mut known = Profile {
            name: "Ann".to_owned(),
            email: "a@b".to_owned(),
            ..Profile::default()
        };
        let told = Profile {
            name: "Anna".to_owned(),
            ..Profile::default()
        };
        assert!(known.learn(&told));
        assert!(!known.learn(&told));
        assert_eq!((known.name.as_str(), known.email.as_str()), ("Anna", "a@b"));
    }
}
