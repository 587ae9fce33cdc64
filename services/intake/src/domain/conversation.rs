//! What a message does to the life of its ticket.

use lotse_clock::Timestamp;

use super::lifecycle::{Change, Illegal, Life, Rules, Transition};
use super::thanks;
use super::words::{AuthorKind, Status, Visibility};

/// A message, as far as the life of its ticket depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// Who or what wrote it.
    pub author: AuthorKind,
    /// Who may read it.
    pub visibility: Visibility,
    /// Its text.
    pub body: &'a str,
    /// When it arrived.
    pub received_at: Timestamp,
}

/// What a message does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is stored, nothing else.
    Nothing,
    /// It changes the ticket's status.
    Changes(Transition),
    /// It came after the end: it starts a new ticket that continues this one.
    FollowsUp {
        /// The closing of this ticket, where its wait is over and nobody has noticed yet.
        closing: Option<Transition>,
    },
}

impl Life {
    /// Decides what a message does.
    ///
    /// # Errors
    /// When a human or a bot answers in public on a closed ticket.
    pub fn hear(&self, message: &Heard<'_>, rules: Rules) -> Result<Effect, Illegal> {
        if message.visibility == Visibility::Internal {
            return Ok(Effect::Nothing);
        }
        match (message.author, self.status) {
            (AuthorKind::Requester, _) => Ok(self.hear_requester(message, rules)),
            (AuthorKind::Human | AuthorKind::Bot, Status::Closed) => Err(Illegal {
                status: self.status,
                asked: "answered",
            }),
            (AuthorKind::Human, Status::New) => Ok(self.changed(Change::TakenUp, message, rules)),
            _ => Ok(Effect::Nothing),
        }
    }

    fn hear_requester(&self, message: &Heard<'_>, rules: Rules) -> Effect {
        match self.status {
            Status::New | Status::Open | Status::OnHold => Effect::Nothing,
            Status::Pending => self.changed(Change::RequesterWrote, message, rules),
            Status::Solved => {
                // The timer may be late; the wait ends when it ends, not when somebody notices.
                let over = self.closes_at.filter(|end| *end <= message.received_at);
                if thanks::is_all_it_says(message.body) {
                    Effect::Nothing
                } else if let Some(end) = over {
                    let closing = Some(self.change(Change::ClosedByTimer, "", end, rules));
                    Effect::FollowsUp { closing }
                } else {
                    self.changed(Change::Reopened, message, rules)
                }
            }
            Status::Closed if thanks::is_all_it_says(message.body) => Effect::Nothing,
            Status::Closed => Effect::FollowsUp { closing: None },
        }
    }

    /// A status ends when the message arrived, but not before it began: mail may be late.
    fn changed(&self, change: Change, message: &Heard<'_>, rules: Rules) -> Effect {
        let at = message.received_at.max(self.since);
        Effect::Changes(self.change(change, "", at, rules))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lifecycle::Command;
    use std::time::Duration;

    const RULES: Rules = Rules {
        close_after: Some(Duration::from_secs(100)),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn life(commands: &[Command<'_>]) -> Life {
        commands.iter().fold(Life::begin(at(0)), |life, command| {
            life.apply(*command, at(10), RULES).unwrap().life
        })
    }

    fn says(author: AuthorKind, body: &str, seconds: i64) -> Heard<'_> {
        Heard {
            author,
            visibility: Visibility::Public,
            body,
            received_at: at(seconds),
        }
    }

    fn change(effect: Effect) -> (Change, Timestamp) {
        match effect {
            Effect::Changes(transition) => (transition.change, transition.life.since),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn first_human_reply_takes_a_new_ticket_up_and_a_bot_does_not() {
        let new = life(&[]);
        let human = new
            .hear(&says(AuthorKind::Human, "Hello", 11), RULES)
            .unwrap();
        assert_eq!(change(human), (Change::TakenUp, at(11)));
        for kind in [
            AuthorKind::Bot,
            AuthorKind::Automation,
            AuthorKind::Requester,
        ] {
            let effect = new.hear(&says(kind, "Hello", 11), RULES).unwrap();
            assert_eq!(effect, Effect::Nothing, "{kind:?}");
        }
    }

    #[test]
    fn requester_ends_the_wait_when_the_message_arrived() {
        let pending = life(&[Command::Wait]);
        let effect = pending
            .hear(&says(AuthorKind::Requester, "Here", 15), RULES)
            .unwrap();
        assert_eq!(change(effect), (Change::RequesterWrote, at(15)));
        let early = pending
            .hear(&says(AuthorKind::Requester, "Here", 5), RULES)
            .unwrap();
        assert_eq!(
            change(early),
            (Change::RequesterWrote, at(10)),
            "a wait cannot end before it began"
        );
    }

    #[test]
    fn requester_reopens_within_the_wait_and_follows_up_after_it() {
        let solved = life(&[Command::Solve]);
        let within = solved
            .hear(&says(AuthorKind::Requester, "Still broken", 109), RULES)
            .unwrap();
        assert_eq!(change(within), (Change::Reopened, at(109)));
        let after = solved
            .hear(&says(AuthorKind::Requester, "Still broken", 110), RULES)
            .unwrap();
        let Effect::FollowsUp {
            closing: Some(closing),
        } = after
        else {
            panic!("{after:?}")
        };
        assert_eq!(closing.life.closed_at, Some(at(110)));
        let closed = life(&[Command::Solve, Command::Close]);
        let late = closed
            .hear(&says(AuthorKind::Requester, "Still broken", 20), RULES)
            .unwrap();
        assert_eq!(late, Effect::FollowsUp { closing: None });
    }

    #[test]
    fn thank_you_leaves_a_solved_ticket_alone() {
        for commands in [&[Command::Solve][..], &[Command::Solve, Command::Close]] {
            let effect = life(commands).hear(&says(AuthorKind::Requester, "Thank you!", 20), RULES);
            assert_eq!(effect, Ok(Effect::Nothing));
        }
    }

    #[test]
    fn notes_and_automation_change_nothing_anywhere() {
        for commands in [
            &[][..],
            &[Command::Wait],
            &[Command::Solve],
            &[Command::Solve, Command::Close],
        ] {
            let life = life(commands);
            for author in AuthorKind::ALL {
                let note = Heard {
                    visibility: Visibility::Internal,
                    ..says(*author, "x", 20)
                };
                assert_eq!(life.hear(&note, RULES), Ok(Effect::Nothing));
            }
            let automatic = life.hear(&says(AuthorKind::Automation, "x", 20), RULES);
            assert_eq!(automatic, Ok(Effect::Nothing));
        }
    }

    #[test]
    fn public_answer_on_a_closed_ticket_is_refused() {
        let closed = life(&[Command::Solve, Command::Close]);
        let refused = closed
            .hear(&says(AuthorKind::Human, "Hi", 20), RULES)
            .unwrap_err();
        assert_eq!(refused.status, Status::Closed);
    }
}
