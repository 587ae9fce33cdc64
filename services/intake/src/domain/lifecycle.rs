//! The life of a ticket: NEW -> OPEN <-> PENDING / ON_HOLD -> SOLVED -> CLOSED.

use std::time::Duration;

use lotse_clock::Timestamp;

use super::words::Status;

/// Where a ticket stands in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// Whose turn it is.
    pub status: Status,
    /// Why it is on hold; empty in every other status.
    pub hold_reason: String,
    /// When it came into this status.
    pub since: Timestamp,
    /// When it was last solved, while it is.
    pub solved_at: Option<Timestamp>,
    /// When it was closed, while it is.
    pub closed_at: Option<Timestamp>,
    /// When it closes itself.
    pub closes_at: Option<Timestamp>,
    /// Raised with each change of `closes_at`: a timer armed before it finds nothing to do.
    pub generation: i64,
    /// How often it was reopened.
    pub reopen_count: u32,
}

/// What is asked of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Wait for the requester.
    Wait,
    /// Wait for a third party, for this reason.
    Hold(&'a str),
    /// Take it up, or up again.
    Resume,
    /// It is answered.
    Solve,
    /// It was not answered after all.
    Reopen {
        /// Whether a closed ticket may be reopened too (history imports).
        closed_too: bool,
    },
    /// It is over.
    Close,
    /// Its wait in SOLVED has run out.
    CloseByTimer,
}

/// What changed a status: the journal's vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// An agent or a person took it up.
    TakenUp,
    /// We wait for the requester.
    Waited,
    /// We wait for a third party.
    Held,
    /// The wait is over by command.
    Resumed,
    /// The requester wrote.
    RequesterWrote,
    /// It was solved.
    Solved,
    /// It was reopened.
    Reopened,
    /// It was closed by command.
    Closed,
    /// It closed itself.
    ClosedByTimer,
}

/// A change of status that has been decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The status before.
    pub from: Status,
    /// What changed it.
    pub change: Change,
    /// The life after.
    pub life: Life,
}

/// The status does not allow what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a ticket that is {} cannot be {asked}", status.word().to_uppercase())]
pub struct Illegal {
    /// The status it is in.
    pub status: Status,
    /// What was asked, as a participle: `solved`.
    pub asked: &'static str,
}

/// What an installation decides about the life of its tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long a solved ticket waits before it closes itself; `None` when it never does.
    pub close_after: Option<Duration>,
}

impl Life {
    /// A ticket that was just taken in.
    pub fn begin(at: Timestamp) -> Self {
        Self {
            status: Status::New,
            hold_reason: String::new(),
            since: at,
            solved_at: None,
            closed_at: None,
            closes_at: None,
            generation: 0,
            reopen_count: 0,
        }
    }

    /// Decides a command that comes (or came) at `at`.
    ///
    /// # Errors
    /// When the status does not allow it.
    pub fn apply(
        &self,
        command: Command<'_>,
        at: Timestamp,
        rules: Rules,
    ) -> Result<Transition, Illegal> {
        use Status::{Closed, New, OnHold, Open, Pending, Solved};
        let change = match (command, self.status) {
            (Command::Wait, New | Open | OnHold) => Change::Waited,
            (Command::Hold(_), New | Open | Pending) => Change::Held,
            (Command::Hold(reason), OnHold) if reason != self.hold_reason => Change::Held,
            (Command::Resume, New) => Change::TakenUp,
            (Command::Resume, Pending | OnHold) => Change::Resumed,
            (Command::Solve, status) if status.is_unsolved() => Change::Solved,
            (Command::Reopen { .. }, Solved) => Change::Reopened,
            (Command::Reopen { closed_too: true }, Closed) => Change::Reopened,
            (Command::Close, Solved) => Change::Closed,
            (Command::CloseByTimer, Solved) if self.closes_at.is_some() => Change::ClosedByTimer,
            (_, status) => {
                return Err(Illegal {
                    status,
                    asked: command.participle(),
                });
            }
        };
        let reason = match command {
            Command::Hold(reason) => reason,
            _ => "",
        };
        Ok(self.change(change, reason, at, rules))
    }

