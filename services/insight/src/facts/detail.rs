//! What a ticket has several of: reply cycles, episodes and stays in a group.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;

/// The time from a requester's oldest unanswered word to the next public human reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Cycle {
    /// From 1.
    pub number: i64,
    /// The creation, or the message that nobody had answered yet.
    pub started_at: Timestamp,
    /// Where it stands.
    pub state: CycleState,
    /// When it was answered.
    pub replied_at: Option<Timestamp>,
}

/// Where a reply cycle stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CycleState {
    /// The requester waits.
    Waiting,
    /// A human replied.
    Answered,
    /// The ticket was solved or closed without a reply: nobody waits.
    Dropped,
    /// The message came after the ticket was solved, and has not reopened it, such as a thank-you.
    AfterEnd,
}

/// From the creation or a reopening until the ticket is solved or closed.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// From 0.
    pub number: i64,
    /// When it began.
    pub opened_at: Timestamp,
    /// When the ticket was solved, or closed unsolved.
    pub ended_at: Option<Timestamp>,
}

/// The unbroken time a ticket belongs to one group, until it leaves it or is solved.
#[derive(Clone, Debug, PartialEq)]
pub struct Stay {
    /// From 1.
    pub number: i64,
    /// The group.
    pub group: Option<String>,
    /// Support level of the group.
    pub tier: Option<i64>,
    /// When it entered.
    pub entered_at: Timestamp,
    /// When it left.
    pub left_at: Option<Timestamp>,
}

/// Rows beside the ticket's own that a fold has written: by ticket and number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// Reply cycles.
    pub cycles: BTreeMap<(String, i64), Cycle>,
    /// Episodes.
    pub episodes: BTreeMap<(String, i64), Episode>,
    /// Stays.
    pub stays: BTreeMap<(String, i64), Stay>,
}
