//! ExplainDeadline: the parts add up, and what is explained is what was stored.

use lotse_clock::Timestamp;
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::{SegmentKind, SegmentPhase};
use lotse_proto::time::{duration_from_proto, from_proto, to_proto};

use crate::suite::Suite;

/// What a clock was at an instant.
pub(crate) struct Seen {
    at: Timestamp,
    clocks: Vec<proto::Clock>,
}

/// Looks at the clocks of these tickets now.
pub(crate) async fn look(suite: &mut Suite, tickets: &[String], seen: &mut Vec<Seen>) {
    let at = suite.clock.now();
    let mut clocks = Vec::new();
    for ticket in tickets {
        clocks.extend(suite.clocks(ticket).await);
    }
    // Of what happens in one instant only the end can be seen.
    seen.retain(|earlier| earlier.at != at);
    seen.push(Seen { at, clocks });
}

/// Every clock is explained as of each instant at which it was seen: as it was then.
pub(crate) async fn check(suite: &mut Suite, seen: &[Seen]) {
    for Seen { at, clocks } in seen {
        for clock in clocks {
            let request = proto::ExplainDeadlineRequest {
                clock_id: clock.id.clone(),
                as_of: Some(to_proto(*at)),
                ..Default::default()
            };
            let explained = suite.client.explain_deadline(request).await.unwrap();
            let explained = explained.into_inner();
            assert_eq!(explained.clock.as_ref(), Some(clock), "as of {at}");
            add_up(&explained);
        }
    }
}

/// The parts are without gap or overlap and add up.
pub(crate) fn add_up(explained: &proto::ExplainDeadlineResponse) {
    let clock = explained.clock.as_ref().unwrap();
    let segments = &explained.segments;
    assert_eq!(
        segments.len(),
        explained.segment_count as usize,
        "a single page"
    );
    let at = |at: &Option<prost_types::Timestamp>| from_proto(at.as_ref().unwrap()).unwrap();
    let millis = |span: &Option<prost_types::Duration>| {
        duration_from_proto(span.as_ref().unwrap())
            .unwrap()
            .as_millis()
    };
    let mut place = segments.first().map(|first| at(&first.start_time));
    let (mut consumed, mut until_due) = (0, 0);
    for segment in segments {
        let (start, end) = (at(&segment.start_time), at(&segment.end_time));
        assert_eq!(Some(start), place, "{segments:#?}");
        place = Some(end);
        let counted = millis(&segment.counted);
        match segment.kind() {
            SegmentKind::Counted => assert_eq!(counted, end.since(start).as_millis()),
            SegmentKind::Inherited => {}
            _ => assert_eq!(counted, 0),
        }
        assert!(!segment.sentence.is_empty());
        if segment.phase() != SegmentPhase::Future {
            consumed += counted;
        }
        if segment.phase() != SegmentPhase::Overdue {
            until_due += counted;
        }
    }
    let began = segments
        .iter()
        .find(|segment| !matches!(segment.kind(), SegmentKind::Inherited | SegmentKind::Solved));
    if let Some(began) = began {
        assert_eq!(began.start_time, clock.started_at);
    }
    assert_eq!(consumed, millis(&clock.consumed), "{clock:?} {segments:#?}");
    // Broken by time alone, or due in time to come.
    let by_time = clock.reason.is_empty() && clock.breached_at.is_some();
    if by_time
        || clock.state() == lotse_proto::common::v1::ClockState::Running && clock.due_at.is_some()
    {
        assert_eq!(until_due, millis(&clock.target), "{clock:?} {segments:#?}");
    }
    if clock.state() == lotse_proto::common::v1::ClockState::Running {
        let due = clock.due_at.as_ref().map(|due| from_proto(due).unwrap());
        let as_of = at(&explained.as_of);
        assert_eq!(place, Some(due.map_or(as_of, |due| due.max(as_of))));
    }
}
