//! What a story is told in: what to do, what is to come, and what it finds.

use lotse_proto::common::v1::{SurveyKind, TicketStatus};

use super::super::case::{Case, Opinion, Step};
use super::super::desk::Key;
use super::{Alarm, Bid};

/// Something to do now, over the API.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    /// Unique in a story: a retry has the same.
    pub(crate) number: u64,
    pub(crate) key: Key,
    /// Empty for the one that creates it.
    pub(crate) ticket_id: String,
    pub(crate) what: What,
}

/// What to do.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Create(Box<Case>),
    /// An agent's piece of work.
    Work {
        agent: String,
        step: Step,
    },
    /// The customer writes.
    Write(&'static str),
    /// The third party is done.
    Resume,
    Invite(SurveyKind),
    Rate(SurveyKind, Opinion),
    /// Somebody who was told of an alert says that they take care.
    Acknowledge(Alarm),
    /// And makes another agent's ticket their own.
    Take(Alarm),
    /// Somebody takes a ticket that is offered to them, or does not.
    Answer(Bid, bool),
    /// Somebody is back at their desk.
    Back(String),
}

/// What is to come.
pub(super) enum Beat {
    Arrive(Box<Case>),
    /// An agent looks at the pile.
    Look(String),
    /// An agent finishes a piece of work.
    Finish(String, Key),
    /// The customer, or a third party, answers: it is our turn again.
    Return(Key, What),
    /// After the end.
    Close(Key, What),
    /// Somebody listens to an alert.
    Heed(Key, Alarm),
    /// And has read the ticket.
    Take(Key, Alarm),
    /// Somebody answers an offer.
    Answer(Bid, bool),
    /// Somebody comes back.
    Back(String),
}

/// A ticket that is there and that the story did not write, or wrote in an earlier run.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) ticket_id: String,
    pub(crate) status: TicketStatus,
    pub(crate) language: String,
    /// Empty while it waits for one.
    pub(crate) agent: String,
}
