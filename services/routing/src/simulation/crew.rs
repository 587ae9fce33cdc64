//! The people of a simulation: how they behave, and what is in their hands.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use lotse_clock::Timestamp;

use super::chance::{Draws, Lasts};
use super::happened::There;
use crate::domain::channel::ChannelSet;
use crate::domain::codes::Channel;

/// An agent comes, goes, or has a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coming {
    /// When.
    pub(crate) at: Timestamp,
    /// The agent's number.
    pub(crate) agent: usize,
    /// What they are from then on.
    pub(crate) there: There,
    /// The channels whose new work they take while they are online.
    pub(crate) channels: ChannelSet,
}

/// How an agent works.
#[derive(Clone, Debug)]
pub(crate) struct Conduct {
    /// Tickets worked on at the same time.
    pub(crate) at_once: u32,
    /// 1 takes the time that a ticket takes, 2 half of it.
    pub(crate) speed: f64,
    /// Needed after each ticket.
    pub(crate) wrap_up: Option<Lasts>,
    /// The share of offers declined.
    pub(crate) declines: f64,
    /// The share of offers not answered.
    pub(crate) ignores: f64,
}

/// How agents are asked.
#[derive(Clone, Debug)]
pub(crate) struct Manners {
    /// Channels whose tickets are offered; the others go straight to the agent.
    pub(crate) offered: BTreeSet<Channel>,
    /// How long an agent thinks.
    pub(crate) answer: Lasts,
    /// How long an offer stands.
    pub(crate) timeout: Duration,
    /// How long an agent who let one lapse gets nothing.
    pub(crate) back_after: Duration,
}

/// What an agent says to an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    /// Takes it.
    Accept,
    /// Does not want it.
    Decline,
    /// Nothing, until the offer lapses.
    Silence,
}

impl Conduct {
    /// What the agent will say to an offer, and after which time.
    pub(crate) fn answer(&self, manners: &Manners, draws: &mut Draws) -> (Answer, Duration) {
        let mood = draws.share();
        let thinks = manners.answer.draw(draws);
        if mood < self.ignores || thinks >= manners.timeout {
            return (Answer::Silence, manners.timeout);
        }
        if mood < self.ignores + self.declines {
            return (Answer::Decline, thinks);
        }
        (Answer::Accept, thinks)
    }

    /// How long the agent takes for what takes others `span`.
    pub(crate) fn takes(&self, span: Duration) -> Duration {
        Duration::try_from_secs_f64(span.as_secs_f64() / self.speed).unwrap_or(span)
    }
}

/// What an agent has in hand.
#[derive(Clone, Debug)]
pub(crate) struct Hands {
    /// What they are by their shifts.
    pub(crate) there: There,
    /// The channels whose new work they take while they are online.
    pub(crate) channels: ChannelSet,
    /// Whether they let an offer lapse and are not back yet.
    pub(crate) silent: bool,
    /// Raised by everything that makes a planned return void.
    pub(crate) stamp: u64,
    /// What they hold and have not begun, in the order in which they got it.
    pub(crate) in_hand: VecDeque<usize>,
    /// How many they work on or wrap up.
    pub(crate) working: u32,
}

impl Default for Hands {
    fn default() -> Self {
        Self {
            there: There::Offline,
            channels: ChannelSet::default(),
            silent: false,
            stamp: 0,
            in_hand: VecDeque::new(),
            working: 0,
        }
    }
}

impl Hands {
    /// What routing sees of them.
    pub(crate) fn seen(&self) -> There {
        if self.silent && self.there == There::Online {
            There::Away
        } else {
            self.there
        }
    }
}