    /// Ends because the ticket goes into another one at `at`.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn merge(&self, at: Timestamp) -> Result<Self, Illegal> {
        if self.status == Status::Closed {
            return Err(Illegal {
                status: self.status,
                asked: "merged",
            });
        }
        Ok(Self {
            status: Status::Closed,
            hold_reason: String::new(),
            since: at,
            closed_at: Some(at),
            closes_at: None,
            generation: self.generation + i64::from(self.closes_at.is_some()),
            ..self.clone()
        })
    }

    /// Goes where `change` leads. Whether it may is the caller's to know.
    pub(super) fn change(
        &self,
        change: Change,
        hold_reason: &str,
        at: Timestamp,
        rules: Rules,
    ) -> Transition {
        let mut life = Self {
            status: match change {
                Change::TakenUp | Change::Resumed | Change::RequesterWrote | Change::Reopened => {
                    Status::Open
                }
                Change::Waited => Status::Pending,
                Change::Held => Status::OnHold,
                Change::Solved => Status::Solved,
                Change::Closed | Change::ClosedByTimer => Status::Closed,
            },
            hold_reason: hold_reason.to_owned(),
            since: at,
            closes_at: None,
            ..self.clone()
        };
        match change {
            Change::Solved => {
                life.solved_at = Some(at);
                life.closes_at = rules.close_after.map(|wait| at + wait);
            }
            Change::Closed | Change::ClosedByTimer => life.closed_at = Some(at),
            Change::Reopened => {
                life.solved_at = None;
                life.closed_at = None;
                life.reopen_count = self.reopen_count.saturating_add(1);
            }
            Change::TakenUp
            | Change::Waited
            | Change::Held
            | Change::Resumed
            | Change::RequesterWrote => {}
        }
        if life.closes_at != self.closes_at {
            life.generation += 1;
        }
        Transition {
            from: self.status,
            change,
            life,
        }
    }
}

