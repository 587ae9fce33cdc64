//! What insight knows of one SLA clock.

use lotse_clock::Timestamp;
use lotse_proto::common::v1::ClockState;
use lotse_proto::journal::v1::ClockChanged;
use lotse_proto::journal::v1::clock_changed::Transition;

use super::code::{code, given};

/// One clock: one cycle of one metric on one ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct SlaClock {
    /// Its id.
    pub id: String,
    /// The ticket.
    pub ticket_id: String,
    /// Code of what it measures.
    pub metric: Option<String>,
    /// The how-manieth of that metric on that ticket, from 1.
    pub cycle: i64,
    /// The policy, the latest.
    pub policy_id: Option<String>,
    /// The target on the clock's calendar, in milliseconds, the latest.
    pub target_ms: i64,
    /// Where it stands.
    pub state: ClockState,
    /// When insight first heard of it.
    pub started_at: Timestamp,
    /// When it is due; absent while paused, and once it has ended.
    pub due_at: Option<Timestamp>,
    /// When its result was decided: met, breached (when it was due) or cancelled.
    pub decided_at: Option<Timestamp>,
    /// When what it promises was done, in time or late.
    pub fulfilled_at: Option<Timestamp>,
}

impl SlaClock {
    /// A clock that insight hears of for the first time.
    pub fn started(ticket_id: &str, at: Timestamp, event: &ClockChanged) -> Self {
        let mut clock = Self {
            id: event.clock_id.clone(),
            ticket_id: ticket_id.to_owned(),
            metric: code(event.metric().as_str_name(), "SLA_METRIC_"),
            cycle: i64::from(event.cycle),
            policy_id: None,
            target_ms: 0,
            state: ClockState::Unspecified,
            started_at: at,
            due_at: None,
            decided_at: None,
            fulfilled_at: None,
        };
        clock.apply(at, event);
        clock
    }

    /// Applies a transition.
    pub fn apply(&mut self, at: Timestamp, event: &ClockChanged) {
        self.state = event.state();
        self.policy_id = given(&event.policy_id);
        self.target_ms = event.target_ms;
        self.due_at = event
            .due_at
            .as_ref()
            .and_then(|due| lotse_proto::time::from_proto(due).ok());
        match self.state {
            ClockState::Met => {
                self.decided_at = Some(at);
                self.fulfilled_at = Some(at);
            }
            ClockState::Breached => {
                // Later events of a breached clock do not move its breach.
                self.decided_at.get_or_insert(at);
                if event.transition() == Transition::FulfilledLate {
                    self.fulfilled_at = Some(at);
                }
            }
            ClockState::Cancelled => self.decided_at = Some(at),
            ClockState::Unspecified | ClockState::Running | ClockState::Paused => {
                self.decided_at = None;
                self.fulfilled_at = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn event(transition: Transition, state: ClockState) -> ClockChanged {
        ClockChanged {
            clock_id: "clk_1".to_owned(),
            transition: transition.into(),
            state: state.into(),
            ..ClockChanged::default()
        }
    }

    #[test]
    fn late_fulfilment_stays_a_breach_at_the_due_time() {
        let mut clock =
            SlaClock::started("t", at(0), &event(Transition::Started, ClockState::Running));
        clock.apply(at(10), &event(Transition::Breached, ClockState::Breached));
        clock.apply(
            at(25),
            &event(Transition::FulfilledLate, ClockState::Breached),
        );
        assert_eq!(clock.state, ClockState::Breached);
        assert_eq!(clock.decided_at, Some(at(10)));
        assert_eq!(clock.fulfilled_at, Some(at(25)));
    }

    #[test]
    fn a_retracted_breach_is_met_when_the_fulfilment_came() {
        let mut clock =
            SlaClock::started("t", at(0), &event(Transition::Started, ClockState::Running));
        clock.apply(at(10), &event(Transition::Breached, ClockState::Breached));
        clock.apply(at(9), &event(Transition::BreachRetracted, ClockState::Met));
        assert_eq!(
            (clock.state, clock.decided_at),
            (ClockState::Met, Some(at(9)))
        );
    }
}
