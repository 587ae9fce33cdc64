//! What happened to a clock, as an event of the journal.

use lotse_ids::ClockId;
use lotse_journal::Body;
use lotse_proto::journal::v1 as proto;
use lotse_proto::journal::v1::clock_changed::Transition as ProtoTransition;
use lotse_proto::time::to_proto;

use super::enums::{to_metric, to_state};
use crate::domain::{Change, Clock, State, Transition};

/// The event of a change. The clock has its id by now.
pub(crate) fn changed(change: &Change, id: Option<&ClockId>) -> Body {
    let Change {
        at,
        transition,
        reason,
        clock,
    } = change;
    let Clock {
        metric,
        cycle,
        terms,
        state,
        times,
        ..
    } = clock;
    let (transition, warned_percent) = match transition {
        Transition::Started => (ProtoTransition::Started, 0),
        Transition::Paused => (ProtoTransition::Paused, 0),
        Transition::Resumed => (ProtoTransition::Resumed, 0),
        Transition::Retargeted => (ProtoTransition::Retargeted, 0),
        Transition::Warned(percent) => (ProtoTransition::Warned, *percent),
        Transition::Met => (ProtoTransition::Met, 0),
        Transition::Breached => (ProtoTransition::Breached, 0),
        Transition::FulfilledLate => (ProtoTransition::FulfilledLate, 0),
        Transition::Cancelled => (ProtoTransition::Cancelled, 0),
        Transition::BreachRetracted => (ProtoTransition::BreachRetracted, 0),
    };
    let runs = *state == State::Running;
    Body::ClockChanged(proto::ClockChanged {
        clock_id: id.map(ToString::to_string).unwrap_or_default(),
        metric: to_metric(*metric).into(),
        cycle: *cycle,
        transition: transition.into(),
        state: to_state(*state).into(),
        policy_id: terms.policy.id.clone(),
        policy_version: terms.policy.version,
        target_ms: terms.target,
        consumed_ms: clock.used(*at),
        due_at: times.due.filter(|_| runs).map(to_proto),
        warned_percent: warned_percent.into(),
        detected_at: times.detected.map(to_proto),
        reason: reason.code().to_owned(),
    })
}
