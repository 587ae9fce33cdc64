//! What a journaled event means to a ticket's clocks.

use std::sync::Arc;

use lotse_clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::catalog::Plan;
use super::vocabulary::{Author, Reason, Status};

/// One thing that happened to a ticket and matters to its clocks.
#[derive(Clone, Debug)]
pub struct Fact {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
    /// Whether a human agent did it.
    pub human: bool,
    /// What the ticket goes by from now on, where that changed.
    pub replan: Option<Replan>,
    /// For [`Event::Absorbed`]: all facts of the ticket that went into this one, in order of time.
    pub absorbed: Vec<Fact>,
}

/// What happened. Also the stored form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The ticket was taken in; whether by or for a requester.
    Created {
        /// Whether somebody waits for a first reply.
        for_requester: bool,
    },
    /// Its status is this now.
    Status {
        /// The status.
        to: Status,
        /// Whether the requester's message brought it about.
        by_requester: bool,
    },
    /// The requester wrote.
    Wrote,
    /// Somebody or something else wrote to the requester.
    Answered(Author),
    /// It came into other hands, or waits for some.
    Handed(Hand),
    /// It went into another ticket.
    Merged,
    /// Another ticket went into it.
    Absorbed {
        /// That ticket.
        source: String,
    },
    /// The requester wrote to a ticket that went into this one later, which changes no status here.
    /// Never stored: it is what becomes of such a message when histories are united.
    Asked,
    /// What it goes by was edited, for open tickets too.
    Edited,
    /// Nothing that any other clock than idle looks at.
    Touched,
}

/// Who has a ticket from now on. Also the stored form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hand {
    /// The group; `None` for the one that had it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Whether an agent has it now; else it waits for one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub agent: bool,
    /// Whether it is a hop of its own even within the group: a transfer or an escalation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hop: bool,
}

/// Another plan.
#[derive(Clone, Debug)]
pub struct Replan {
    /// The plan; `None` when no policy fits.
    pub plan: Option<Arc<Plan>>,
    /// Why it changed.
    pub reason: Reason,
}