impl Command<'_> {
    fn participle(self) -> &'static str {
        match self {
            Self::Wait => "set to wait for the requester",
            Self::Hold(_) => "put on hold",
            Self::Resume => "resumed",
            Self::Solve => "solved",
            Self::Reopen { .. } => "reopened",
            Self::Close | Self::CloseByTimer => "closed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULES: Rules = Rules {
        close_after: Some(Duration::from_secs(100)),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn in_status(status: Status) -> Life {
        let start = Life::begin(at(0));
        let step = |life: &Life, command| life.apply(command, at(1), RULES).unwrap().life;
        match status {
            Status::New => start,
            Status::Open => step(&start, Command::Resume),
            Status::Pending => step(&start, Command::Wait),
            Status::OnHold => step(&start, Command::Hold("vendor")),
            Status::Solved => step(&start, Command::Solve),
            Status::Closed => step(&step(&start, Command::Solve), Command::Close),
        }
    }

    /// The whole table: what each command makes of each status; `None` where it is refused.
    #[test]
    fn every_command_in_every_status_does_what_the_contract_says() {
        use Status::{Closed, New, OnHold, Open, Pending, Solved};
        type Row = (Command<'static>, [Option<Status>; 6]);
        let table: [Row; 8] = [
            (
                Command::Wait,
                [
                    Some(Pending),
                    Some(Pending),
                    None,
                    Some(Pending),
                    None,
                    None,
                ],
            ),
            (
                Command::Hold("vendor"),
                [Some(OnHold), Some(OnHold), Some(OnHold), None, None, None],
            ),
            (
                Command::Hold("other"),
                [
                    Some(OnHold),
                    Some(OnHold),
                    Some(OnHold),
                    Some(OnHold),
                    None,
                    None,
                ],
            ),
            (
                Command::Resume,
                [Some(Open), None, Some(Open), Some(Open), None, None],
            ),
            (
                Command::Solve,
                [
                    Some(Solved),
                    Some(Solved),
                    Some(Solved),
                    Some(Solved),
                    None,
                    None,
                ],
            ),
            (
                Command::Reopen { closed_too: false },
                [None, None, None, None, Some(Open), None],
            ),
            (
                Command::Reopen { closed_too: true },
                [None, None, None, None, Some(Open), Some(Open)],
            ),
            (Command::Close, [None, None, None, None, Some(Closed), None]),
        ];
        for (command, wanted) in table {
            for (from, to) in [New, Open, Pending, OnHold, Solved, Closed]
                .into_iter()
                .zip(wanted)
            {
                let got = in_status(from).apply(command, at(2), RULES);
                match (to, got) {
                    (Some(to), Ok(transition)) => {
                        assert_eq!(transition.life.status, to, "{command:?} in {from:?}");
                        assert_eq!(transition.from, from);
                        assert_eq!(transition.life.since, at(2));
                    }
                    (None, Err(illegal)) => assert_eq!(illegal.status, from),
                    (wanted, got) => panic!("{command:?} in {from:?}: {wanted:?}, {got:?}"),
                }
            }
        }
    }

    #[test]
    fn solved_ticket_closes_after_the_wait_and_reopening_takes_that_back() {
        let solved = in_status(Status::Solved);
        assert_eq!(solved.closes_at, Some(at(101)));
        let open = solved
            .apply(Command::Reopen { closed_too: false }, at(5), RULES)
            .unwrap();
        assert_eq!(open.life.closes_at, None);
        assert_eq!(open.life.solved_at, None);
        assert!(open.life.generation > solved.generation);
        assert_eq!(open.life.reopen_count, 1);
    }

    #[test]
    fn without_automatic_closing_nothing_is_due() {
        let never = Rules { close_after: None };
        let solved = Life::begin(at(0))
            .apply(Command::Solve, at(1), never)
            .unwrap()
            .life;
        assert_eq!(solved.closes_at, None);
        assert!(solved.apply(Command::CloseByTimer, at(2), never).is_err());
    }

    #[test]
    fn refusal_names_the_status() {
        let refused = in_status(Status::Closed)
            .apply(Command::Solve, at(9), RULES)
            .unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a ticket that is CLOSED cannot be solved"
        );
    }

    fn commands() -> impl Strategy<Value = Command<'static>> {
        prop_oneof![
            Just(Command::Wait),
            Just(Command::Hold("a")),
            Just(Command::Hold("b")),
            Just(Command::Resume),
            Just(Command::Solve),
            any::<bool>().prop_map(|closed_too| Command::Reopen { closed_too }),
            Just(Command::Close),
            Just(Command::CloseByTimer),
        ]
    }

    proptest! {
        /// Whatever is asked in whatever order, the parts of a life agree with each other.
        #[test]
        fn a_life_never_contradicts_itself(asked in prop::collection::vec(commands(), 0..40)) {
            let mut life = Life::begin(at(0));
            let mut reopenings = 0;
            for (second, command) in (1..).zip(asked) {
                let Ok(transition) = life.apply(command, at(second), RULES) else { continue };
                let next = transition.life;
                reopenings += u32::from(transition.change == Change::Reopened);
                prop_assert_eq!(next.closes_at != life.closes_at, next.generation != life.generation);
                prop_assert!(next.generation >= life.generation);
                prop_assert_eq!(next.hold_reason.is_empty(), next.status != Status::OnHold);
                prop_assert_eq!(next.solved_at.is_none(), next.status.is_unsolved());
                prop_assert_eq!(next.closed_at.is_some(), next.status == Status::Closed);
                prop_assert_eq!(next.closes_at.is_some(), next.status == Status::Solved);
                prop_assert_eq!(next.reopen_count, reopenings);
                life = next;
            }
        }
    }
}
