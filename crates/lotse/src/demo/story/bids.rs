//! What people do when a ticket is offered to them: most take it, some do not, a few are away from
//! their desk and come back later.

use std::time::Duration;

use lotse_clock::Timestamp;

use super::super::dice::Dice;
use super::super::opening;
use super::{Action, Beat, Story, What};

/// Of a hundred offers so many are declined.
const DECLINED: f64 = 0.06;
/// And so many find nobody at the desk.
const UNHEARD: f64 = 0.02;
/// How long somebody who left an offer unanswered stays away, in minutes.
const AWAY: (f64, f64) = (2.0, 8.0);

/// A ticket is offered to somebody.
#[derive(Clone, Debug)]
pub(crate) struct Bid {
    pub(crate) offer_id: String,
    pub(crate) ticket_id: String,
    /// The how-manieth offer of the ticket.
    pub(crate) attempt: u32,
}

impl Story {
    /// Somebody is asked whether they take a ticket. One that is not in play is taken.
    pub(crate) fn offered(&mut self, bid: Bid, now: Timestamp) {
        let key = self.keys.get(&bid.ticket_id).copied();
        let mut dice = Dice::new(self.seed ^ u64::from(bid.attempt), key.unwrap_or_default());
        let after = Duration::from_secs(5) + dice.minutes(0.0, 0.5);
        // What was set down by hand goes as it was set down.
        let wavers = key.is_some_and(|key| key < opening::FIRST);
        if wavers && dice.chance(UNHEARD) {
            return;
        }
        let accepts = !(wavers && dice.chance(DECLINED));
        self.plan(now + after, Beat::Answer(bid, accepts));
    }

    /// Somebody left an offer unanswered.
    pub(crate) fn unheard(&mut self, agent: &str, now: Timestamp) {
        let mut dice = Dice::new(self.seed, now.as_millis().unsigned_abs());
        let back = now + dice.minutes(AWAY.0, AWAY.1);
        self.plan(back, Beat::Back(agent.to_owned()));
    }

    /// The action of somebody who answers or comes back.
    pub(super) fn speak(&mut self, what: What) -> Action {
        let ticket_id = match &what {
            What::Answer(bid, _) => bid.ticket_id.clone(),
            _ => String::new(),
        };
        Action {
            number: self.number(),
            key: 0,
            ticket_id,
            what,
        }
    }
}
