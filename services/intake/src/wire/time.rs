//! When something happened, as the caller says.

use lotse_auth::Caller;
use lotse_clock::Timestamp;
use lotse_errors::Violations;
use lotse_proto::time::from_proto;

use crate::error::Error;

/// The scope without which nobody may say that something happened in the past.
pub(crate) const PAST_SCOPE: &str = "tickets.import";

/// The time of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct When {
    /// When it happened.
    pub(crate) at: Timestamp,
    /// When it is recorded, by the clock. The same, for what happens now.
    pub(crate) now: Timestamp,
}

impl When {
    /// The event's own time, where it is not the time of recording.
    pub(crate) fn past(self) -> Option<Timestamp> {
        (self.at < self.now).then_some(self.at)
    }

    /// # Errors
    /// When it lies in the past and the caller may not say so.
    pub(crate) fn allowed(self, caller: &Caller) -> Result<(), Error> {
        if self.past().is_some() && !caller.has(PAST_SCOPE) {
            return Err(Error::PastTimeNotAllowed);
        }
        Ok(())
    }
}

/// Reads `occurred_at`: absent means now, the future is refused.
pub(crate) fn when(
    wrong: &mut Violations,
    given: Option<&prost_types::Timestamp>,
    now: Timestamp,
) -> When {
    let at = not_after(
        wrong,
        "occurred_at",
        given,
        now,
        "must not be in the future",
    );
    When {
        at: at.unwrap_or(now),
        now,
    }
}

/// Reads a time that must not be later than `limit`.
pub(crate) fn not_after(
    wrong: &mut Violations,
    field: &str,
    given: Option<&prost_types::Timestamp>,
    limit: Timestamp,
    description: &str,
) -> Option<Timestamp> {
    let at = wrong.take(field, from_proto(given?))?;
    wrong.require(field, at <= limit, description);
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lotse_proto::time::to_proto;

    #[test]
    fn future_is_refused_and_the_past_needs_a_scope() {
        let now = Timestamp::from_millis(5_000);
        let at = |millis| Some(to_proto(Timestamp::from_millis(millis)));
        let mut wrong = Violations::new();
        assert_eq!(when(&mut wrong, None, now), When { at: now, now });
        assert_eq!(when(&mut wrong, at(5_000).as_ref(), now).past(), None);
        let past = when(&mut wrong, at(4_999).as_ref(), now);
        assert!(wrong.is_empty());
        assert!(past.allowed(&Caller::local()).is_ok());
        assert!(matches!(
            past.allowed(&Caller::nobody()),
            Err(Error::PastTimeNotAllowed)
        ));
        when(&mut wrong, at(5_001).as_ref(), now);
        assert!(!wrong.is_empty());
    }
}
