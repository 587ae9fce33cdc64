//! Closed sets of values, each with the code it is stored and shown as.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A code that this version does not know.
#[derive(Debug, thiserror::Error)]
#[error("unknown {kind}: {code:?}")]
pub(crate) struct UnknownCode {
    kind: &'static str,
    code: String,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $code:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub(crate) enum $name {
            $($(#[$value_doc])* #[serde(rename = $code)] $value,)+
        }

        impl $name {
            /// All of them, in the order of their declaration.
            #[cfg(test)]
            #[allow(dead_code, reason = "of some nobody asks")]
            pub(crate) const EVERY: &'static [Self] = &[$(Self::$value,)+];

            /// The code.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $code,)+ }
            }
        }

        impl FromStr for $name {
            type Err = UnknownCode;

            fn from_str(code: &str) -> Result<Self, UnknownCode> {
                match code {
                    $($code => Ok(Self::$value),)+
                    _ => Err(UnknownCode { kind: stringify!($name), code: code.to_owned() }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+};
}

codes! {
    /// Where a ticket came from.
    Channel {
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

    /// How soon; the most urgent sorts first.
    Priority {
        /// At once.
        Urgent = "urgent",
        /// Before the normal ones.
        High = "high",
        /// In turn.
        Normal = "normal",
        /// When there is time.
        Low = "low",
    }

    /// Whether an agent takes new work.
    Presence {
        /// Takes new work.
        Online = "online",
        /// There, but takes nothing new.
        Away = "away",
        /// Left an offer unanswered; takes nothing new until it says that it is there.
        NotResponding = "not_responding",
        /// Not there.
        Offline = "offline",
    }

    /// As much of a ticket's status as routing needs.
    Status {
        /// Our turn.
        Open = "open",
        /// The turn of the requester or of a third party.
        Paused = "paused",
        /// Answered; may come back.
        Solved = "solved",
        /// Over.
        Closed = "closed",
    }

    /// Which of several eligible agents gets a ticket.
    Order {
        /// Whoever fits best.
        BestFit = "best_fit",
        /// Whoever has been without a new ticket for longest.
        LongestIdle = "longest_idle",
        /// Whoever has the largest share of their capacity free.
        MostSpare = "most_spare",
    }

    /// Why a step of the workflow was passed over.
    SkipReason {
        /// No agent of its group is online.
        NobodyOnline = "nobody_online",
        /// No agent of its group has room.
        NobodyFree = "nobody_free",
        /// It is none of its hours.
        OutsideHours = "outside_hours",
    }

    /// Where a ticket stands in routing.
    State {
        /// Nobody has it.
        Waiting = "waiting",
        /// An agent is asked whether they take it.
        Offered = "offered",
        /// An agent has it.
        Assigned = "assigned",
        /// It occupies nobody.
        Done = "done",
    }

    /// What became of an offer.
    OfferState {
        /// The agent is being asked.
        Offered = "offered",
        /// The agent has the ticket.
        Accepted = "accepted",
        /// The agent does not take it.
        Declined = "declined",
        /// The agent did not answer in time.
        TimedOut = "timed_out",
        /// It was taken back.
        Rescinded = "rescinded",
    }

    /// Why a ticket changed hands.
    TransferReason {
        /// A skill was missing.
        WrongSkill = "wrong_skill",
        /// The language was missing.
        WrongLanguage = "wrong_language",
        /// Another support level.
        WrongTier = "wrong_tier",
        /// Too much to do.
        Capacity = "capacity",
        /// The agent goes home.
        ShiftEnd = "shift_end",
        /// The requester wanted somebody else.
        RequesterAsked = "requester_asked",
        /// Nobody said.
        Unexplained = "unexplained",
    }

    /// What keeps a ticket from being passed on for ever.
    Guard {
        /// It has been passed on too often.
        HopLimit = "hop_limit",
        /// It is sent back to where it just came from.
        PingPong = "ping_pong",
    }

    /// What a decision was about.
    DecisionKind {
        /// Routing looked for an agent by itself.
        Automatic = "automatic",
        /// Somebody assigned by hand.
        Manual = "manual",
        /// Somebody passed the ticket on.
        Transfer = "transfer",
        /// Somebody sent the ticket up.
        Escalation = "escalation",
    }

    /// How a reply stands that a mentor looks at.
    ReviewState {
        /// It waits for the mentor.
        Pending = "pending",
        /// It may be sent.
        Approved = "approved",
        /// It must not be sent as it is.
        Declined = "declined",
    }

    /// Whether an agent should be at work.
    Standing {
        /// In a shift.
        AtWork = "at_work",
        /// In a shift, on a break.
        OnBreak = "on_break",
        /// In no shift.
        OffShift = "off_shift",
        /// Absent by an exception.
        Absent = "absent",
    }

    /// What the turns of a rotation are counted in.
    RotationUnit {
        /// Hours by the clock on the wall.
        Hours = "hours",
        /// Days.
        Days = "days",
        /// Weeks.
        Weeks = "weeks",
    }

    /// Why an agent is on duty.
    DutySource {
        /// By a layer of the rota.
        Rota = "rota",
        /// By an exception to it.
        Override = "override",
        /// By being online in the group.
        Presence = "presence",
        /// By leading the group.
        Lead = "lead",
    }

    /// What became of a ticket's text, for learning.
    Wording {
        /// To be read.
        Wanted = "wanted",
        /// Its words are known.
        Read = "read",
        /// There is none any more.
        Gone = "gone",
    }

    /// Whether the group that a person chose first is to be looked at again.
    Reconsider {
        /// It is not, or was.
        No = "no",
        /// It is.
        Wanted = "wanted",
    }

    /// What became of a model.
    Verdict {
        /// May be in force.
        Accepted = "accepted",
        /// Was worse than the one in force.
        Rejected = "rejected",
        /// Cannot be used any more.
        Dropped = "dropped",
    }

    /// How sure a model was of a ticket's group.
    Certainty {
        /// Sure enough.
        Confident = "confident",
        /// Not sure enough.
        Unsure = "unsure",
        /// There was none to ask.
        NoModel = "no_model",
    }

    /// Whether a model was told the words of a ticket's text.
    TextUse {
        /// It was.
        Read = "read",
        /// Intake did not answer.
        Away = "away",
        /// Words are not used, or there are none.
        Unused = "unused",
    }

    /// What decided.
    Reason {
        /// The best of several eligible agents.
        BestFit = "best_fit",
        /// The only eligible agent.
        OnlyCandidate = "only_candidate",
        /// Several tickets were given out together, and this was the best for all of them.
        Matched = "matched",
        /// The agent who had it before it was reopened.
        SameAgent = "same_agent",
        /// The agent who solved the ticket that it repeats or continues.
        SolvedBefore = "solved_before",
        /// Nobody configured where tickets go.
        NoWorkflow = "no_workflow",
        /// The group has no members.
        EmptyGroup = "empty_group",
        /// No member is online.
        NobodyOnline = "nobody_online",
        /// Those who could have no room.
        AllBusy = "all_busy",
        /// Nobody online has the skills.
        NobodySkilled = "nobody_skilled",
        /// Nobody online with the skills speaks the language.
        NobodySpeaksLanguage = "nobody_speaks_language",
        /// All online are on a break, absent, or in no shift.
        NobodyOnShift = "nobody_on_shift",
        /// Those online passed the ticket on before.
        NobodyEligible = "nobody_eligible",
        /// Nobody online has the support level.
        NobodyOfTier = "nobody_of_tier",
        /// Who could take it lacks skills that are still preferred.
        WaitingForPreferred = "waiting_for_preferred",
        /// Everybody who could take it was offered it and did not.
        EverybodyDeclined = "everybody_declined",
        /// A person assigned.
        Manual = "manual",
        /// A person passed it on.
        Transfer = "transfer",
        /// A person sent it up.
        Escalation = "escalation",
    }
}

#[allow(
    clippy::derivable_impls,
    reason = "the macro derives what all codes have"
)]
impl Default for Order {
    fn default() -> Self {
        Self::BestFit
    }
}

impl Channel {
    /// All of them, in the order of their declaration.
    pub(crate) const ALL: [Self; 7] = [
        Self::Email,
        Self::Chat,
        Self::Phone,
        Self::Web,
        Self::Api,
        Self::Social,
        Self::WalkIn,
    ];
}

impl TransferReason {
    /// Whether the reason makes the earlier routing wrong: the first three and the unexplained.
    pub(crate) const fn is_misroute(self) -> bool {
        match self {
            Self::WrongSkill | Self::WrongLanguage | Self::WrongTier | Self::Unexplained => true,
            Self::Capacity | Self::ShiftEnd | Self::RequesterAsked => false,
        }
    }
}
