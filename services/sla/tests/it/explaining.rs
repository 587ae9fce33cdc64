//! ExplainDeadline: the parts add up, and what is explained is what was stored.

use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_errors::ErrorReason;
use lotse_journal::{Body, Draft, Recorded};
use lotse_proto::common::v1::{Channel, ClockState, Priority, SlaMetric, TicketStatus};
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::{SegmentKind, SegmentPhase};
use lotse_proto::time::{duration_from_proto, from_proto, to_proto};
use lotse_testkit::TestDb;

use crate::suite::{MONDAY_NINE, Suite, migrations, policy, refusal, reply, status};

const HOUR: Duration = Duration::from_secs(3_600);

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
    if by_time || clock.state() == ClockState::Running && clock.due_at.is_some() {
        assert_eq!(until_due, millis(&clock.target), "{clock:?} {segments:#?}");
    }
    if clock.state() == ClockState::Running {
        let due = clock.due_at.as_ref().map(|due| from_proto(due).unwrap());
        let as_of = at(&explained.as_of);
        assert_eq!(place, Some(due.map_or(as_of, |due| due.max(as_of))));
    }
}

fn asked(clock_id: &str) -> proto::ExplainDeadlineRequest {
    proto::ExplainDeadlineRequest {
        clock_id: clock_id.to_owned(),
        ..Default::default()
    }
}

async fn explain(
    suite: &mut Suite,
    request: proto::ExplainDeadlineRequest,
) -> proto::ExplainDeadlineResponse {
    suite
        .client
        .explain_deadline(request)
        .await
        .unwrap()
        .into_inner()
}

