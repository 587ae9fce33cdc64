//! The words of the timing contract, each with the code under which it is stored.

use serde::{Deserialize, Serialize};

/// An enum whose values have a stable code, which is what databases and stored documents carry.
macro_rules! codes {
    ($($(#[$doc:meta])* enum $name:ident { $($(#[$of:meta])* $value:ident = $code:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $code)] $value,)+
        }

        impl $name {
            /// All values, in their order.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The code it is stored under.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$value => $code,)+
                }
            }

            /// The value of a code.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.code() == code)
            }
        }
    )+};
}

pub(super) use codes;

codes! {
    /// What a clock measures.
    enum Metric {
        /// From creation to the first public reply that counts.
        FirstReply = "first_reply",
        /// From the oldest unanswered requester message to the next reply that counts.
        NextReply = "next_reply",
        /// From creation or a reply that counts to the next one.
        PeriodicUpdate = "periodic_update",
        /// As that, but not while it is the requester's turn.
        PausableUpdate = "pausable_update",
        /// The time the requester waits for us or for third parties, until solved.
        RequesterWait = "requester_wait",
        /// The time that is ours alone, until solved.
        AgentWork = "agent_work",
        /// From creation to solved or closed, without pauses.
        TotalResolution = "total_resolution",
        /// Since a human agent last did something.
        Idle = "idle",
        /// From entering a group to leaving it, or solved.
        GroupOwnership = "group_ownership",
        /// From waiting in a queue until an agent has it.
        Pickup = "pickup",
    }

    /// Where a clock stands.
    enum State {
        /// Time runs.
        Running = "running",
        /// Time stands still.
        Paused = "paused",
        /// Fulfilled in time.
        Met = "met",
        /// Past due.
        Breached = "breached",
        /// Ended without a result.
        Cancelled = "cancelled",
    }

    /// Whose turn it is.
    enum Status {
        /// Nobody has touched it.
        New = "new",
        /// Our turn.
        Open = "open",
        /// The requester's turn.
        Pending = "pending",
        /// A third party's turn.
        OnHold = "on_hold",
        /// Answered.
        Solved = "solved",
        /// Over.
        Closed = "closed",
    }

    /// How soon a ticket must be worked on.
    enum Priority {
        /// At once.
        Urgent = "urgent",
        /// Before the normal ones.
        High = "high",
        /// In turn.
        Normal = "normal",
        /// When there is time.
        Low = "low",
    }

    /// Where a ticket came from.
    enum Channel {
        /// A mail.
        Email = "email",
        /// A live chat.
        Chat = "chat",
        /// A telephone call.
        Phone = "phone",
        /// A form on a web page.
        Web = "web",
        /// Another system.
        Api = "api",
        /// A social network.
        Social = "social",
        /// Somebody at the desk.
        WalkIn = "walk_in",
    }

    /// Who or what wrote a message.
    enum Author {
        /// The person who asks.
        Requester = "requester",
        /// A human agent.
        Human = "human",
        /// A conversational bot.
        Bot = "bot",
        /// A rule or an import.
        Automation = "automation",
        /// Lotse itself.
        System = "system",
    }

    /// What ends total_resolution.
    enum ResolutionEnd {
        /// The ticket is solved.
        Solved = "solved",
        /// The ticket is closed.
        Closed = "closed",
    }

    /// Whether the time in which a bot talks to the requester counts for first_reply.
    enum BotPhase {
        /// It does.
        Counts = "counts",
        /// It does not: the clock pauses.
        Excluded = "excluded",
    }

    /// Where a ticket stands towards its bot phase.
    enum Bot {
        /// No bot has talked yet.
        Waits = "waits",
        /// A bot talks to the requester.
        Talks = "talks",
        /// Somebody who is no bot has taken over, for good.
        Over = "over",
    }

    /// Why a clock changed, or stands where it stands.
    enum Reason {
        /// The common case: time ran, or the promise was kept.
        None = "",
        /// It is the requester's turn.
        Pending = "pending",
        /// It is a third party's turn.
        OnHold = "on_hold",
        /// A bot talks to the requester.
        BotPhase = "bot_phase",
        /// The ticket was solved before a reply was due.
        SolvedWithoutReply = "solved_without_reply",
        /// The ticket was solved.
        Solved = "solved",
        /// The ticket was handed on before anybody picked it up.
        HandedOn = "handed_on",
        /// The ticket went into another one.
        MergedInto = "merged_into",
        /// A merge put the due time into the past, or changed it.
        Merge = "merge",
        /// The policy that fits now promises nothing on this metric.
        NotInPolicy = "not_in_policy",
        /// No policy fits any more.
        NoPolicy = "no_policy",
        /// A retarget put the due time into the past.
        Retarget = "retarget",
        /// The reopened cycle inherited more than the target.
        Inherited = "inherited",
        /// The ticket's priority changed.
        PriorityChanged = "priority_changed",
        /// The ticket went to another group.
        GroupChanged = "group_changed",
        /// Its policy was edited, for open tickets too.
        PolicyEdited = "policy_edited",
        /// One of its calendars was edited, for open tickets too.
        CalendarEdited = "calendar_edited",
        /// Other facts of the ticket changed.
        FactsChanged = "facts_changed",
        /// An event that arrived behind its time showed another history.
        HistoryChanged = "history_changed",
    }
}

