//! The parts of an explanation, as callers read them.

use lotse_calendar::ClockChange;
use lotse_proto::sla::v1 as proto;
use lotse_proto::time::to_proto;

use super::clock::span;
use crate::domain::{Cause, Held, Kind, Phase, Schedule, Segment, Terms};

/// A part.
pub(crate) fn segment(segment: &Segment) -> proto::Segment {
    let Segment {
        start,
        end,
        kind,
        phase,
        counted,
    } = segment;
    let phase = match phase {
        Phase::Past => proto::SegmentPhase::Past,
        Phase::Overdue => proto::SegmentPhase::Overdue,
        Phase::Future => proto::SegmentPhase::Future,
    };
    proto::Segment {
        start_time: Some(to_proto(*start)),
        end_time: Some(to_proto(*end)),
        phase: phase.into(),
        counted: Some(span(*counted)),
        sentence: segment.sentence(),
        ..of_kind(kind)
    }
}

/// The fields that go by the kind.
fn of_kind(kind: &Kind) -> proto::Segment {
    let kind_only = |kind: proto::SegmentKind| proto::Segment {
        kind: kind.into(),
        ..Default::default()
    };
    match kind {
        Kind::Always => kind_only(proto::SegmentKind::Counted),
        Kind::Open(schedule) => scheduled(proto::SegmentKind::Counted, schedule),
        Kind::Closed(schedule, special) => {
            let mut closed = scheduled(proto::SegmentKind::Closed, schedule);
            if let Some(special) = special {
                closed.special_date.clone_from(&special.date);
                closed.special_name.clone_from(&special.name);
                closed.special_source.clone_from(&special.source);
            }
            closed
        }
        Kind::Paused {
            reason,
            begun,
            ended,
        } => proto::Segment {
            reason: reason.code().to_owned(),
            begun_by: Some(event(begun)),
            ended_by: ended.as_ref().map(event),
            ..kind_only(proto::SegmentKind::Paused)
        },
        Kind::Solved { begun, ended } => proto::Segment {
            begun_by: Some(event(begun)),
            ended_by: Some(event(ended)),
            ..kind_only(proto::SegmentKind::Solved)
        },
        Kind::Inherited(cycle) => proto::Segment {
            cycle: cycle.unwrap_or(0),
            ..kind_only(proto::SegmentKind::Inherited)
        },
        Kind::Retargeted { old, new, cause } => proto::Segment {
            reason: cause
                .replan
                .map_or_else(String::new, |reason| reason.code().to_owned()),
            begun_by: Some(event(cause)),
            old_terms: Some(terms(old)),
            new_terms: Some(terms(new)),
            ..kind_only(proto::SegmentKind::Retargeted)
        },
    }
}

fn scheduled(kind: proto::SegmentKind, schedule: &Schedule) -> proto::Segment {
    let Schedule {
        id,
        version,
        shifts,
    } = schedule;
    let shift = |shift: &ClockChange| proto::ClockShift {
        at: Some(to_proto(shift.at)),
        offset_before_seconds: shift.offset_before,
        offset_after_seconds: shift.offset_after,
    };
    proto::Segment {
        kind: kind.into(),
        calendar_id: id.clone(),
        calendar_version: *version,
        clock_shifts: shifts.iter().map(shift).collect(),
        ..Default::default()
    }
}

fn event(cause: &Cause) -> proto::EventRef {
    proto::EventRef {
        event: cause.source.to_string(),
        what: cause.event.code(),
    }
}

fn terms(terms: &Terms) -> proto::Terms {
    let calendar = terms.calendar.as_ref();
    proto::Terms {
        target: Some(span(terms.target)),
        policy_id: terms.policy.id.clone(),
        policy_version: terms.policy.version,
        calendar_id: calendar.map_or_else(String::new, |calendar| calendar.id.clone()),
        calendar_version: calendar.map_or(0, |calendar| calendar.version),
    }
}

/// A condition that held.
pub(crate) fn condition(held: Held) -> proto::HeldCondition {
    let Held {
        condition,
        wanted,
        found,
    } = held;
    proto::HeldCondition {
        condition,
        wanted,
        found,
    }
}