/// Office hours in Berlin with a named day, and a promise of eight hours of them for mail.
async fn promise_hours(suite: &mut Suite) {
    let calendar = proto::Calendar {
        name: "office".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        preset: proto::CalendarPreset::BusinessHours.into(),
        overrides: vec![proto::DateOverride {
            date: "2026-03-03".to_owned(),
            name: "Harbour Day".to_owned(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let request = proto::PutCalendarRequest {
        calendar: Some(calendar),
        ..Default::default()
    };
    let calendar = suite
        .client
        .put_calendar(request)
        .await
        .unwrap()
        .into_inner()
        .calendar
        .unwrap();
    let mut policy = policy("mail", &[(SlaMetric::RequesterWait, 28_800)]);
    policy.targets[0].calendar_id = calendar.id;
    policy.conditions = Some(proto::PolicyConditions {
        channels: vec![Channel::Email.into(), Channel::Web.into()],
        ..Default::default()
    });
    let request = proto::PutPolicyRequest {
        policy: Some(policy),
        ..Default::default()
    };
    suite.client.put_policy(request).await.unwrap();
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_deadline_is_told_part_by_part_with_the_reason_of_each(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        promise_hours(&mut suite).await;
        // 10:00 in Berlin; closed at 17:00.
        let ticket = suite.ticket(Priority::Normal).await;
        suite.served.advance(HOUR).await;
        suite.emit(vec![Draft::ticket(&ticket, status(TicketStatus::Pending, "agt_1"))]).await;
        suite.served.advance(2 * HOUR).await;
        suite.emit(vec![Draft::ticket(&ticket, status(TicketStatus::Open, "agt_1"))]).await;
        suite.served.settle().await;
        let clock = suite.clocks(&ticket).await.remove(0);
        let explained = explain(&mut suite, asked(&clock.id)).await;
        add_up(&explained);
        let (pending, open) = {
            let (events, _) = suite.journal.read_key(&ticket, 0, 100).await.unwrap();
            let reference = |to| {
                let is = |event: &&Recorded| matches!(&event.body, Body::TicketStatusChanged(changed) if changed.to() == to);
                events.iter().find(is).unwrap().reference()
            };
            (reference(TicketStatus::Pending), reference(TicketStatus::Open))
        };
        let said: Vec<_> = explained.segments.iter().map(|segment| segment.sentence.clone()).collect();
        assert_eq!(said, [
            "Counted 1h: open hours, calendar version 1.".to_owned(),
            format!("Skipped 2h: waiting for the requester, since event {pending} (status_pending) until event {open} (status_open)."),
            "Will count 4h: open hours, calendar version 1.".to_owned(),
            "Will skip 7h: closed, calendar version 1.".to_owned(),
            "Will skip 24h: closed on 2026-03-03 for Harbour Day (override), calendar version 1.".to_owned(),
            "Will skip 9h: closed, calendar version 1.".to_owned(),
            "Will count 3h: open hours, calendar version 1.".to_owned(),
        ]);
        assert_eq!(explained.sentence, "Cycle 1 of requester_wait runs and is due at 2026-03-04T11:00:00Z; 1h of 8h are used.");
        let warnings: Vec<_> = explained.warnings.iter().map(|one| (one.percent, one.future)).collect();
        assert_eq!(warnings, [(50, true), (75, true), (90, true)]);
        let fit = explained.policy.unwrap();
        assert_eq!((fit.name.as_str(), fit.policy_version, fit.reason.as_str()), ("mail", 1, ""));
        let [held] = &fit.conditions[..] else { panic!("{:?}", fit.conditions) };
        assert_eq!((held.condition.as_str(), &held.found[..]), ("channels", &["email".to_owned()][..]));
        assert_eq!(held.wanted, ["email", "web"]);
    }

    async fn the_past_is_explained_as_it_was_known_then(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &[(SlaMetric::FirstReply, 3_600)]).await;
        let ticket = suite.ticket(Priority::Normal).await;
        let by_place = |as_of: Timestamp| proto::ExplainDeadlineRequest {
            ticket_id: ticket.clone(),
            metric: SlaMetric::FirstReply.into(),
            as_of: Some(to_proto(as_of)),
            ..Default::default()
        };
        suite.served.advance(2 * HOUR).await;
        let broken = suite.clock.now();
        // It was answered in time; the mail took its way.
        let early = MONDAY_NINE + HOUR / 2;
        suite.served.advance(HOUR).await;
        suite.emit(vec![Draft::ticket(&ticket, reply(early)).at(early)]).await;
        suite.served.settle().await;
        let then = explain(&mut suite, by_place(broken)).await;
        assert_eq!(then.clock.as_ref().unwrap().state(), ClockState::Breached);
        add_up(&then);
        let phases: Vec<_> = then.segments.iter().map(|segment| segment.phase()).collect();
        assert_eq!(phases, [SegmentPhase::Past, SegmentPhase::Overdue]);
        let now = suite.clock.now();
        let known = explain(&mut suite, by_place(now)).await;
        assert_eq!(known.clock.as_ref().unwrap().state(), ClockState::Met);
        add_up(&known);
        let quarter = explain(&mut suite, by_place(MONDAY_NINE + HOUR / 4)).await;
        assert_eq!(quarter.clock.unwrap().state(), ClockState::Running);
    }

    async fn pages_give_every_part_once_and_keep_their_instant(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        promise_hours(&mut suite).await;
        let ticket = suite.ticket(Priority::Normal).await;
        let clock = suite.clocks(&ticket).await.remove(0);
        let whole = explain(&mut suite, asked(&clock.id)).await;
        assert!(whole.segments.len() > 4);
        let mut request = proto::ExplainDeadlineRequest { page_size: 2, ..asked(&clock.id) };
        let mut segments = Vec::new();
        loop {
            let page = explain(&mut suite, request.clone()).await;
            assert_eq!((page.as_of, page.segment_count), (whole.as_of, whole.segment_count));
            segments.extend(page.segments);
            // Time goes on; the explanation does not.
            suite.served.advance(HOUR).await;
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(segments, whole.segments);
    }

    async fn what_is_wrong_with_a_question_is_told(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &[(SlaMetric::FirstReply, 3_600)]).await;
        let ticket = suite.ticket(Priority::Normal).await;
        let clock = suite.clocks(&ticket).await.remove(0).id;
        let other = lotse_ids::ClockId::generate(MONDAY_NINE).to_string();
        let tomorrow = Some(to_proto(MONDAY_NINE + 24 * HOUR));
        let before = Some(to_proto(MONDAY_NINE - HOUR));
        let both = proto::ExplainDeadlineRequest { cycle: 1, ..asked(&clock) };
        let nothing = proto::ExplainDeadlineRequest::default();
        let ahead = proto::ExplainDeadlineRequest { as_of: tomorrow, ..asked(&clock) };
        let unborn = proto::ExplainDeadlineRequest { as_of: before, ..asked(&clock) };
        for (request, reason, fields) in [
            (both, ErrorReason::InvalidField, &["clock_id"][..]),
            (nothing, ErrorReason::InvalidField, &["ticket_id", "metric"]),
            (ahead, ErrorReason::InvalidField, &["as_of"]),
            (unborn, ErrorReason::ResourceNotFound, &[]),
            (asked(&other), ErrorReason::ResourceNotFound, &[]),
        ] {
            let status = suite.client.explain_deadline(request).await.unwrap_err();
            let (found, wrong) = refusal(&status);
            assert_eq!((found, wrong.iter().map(String::as_str).collect::<Vec<_>>()), (reason, fields.to_vec()));
        }
    }
}
