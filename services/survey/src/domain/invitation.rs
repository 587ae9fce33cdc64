//! The life of an invitation.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use lotse_clock::Timestamp;

/// How long after the first answer it can be revised.
pub const REVISABLE: Duration = Duration::from_secs(86_400);

/// Where an invitation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Triggered; waits for its delay.
    Waiting,
    /// Can be answered.
    Invited,
    /// Answered.
    Answered,
    /// Nobody is asked.
    Skipped,
    /// Withdrawn: the ticket was reopened.
    Cancelled,
    /// The time to answer is over.
    Expired,
}

impl State {
    const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Invited,
        Self::Answered,
        Self::Skipped,
        Self::Cancelled,
        Self::Expired,
    ];

    /// The name of the state, as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Invited => "invited",
            Self::Answered => "answered",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether a reopening withdraws the invitation.
    pub const fn can_be_cancelled(self) -> bool {
        matches!(self, Self::Waiting | Self::Invited)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A stored state that nobody wrote.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not the state of an invitation")]
pub struct UnknownState(String);

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}

/// Why an answer is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not asked yet, withdrawn or expired.
    #[error("this survey is closed: the invitation is {0}")]
    Closed(State),
    /// The time to revise is over.
    #[error("this answer can no longer be changed: 24 hours have passed")]
    Final,
}

/// Whether an answer that arrives `now` is taken: the clock decides, not the timer that will note
/// the expiry.
///
/// # Errors
/// Why it is not.
pub fn may_answer(
    state: State,
    expires_at: Timestamp,
    answered_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Refusal> {
    match (state, answered_at) {
        (State::Answered, Some(first)) if now < first + REVISABLE => Ok(()),
        (State::Answered, _) => Err(Refusal::Final),
        (State::Invited, _) if now < expires_at => Ok(()),
        (State::Invited, _) => Err(Refusal::Closed(State::Expired)),
        (state, _) => Err(Refusal::Closed(state)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn an_invitation_closes_at_its_expiry_even_before_anybody_notices() {
        let before = T0 - Duration::from_millis(1);
        assert_eq!(may_answer(State::Invited, T0, None, before), Ok(()));
        assert_eq!(
            may_answer(State::Invited, T0, None, T0),
            Err(Refusal::Closed(State::Expired))
        );
    }

    #[test]
    fn an_answer_can_be_revised_for_a_day() {
        let last = T0 + REVISABLE - Duration::from_millis(1);
        assert_eq!(may_answer(State::Answered, T0, Some(T0), last), Ok(()));
        assert_eq!(
            may_answer(State::Answered, T0, Some(T0), T0 + REVISABLE),
            Err(Refusal::Final)
        );
    }

    #[test]
    fn what_is_not_open_takes_no_answer() {
        for state in [
            State::Waiting,
            State::Skipped,
            State::Cancelled,
            State::Expired,
        ] {
            assert_eq!(
                may_answer(state, Timestamp::MAX, None, T0),
                Err(Refusal::Closed(state))
            );
        }
    }
}
