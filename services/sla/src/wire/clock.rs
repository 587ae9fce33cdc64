//! Clocks, as callers read them.

use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_ids::ClockId;
use lotse_proto::sla::v1 as proto;
use lotse_proto::time::{duration_to_proto, to_proto};

use super::enums;
use crate::domain::Clock;
use crate::store::clocks::Stored;

/// A clock with what is used of it at `now`.
pub(crate) fn write(stored: &Stored, now: Timestamp) -> proto::Clock {
    let Stored { ticket_id, clock } = stored;
    let consumed = clock.used(now);
    let Clock {
        id,
        metric,
        cycle,
        terms,
        state,
        reason,
        started_at,
        consumed: _,
        resumed_at: _,
        warned,
        times,
        latest,
    } = clock;
    let calendar = terms.calendar.as_ref();
    proto::Clock {
        id: id.as_ref().map(ClockId::to_string).unwrap_or_default(),
        ticket_id: ticket_id.clone(),
        metric: enums::to_metric(*metric).into(),
        cycle: *cycle,
        state: enums::to_state(*state).into(),
        policy_id: terms.policy.id.clone(),
        policy_version: terms.policy.version,
        calendar_id: calendar
            .map(|calendar| calendar.id.clone())
            .unwrap_or_default(),
        calendar_version: calendar.map_or(0, |calendar| calendar.version),
        target: Some(span(terms.target)),
        consumed: Some(span(consumed)),
        share: consumed as f64 / terms.target as f64,
        started_at: Some(to_proto(*started_at)),
        due_at: times.due.map(to_proto),
        breached_at: times.breached.map(to_proto),
        detected_at: times.detected.map(to_proto),
        fulfilled_at: times.fulfilled.map(to_proto),
        cancelled_at: times.cancelled.map(to_proto),
        reason: reason.code().to_owned(),
        warned_percent: (*warned).into(),
        latest: *latest,
    }
}

/// A span of milliseconds that is not negative.
pub(crate) fn span(millis: i64) -> prost_types::Duration {
    duration_to_proto(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
}