/// What a ticket's status does to a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Time runs.
    Runs,
    /// Time stands still.
    Pauses(Reason),
    /// The promise is kept, in time or late.
    Fulfils,
    /// The promise has become pointless; a broken one still waits to be kept.
    Cancels(Reason),
    /// The cycle is over, broken or not: what comes later is another one.
    Ends(Reason),
}

impl Status {
    /// Whether the requester has an answer: SOLVED and CLOSED.
    pub const fn is_solved(self) -> bool {
        matches!(self, Self::Solved | Self::Closed)
    }
}

impl Metric {
    /// The table "Metrics and their clocks" of the timing contract.
    pub const fn mode(self, status: Status, ends_at: ResolutionEnd) -> Mode {
        match status {
            Status::New | Status::Open => Mode::Runs,
            Status::Pending => match self {
                Self::FirstReply
                | Self::NextReply
                | Self::PeriodicUpdate
                | Self::TotalResolution
                | Self::Pickup => Mode::Runs,
                Self::PausableUpdate
                | Self::RequesterWait
                | Self::AgentWork
                | Self::Idle
                | Self::GroupOwnership => Mode::Pauses(Reason::Pending),
            },
            Status::OnHold => match self {
                Self::AgentWork | Self::Idle | Self::GroupOwnership => Mode::Pauses(Reason::OnHold),
                _ => Mode::Runs,
            },
            Status::Solved | Status::Closed => self.end(status, ends_at),
        }
    }

    /// What the end of a ticket does.
    const fn end(self, status: Status, ends_at: ResolutionEnd) -> Mode {
        match self {
            Self::FirstReply | Self::NextReply => Mode::Cancels(Reason::SolvedWithoutReply),
            Self::Idle => Mode::Cancels(Reason::Solved),
            Self::PeriodicUpdate | Self::PausableUpdate | Self::Pickup => {
                Mode::Ends(Reason::Solved)
            }
            Self::TotalResolution => match (status, ends_at) {
                (Status::Solved, ResolutionEnd::Closed) => Mode::Runs,
                _ => Mode::Fulfils,
            },
            Self::RequesterWait | Self::AgentWork | Self::GroupOwnership => Mode::Fulfils,
        }
    }

    /// Whether a reopening goes on from what earlier cycles consumed.
    pub const fn inherits(self) -> bool {
        matches!(
            self,
            Self::RequesterWait | Self::AgentWork | Self::TotalResolution
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back_to_their_values() {
        for metric in Metric::ALL {
            assert_eq!(Metric::from_code(metric.code()), Some(*metric));
        }
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
        }
        assert_eq!(State::from_code("RUNNING"), None);
    }

    #[test]
    fn each_metric_runs_and_pauses_as_the_contract_says() {
        // One letter per status NEW, OPEN, PENDING, ON_HOLD, SOLVED, CLOSED: runs, pauses,
        // fulfils, cancels, ends.
        for (metric, ends_at, expected) in [
            (Metric::FirstReply, ResolutionEnd::Solved, "rrrrcc"),
            (Metric::NextReply, ResolutionEnd::Solved, "rrrrcc"),
            (Metric::PeriodicUpdate, ResolutionEnd::Solved, "rrrree"),
            (Metric::PausableUpdate, ResolutionEnd::Solved, "rrpree"),
            (Metric::RequesterWait, ResolutionEnd::Solved, "rrprff"),
            (Metric::RequesterWait, ResolutionEnd::Closed, "rrprff"),
            (Metric::AgentWork, ResolutionEnd::Solved, "rrppff"),
            (Metric::TotalResolution, ResolutionEnd::Solved, "rrrrff"),
            (Metric::TotalResolution, ResolutionEnd::Closed, "rrrrrf"),
            (Metric::Idle, ResolutionEnd::Solved, "rrppcc"),
            (Metric::GroupOwnership, ResolutionEnd::Solved, "rrppff"),
            (Metric::Pickup, ResolutionEnd::Solved, "rrrree"),
        ] {
            let letters: String = Status::ALL
                .iter()
                .map(|status| match metric.mode(*status, ends_at) {
                    Mode::Runs => 'r',
                    Mode::Pauses(_) => 'p',
                    Mode::Fulfils => 'f',
                    Mode::Cancels(_) => 'c',
                    Mode::Ends(_) => 'e',
                })
                .collect();
            assert_eq!(letters, expected, "{metric:?} {ends_at:?}");
        }
    }
}
