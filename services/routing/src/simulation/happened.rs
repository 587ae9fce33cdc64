//! What a simulation tells of.

use std::time::Duration;

/// Something that happened in a simulation. Tickets are numbered in the order in which they come,
/// agents and classes as in the scenario.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Happened {
    /// A ticket came and waits.
    Arrived {
        /// The ticket.
        ticket: u64,
        /// Its class.
        class: usize,
        /// Whether its customer wrote before and got no answer.
        again: bool,
    },
    /// A ticket that an agent had waits again, as old as it is: their shift ended, or somebody else
    /// must solve it.
    Requeued {
        /// The ticket.
        ticket: u64,
        /// Its class.
        class: usize,
    },
    /// A waiting ticket was offered to an agent and is held for them.
    Offered {
        /// The ticket.
        ticket: u64,
        /// The agent.
        agent: usize,
    },
    /// The agent did not want it.
    Declined {
        /// The ticket.
        ticket: u64,
        /// The agent.
        agent: usize,
    },
    /// The agent did not answer in time, and gets nothing more until they are back.
    TimedOut {
        /// The ticket.
        ticket: u64,
        /// The agent.
        agent: usize,
    },
    /// An agent has it.
    Assigned {
        /// The ticket.
        ticket: u64,
        /// Its class.
        class: usize,
        /// The agent.
        agent: usize,
        /// Since it came.
        waited: Duration,
        /// Whether it is the first time.
        first: bool,
        /// Whether nobody who was there knows more of what it needs; none when it needs nothing.
        best_fit: Option<bool>,
    },
    /// An agent begins to work on it.
    Begun {
        /// The ticket.
        ticket: u64,
        /// Its class.
        class: usize,
        /// The agent.
        agent: usize,
        /// Since it came.
        waited: Duration,
        /// Whether it is the first time.
        first: bool,
    },
    /// It is solved.
    Solved {
        /// The ticket.
        ticket: u64,
        /// Its class.
        class: usize,
        /// The agent.
        agent: usize,
        /// Since it came.
        took: Duration,
        /// How often it changed hands because the first was wrong.
        transfers: u32,
    },
    /// The agent found out that somebody else must solve it, and it waits for them.
    Transferred {
        /// The ticket.
        ticket: u64,
        /// Its class.
        class: usize,
        /// The agent.
        agent: usize,
        /// Since it came.
        after: Duration,
        /// Whether it was the first time.
        first: bool,
    },
    /// The customer gave up before anybody began.
    Left {
        /// The ticket.
        ticket: u64,
        /// Its class.
        class: usize,
        /// Since it came.
        waited: Duration,
        /// Whether an agent had it in hand.
        in_hand: bool,
        /// Whether only because another ticket of the same customer was taken up.
        merged: bool,
    },
    /// An agent came, went, or had a break.
    Present {
        /// The agent.
        agent: usize,
        /// What it is now.
        there: There,
    },
    /// How many tickets an agent works on, those being wrapped up included.
    Working {
        /// The agent.
        agent: usize,
        /// How many.
        tickets: u32,
    },
}

/// Whether an agent is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum There {
    /// Takes new work.
    Online,
    /// On a break, or not answering.
    Away,
    /// Not at work.
    Offline,
}
