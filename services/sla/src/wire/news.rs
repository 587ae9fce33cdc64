//! What the journal's events mean to clocks.

use lotse_clock::Timestamp;
use lotse_ids::CalendarId;
use lotse_journal::{Body, Recorded};
use lotse_proto::common::v1::Visibility;
use lotse_proto::journal::v1 as proto;
use lotse_proto::journal::v1::ticket_status_changed::Change;
use lotse_proto::time::from_proto;

use super::activity::is_reaction;
use super::enums;
use crate::domain::{Author, Event, Facts, Hand, Priority, Reason};
use crate::settings::looks_like_id;

/// The reason that intake gives for a status which the requester's message brought about: also for a
/// reopening, whose change alone does not say who reopened.
const REQUESTER_WROTE: &str = "requester_wrote";

/// An event that clocks may care about.
pub(crate) struct News<'a> {
    /// The ticket.
    pub(crate) ticket_id: &'a str,
    /// Position in the ticket's bucket.
    pub(crate) position: i64,
    /// When it happened.
    pub(crate) at: Timestamp,
    /// When it was recorded.
    pub(crate) recorded_at: Timestamp,
    /// Its reference in the journal: the cause of what answers it.
    pub(crate) reference: String,
    /// Whether a human agent did it.
    pub(crate) human: bool,
    /// What happened.
    pub(crate) tidings: Tidings<'a>,
}

/// What happened.
pub(crate) enum Tidings<'a> {
    /// The ticket was taken in.
    Created {
        /// Whether somebody waits for a first reply.
        for_requester: bool,
        /// What decides which policy fits.
        facts: Facts,
    },
    /// Facts that decide which policy fits have changed.
    Facts(Update<'a>),
    /// It came into other hands, or waits for some.
    Handed(Hand),
    /// Its agent has it no longer.
    Released(Hand),
    /// It went into this ticket.
    Merged(&'a str),
    /// The timed history of this ticket, which went into it, is complete.
    History(&'a str),
    /// This policy or calendar was edited, for open tickets too.
    Edited(&'a str),
    /// Something else.
    Event(Event),
}

/// Changed facts of a ticket.
pub(crate) struct Update<'a>(&'a proto::TicketUpdated);

impl<'a> News<'a> {
    /// What `event` says to clocks; `None` when nothing.
    pub(crate) fn of(event: &'a Recorded) -> Option<Self> {
        let own = is_reaction(event);
        let news = |human: bool, tidings: Tidings<'a>| {
            Some(Self {
                ticket_id: event.ticket_id.as_deref()?,
                position: event.position,
                at: event.occurred_at,
                recorded_at: event.recorded_at,
                reference: event.reference(),
                // What a reaction did was nobody's hand.
                human: human && !own,
                tidings,
            })
        };
        match &event.body {
            Body::TicketCreated(created) => news(
                false,
                Tidings::Created {
                    for_requester: !created.requester_id.is_empty(),
                    facts: facts(created),
                },
            ),
            Body::TicketUpdated(updated) => news(false, Tidings::Facts(Update(updated))),
            Body::TicketStatusChanged(changed) => {
                let to = enums::status(changed.to)?;
                let by_requester =
                    changed.change() == Change::RequesterWrote || changed.reason == REQUESTER_WROTE;
                let event = Event::Status { to, by_requester };
                news(!changed.agent_id.is_empty(), Tidings::Event(event))
            }
            Body::MessageAdded(message) => {
                let author = enums::author(message.author_kind)?;
                let heard = heard(author, message.visibility())?;
                let wrote = heard == Event::Wrote;
                let mut news = news(author == Author::Human, Tidings::Event(heard))?;
                if wrote {
                    // What counts is when the message came, not when it was worked on.
                    let received = message.received_at.as_ref().map(from_proto);
                    news.at = received.and_then(Result::ok).unwrap_or(news.at);
                }
                Some(news)
            }
            Body::TicketQueued(queued) => {
                news(false, Tidings::Handed(hand(&queued.group_id, "", false)))
            }
            Body::TicketAssigned(assigned) => {
                let hand = hand(&assigned.group_id, &assigned.agent_id, false);
                news(assigned.manual, Tidings::Handed(hand))
            }
            Body::TicketTransferred(moved) => {
                let hand = hand(&moved.to_group_id, &moved.to_agent_id, true);
                news(true, Tidings::Handed(hand))
            }
            // An agent who gets it at once is told of by an assignment of its own.
            Body::TicketEscalated(moved) => {
                news(true, Tidings::Handed(hand(&moved.to_group_id, "", true)))
            }
            Body::TicketReleased(released) => news(
                false,
                Tidings::Released(hand(&released.group_id, "", false)),
            ),
            Body::TicketMerged(merged) => news(false, Tidings::Merged(&merged.into_ticket_id)),
            Body::HistoryMerged(merged) => {
                news(false, Tidings::History(&merged.source_ticket_id))
            }
            Body::PlanOutdated(outdated) => news(false, Tidings::Edited(&outdated.id)),
            Body::AgentChanged(_)
            | Body::OfferChanged(_)
            | Body::WrapUpEnded(_)
            | Body::ReplyReviewed(_)
            | Body::SupervisionChanged(_)
            | Body::ClockChanged(_)
            | Body::InvitationChanged(_)
            | Body::AnswerRecorded(_)
            | Body::PlanChosen(_)
            // Its history is not complete yet: `HistoryMerged` says when.
            | Body::TicketAbsorbed(_)
            | Body::TicketErased(_)
            | Body::RequesterErased(_)
            | Body::AlertChanged(_)
            | Body::ConfigurationChanged(_) => None,
        }
    }
}

impl<'a> Tidings<'a> {
    /// The ticket that it went into.
    pub(crate) const fn merged_into(&self) -> Option<&'a str> {
        match self {
            Self::Merged(into) => Some(into),
            _ => None,
        }
    }

    /// The policy or calendar that was edited for open tickets too.
    pub(crate) const fn edited(&self) -> Option<&'a str> {
        match self {
            Self::Edited(id) => Some(id),
            _ => None,
        }
    }

    /// Brings `facts` up to date, and says what happened and, where the ticket's plan must be chosen
    /// again, why.
    pub(crate) fn told(self, facts: &mut Facts) -> (Event, Option<Reason>) {
        match self {
            Self::Created {
                for_requester,
                facts: first,
            } => {
                *facts = first;
                (Event::Created { for_requester }, Some(Reason::None))
            }
            Self::Facts(update) => (Event::Touched, Some(update.apply(facts))),
            Self::Handed(hand) | Self::Released(hand) => {
                let moves = hand.group.is_some() && hand.group != facts.group;
                if moves {
                    facts.group.clone_from(&hand.group);
                }
                (Event::Handed(hand), moves.then_some(Reason::GroupChanged))
            }
            Self::Merged(_) => (Event::Merged, None),
            Self::History(source) => {
                let source = source.to_owned();
                (Event::Absorbed { source }, None)
            }
            Self::Edited(id) => {
                let a_calendar = looks_like_id(CalendarId::PREFIX, id);
                let reason = if a_calendar {
                    Reason::CalendarEdited
                } else {
                    Reason::PolicyEdited
                };
                (Event::Edited, Some(reason))
            }
            Self::Event(event) => (event, None),
        }
    }
}

