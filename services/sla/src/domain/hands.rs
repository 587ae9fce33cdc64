//! Who has a ticket: groups and agents, and the bot before them.

use super::clock::{Change, Clock};
use super::fact::{Event, Hand};
use super::ticket::{Ticket, When, mode};
use super::vocabulary::{Bot, Metric, Mode, Reason};

impl Event {
    /// Whether it brings somebody who is no bot, beside what human agents do.
    pub(super) const fn takes_over(&self) -> bool {
        match self {
            Self::Handed(hand) => hand.agent || hand.hop,
            _ => false,
        }
    }
}

impl Ticket {
    /// Ends the stay and the wait that an event ends; returns the metrics that begin anew with it.
    pub(super) fn let_go(
        &mut self,
        event: &Event,
        when: When,
        log: &mut Vec<Change>,
    ) -> &'static [Metric] {
        let Event::Handed(hand) = event else {
            return &[];
        };
        let moves = self.is_another(hand);
        if moves {
            self.fulfil(Metric::GroupOwnership, when, log);
        }
        if hand.agent {
            self.fulfil(Metric::Pickup, when, log);
        } else if (hand.hop || moves)
            && let Some(wait) = self.clocks.get_mut(&Metric::Pickup)
            && wait.is_open()
        {
            wait.end(when.at, Reason::HandedOn, log);
        }
        if moves {
            &[Metric::GroupOwnership, Metric::Pickup]
        } else {
            &[Metric::Pickup]
        }
    }

    /// Begins the stay and the wait of who has the ticket now.
    pub(super) fn hand_over(&mut self, hand: &Hand, when: When, log: &mut Vec<Change>) {
        if self.is_another(hand) {
            self.group.clone_from(&hand.group);
            self.ensure(Metric::GroupOwnership, when.at, when, log);
        }
        if !hand.agent {
            // Waiting on in the same queue is the same hop.
            self.ensure(Metric::Pickup, when.at, when, log);
        }
    }

    /// Whether it goes to another group than the one that has it.
    fn is_another(&self, hand: &Hand) -> bool {
        hand.group.is_some() && hand.group != self.group
    }

    /// A bot has written to the requester.
    pub(super) fn let_bot_talk(&mut self, when: When, log: &mut Vec<Change>) {
        if self.bot == Bot::Waits {
            self.bot = Bot::Talks;
            self.settle(Metric::FirstReply, when, log);
        }
    }

    /// Somebody who is no bot has the ticket, for good.
    pub(super) fn take_over(&mut self, when: When, log: &mut Vec<Change>) {
        let talked = std::mem::replace(&mut self.bot, Bot::Over) == Bot::Talks;
        if talked {
            self.settle(Metric::FirstReply, when, log);
        }
    }

    /// Lets the open clock of a metric run or stand still, as the ticket now has it.
    pub(super) fn settle(&mut self, metric: Metric, when: When, log: &mut Vec<Change>) {
        let (status, bot) = (self.status, self.bot);
        let open = |clock: &&mut Clock| clock.is_open();
        if let Some(clock) = self.clocks.get_mut(&metric).filter(open) {
            match mode(metric, &clock.terms, status, bot) {
                Mode::Runs => clock.run(when.at, when.now, log),
                Mode::Pauses(reason) => clock.pause(when.at, reason, log),
                Mode::Fulfils | Mode::Cancels(_) | Mode::Ends(_) => {}
            }
        }
    }
}