/// What a message or note is to clocks.
fn heard(author: Author, visibility: Visibility) -> Option<Event> {
    match (author, visibility) {
        (Author::Requester, Visibility::Public) => Some(Event::Wrote),
        (Author::Requester, _) => None,
        (author, Visibility::Public) => Some(Event::Answered(author)),
        (Author::Human, _) => Some(Event::Touched),
        (_, _) => None,
    }
}

/// Who has a ticket: empty ids where nobody is named.
fn hand(group: &str, agent: &str, hop: bool) -> Hand {
    Hand {
        group: (!group.is_empty()).then(|| group.to_owned()),
        agent: !agent.is_empty(),
        hop,
    }
}

fn facts(created: &proto::TicketCreated) -> Facts {
    let proto::TicketCreated {
        number: _,
        requester_id: _,
        channel,
        category,
        tags,
        priority,
        language,
        language_confidence: _,
        attributes,
        required_skills: _,
        requested_group_id: _,
        repeat_of: _,
        follow_up_of: _,
        organisation_key,
    } = created;
    Facts {
        priority: enums::priority(*priority).unwrap_or(Priority::Normal),
        channel: enums::channel(*channel),
        category: category.clone(),
        tags: tags.clone(),
        language: language.clone(),
        attributes: attributes.clone(),
        organisation: organisation_key.clone(),
        group: None,
    }
}

impl Update<'_> {
    /// Brings `facts` up to date; says what kind of change it was.
    fn apply(&self, facts: &mut Facts) -> Reason {
        let proto::TicketUpdated {
            changed,
            priority,
            category,
            tags,
            language,
            attributes,
        } = self.0;
        let mut reason = Reason::FactsChanged;
        for field in changed {
            match field.as_str() {
                "priority" => {
                    facts.priority = enums::priority(*priority).unwrap_or(facts.priority);
                    reason = Reason::PriorityChanged;
                }
                "category" => facts.category.clone_from(category),
                "tags" => facts.tags.clone_from(tags),
                "language" => facts.language.clone_from(language),
                "attributes" => facts.attributes.clone_from(attributes),
                // Fields of a newer catalogue that no condition looks at.
                _ => {}
            }
        }
        reason
    }
}
