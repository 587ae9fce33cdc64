//! Policies and calendars, as an admin puts them.

use lotse_errors::ErrorReason;
use lotse_journal::Body;
use lotse_proto::common::v1::{AuthorKind, Channel, Priority, SlaMetric};
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::PutOutcome;
use lotse_testkit::TestDb;
use tonic::{Code, Status};

use crate::suite::{MONDAY_NINE, Suite, migrations, policy, refusal};

const TARGETS: [(SlaMetric, u64); 1] = [(SlaMetric::FirstReply, 7_200)];

async fn put(
    suite: &mut Suite,
    policy: proto::Policy,
) -> Result<(proto::Policy, PutOutcome), Status> {
    let request = proto::PutPolicyRequest {
        policy: Some(policy),
        request_id: String::new(),
        ..Default::default()
    };
    let put = suite.client.put_policy(request).await?.into_inner();
    let outcome = put.outcome();
    Ok((put.policy.unwrap(), outcome))
}

async fn put_calendar(
    suite: &mut Suite,
    calendar: proto::Calendar,
) -> Result<(proto::Calendar, PutOutcome), Status> {
    let request = proto::PutCalendarRequest {
        calendar: Some(calendar),
        ..Default::default()
    };
    let put = suite.client.put_calendar(request).await?.into_inner();
    let outcome = put.outcome();
    Ok((put.calendar.unwrap(), outcome))
}

fn calendar(name: &str, preset: proto::CalendarPreset) -> proto::Calendar {
    proto::Calendar {
        name: name.to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        preset: preset.into(),
        ..Default::default()
    }
}

fn fields(list: &[&str]) -> Vec<String> {
    list.iter().map(|field| (*field).to_owned()).collect()
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_policy_is_versioned_and_putting_it_again_changes_nothing(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let (first, outcome) = put(&mut suite, policy("gold", &TARGETS)).await.unwrap();
        assert_eq!((first.version, outcome), (1, PutOutcome::Created));
        assert_eq!(first.warn_percents, [50, 75, 90]);
        assert_eq!(first.reply_authors, [i32::from(AuthorKind::Human)]);
        assert_eq!(first.ends_at(), proto::ResolutionEnd::Solved);
        // As it was answered, and as it was put.
        for same in [first.clone(), policy("gold", &TARGETS)] {
            let (again, outcome) = put(&mut suite, same).await.unwrap();
            assert_eq!((&again, outcome), (&first, PutOutcome::Unchanged));
        }
        let renamed = proto::Policy { name: "silver".to_owned(), position: 3, ..first.clone() };
        let (second, outcome) = put(&mut suite, renamed.clone()).await.unwrap();
        assert_eq!((second.version, outcome), (2, PutOutcome::Updated));
        assert_eq!(second.id, first.id);
        let stale = proto::Policy { position: 4, ..renamed };
        let refused = put(&mut suite, stale).await.unwrap_err();
        assert_eq!(refusal(&refused).0, ErrorReason::StaleEtag);

        let get = |id: &str, version| proto::GetPolicyRequest { id: id.to_owned(), version };
        let old = suite.client.get_policy(get("silver", 1)).await.unwrap().into_inner();
        assert_eq!(old.policy.unwrap().name, "gold");
        let now = suite.client.get_policy(get(&first.id, 0)).await.unwrap().into_inner();
        assert_eq!(now.policy, Some(second));
        for missing in [get("gold", 0), get("silver", 3)] {
            let refused = suite.client.get_policy(missing).await.unwrap_err();
            assert_eq!(refusal(&refused).0, ErrorReason::ResourceNotFound);
        }
        let events = suite.journal.start().await.unwrap();
        let events = suite.journal.read_feed(&events, 100).await.unwrap().events;
        let versions: Vec<_> = events
            .iter()
            .filter_map(|event| match &event.body {
                Body::ConfigurationChanged(changed) => Some((changed.kind.as_str(), changed.version)),
                _ => None,
            })
            .collect();
        assert_eq!(versions, [("policy", 1), ("policy", 2)]);
    }

    async fn all_that_is_wrong_with_a_policy_is_told_at_once(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        put(&mut suite, policy("taken", &TARGETS)).await.unwrap();
        let (own, _) = put(&mut suite, policy("own", &TARGETS)).await.unwrap();
        let once = proto::Calendar {
            weekly: vec![],
            overrides: vec![proto::DateOverride {
                date: "2026-03-03".to_owned(),
                intervals: vec![proto::DayInterval {
                    opens: "09:00".to_owned(),
                    closes: "10:00".to_owned(),
                }],
                name: String::new(),
            }],
            ..calendar("once", proto::CalendarPreset::BusinessHours)
        };
        put_calendar(&mut suite, once).await.unwrap();
        let target = |metric: SlaMetric, seconds, calendar: &str| proto::Target {
            metric: metric.into(),
            target: Some(prost_types::Duration { seconds, nanos: 0 }),
            calendar_id: calendar.to_owned(),
            ..Default::default()
        };
        let wrong = proto::Policy {
            id: own.id.clone(),
            name: "taken".to_owned(),
            position: 1_000_001,
            conditions: Some(proto::PolicyConditions {
                priorities: vec![0],
                channels: vec![Channel::Email.into(), 99],
                tags: vec![String::new()],
                languages: vec!["de_AT".to_owned()],
                attributes: vec![proto::AttributeCondition {
                    key: "Site".to_owned(),
                    values: vec![],
                }],
                group_ids: vec!["desk".to_owned()],
                ..Default::default()
            }),
            targets: vec![
                target(SlaMetric::FirstReply, 14, ""),
                target(SlaMetric::NextReply, 60, "nowhere"),
                // Eight open hours a day: five years have not enough of them.
                target(SlaMetric::TotalResolution, 11_000 * 3_600, "once"),
                proto::Target { priority: 17, ..Default::default() },
                target(SlaMetric::Idle, 60, ""),
                target(SlaMetric::Idle, 90, ""),
            ],
            warn_percents: vec![50, 100],
            ends_at: 9,
            reply_authors: vec![AuthorKind::Requester.into()],
            ..Default::default()
        };
        let refused = put(&mut suite, wrong).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let (reason, found) = refusal(&refused);
        assert_eq!(reason, ErrorReason::InvalidField);
        assert_eq!(found, fields(&[
            "policy.position",
            "policy.conditions.priorities[0]",
            "policy.conditions.channels[1]",
            "policy.conditions.tags[0]",
            "policy.conditions.languages[0]",
            "policy.conditions.attributes[0].key",
            "policy.conditions.attributes[0].values",
            "policy.conditions.group_ids[0]",
            "policy.targets[0].target",
            "policy.targets[1].calendar_id",
            "policy.targets[2].target",
            "policy.targets[3].metric",
            "policy.targets[3].priority",
            "policy.targets[3].target",
            "policy.targets[5]",
            "policy.warn_percents",
            "policy.ends_at",
            "policy.reply_authors",
            "policy.name",
        ]));

        let taken = proto::Policy { id: own.id, ..policy("taken", &TARGETS) };
        let refused = put(&mut suite, taken).await.unwrap_err();
        assert_eq!(refusal(&refused).0, ErrorReason::ResourceExists);
        for name in ["", "pol_1"] {
            let refused = put(&mut suite, policy(name, &TARGETS)).await.unwrap_err();
            assert_eq!(refusal(&refused).1, ["policy.name"], "{name:?}");
        }
        let refused = put(&mut suite, policy("none", &[])).await.unwrap_err();
        assert_eq!(refusal(&refused).1, ["policy.targets"]);
        let absent = proto::PutPolicyRequest::default();
        let refused = suite.client.put_policy(absent).await.unwrap_err();
        assert_eq!(refusal(&refused).1, ["policy"]);
        let unknown = proto::Policy { id: "pol_none".to_owned(), ..policy("x", &TARGETS) };
        let refused = put(&mut suite, unknown).await.unwrap_err();
        assert_eq!(refusal(&refused).0, ErrorReason::ResourceNotFound);
    }

    async fn a_repeated_request_is_answered_the_same(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let request = |name: &str| proto::PutPolicyRequest {
            policy: Some(policy(name, &TARGETS)),
            request_id: "r-1".to_owned(),
            ..Default::default()
        };
        let first = suite.client.put_policy(request("gold")).await.unwrap().into_inner();
        let again = suite.client.put_policy(request("gold")).await.unwrap().into_inner();
        assert_eq!(first, again, "created, both times");
        let refused = suite.client.put_policy(request("silver")).await.unwrap_err();
        assert_eq!(refusal(&refused).0, ErrorReason::RequestIdReused);
        assert_eq!(refused.code(), Code::AlreadyExists);
    }

    async fn policies_are_listed_in_the_order_in_which_they_are_tried(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        for (name, position) in [("c", 1), ("a", 10), ("b", 9), ("d", 1)] {
            let policy = proto::Policy { position, ..policy(name, &TARGETS) };
            put(&mut suite, policy).await.unwrap();
        }
        let mut request = proto::ListPoliciesRequest { page_size: 3, ..Default::default() };
        let mut names = Vec::new();
        loop {
            let page = suite.client.list_policies(request.clone()).await.unwrap().into_inner();
            names.extend(page.policies.into_iter().map(|policy| policy.name));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(names, ["c", "d", "b", "a"]);
    }

    async fn the_first_policy_that_fits_wins(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let urgent = proto::Policy {
            position: 1,
            conditions: Some(proto::PolicyConditions {
                priorities: vec![Priority::Urgent.into()],
                ..Default::default()
            }),
            ..policy("urgent", &[(SlaMetric::FirstReply, 900)])
        };
        let (urgent, _) = put(&mut suite, urgent).await.unwrap();
        let others = proto::Policy { position: 2, ..policy("others", &TARGETS) };
        let (others, _) = put(&mut suite, others).await.unwrap();
        for (priority, expected) in [(Priority::Urgent, &urgent), (Priority::Low, &others)] {
            let ticket = suite.ticket(priority).await;
            assert_eq!(suite.clocks(&ticket).await[0].policy_id, expected.id);
        }
        // A policy put between two tickets holds for the second: nothing stale is kept in memory.
        let first = proto::Policy { position: 0, ..policy("first", &[(SlaMetric::Idle, 60)]) };
        let (first, _) = put(&mut suite, first).await.unwrap();
        let ticket = suite.ticket(Priority::Urgent).await;
        assert_eq!(suite.clocks(&ticket).await[0].policy_id, first.id);
    }

    async fn a_calendar_is_answered_as_it_was_put(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let office = calendar("office", proto::CalendarPreset::BusinessHours);
        let (first, outcome) = put_calendar(&mut suite, office.clone()).await.unwrap();
        assert_eq!((first.version, outcome), (1, PutOutcome::Created));
        assert_eq!(first.weekly.len(), 5);
        assert_eq!(first.weekly[0].opens, "09:00");
        for same in [first.clone(), office] {
            let (_, outcome) = put_calendar(&mut suite, same).await.unwrap();
            assert_eq!(outcome, PutOutcome::Unchanged);
        }
        let eve = proto::DateOverride {
            date: "2026-12-24".to_owned(),
            intervals: vec![],
            name: "Christmas Eve".to_owned(),
        };
        let closed = proto::Calendar { overrides: vec![eve.clone()], ..first.clone() };
        let (second, outcome) = put_calendar(&mut suite, closed).await.unwrap();
        assert_eq!((second.version, outcome), (2, PutOutcome::Updated));
        assert_eq!(second.overrides, [eve]);
        let get = proto::GetCalendarRequest { id: "office".to_owned(), version: 1 };
        let got = suite.client.get_calendar(get).await.unwrap().into_inner().calendar.unwrap();
        assert_eq!(got.weekly, first.weekly);
        assert_eq!(got.overrides, []);
        put_calendar(&mut suite, calendar("always", proto::CalendarPreset::Always)).await.unwrap();
        let list = proto::ListCalendarsRequest { page_size: 1, ..Default::default() };
        let one = suite.client.list_calendars(list).await.unwrap().into_inner();
        assert_eq!(one.calendars[0].name, "always");
        let list = proto::ListCalendarsRequest { page_token: one.next_page_token, page_size: 0 };
        let rest = suite.client.list_calendars(list).await.unwrap().into_inner();
        assert_eq!((rest.calendars, rest.next_page_token), (vec![second], String::new()));
    }

    async fn all_that_is_wrong_with_a_calendar_is_told_at_once(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let interval = |weekday, opens: &str, closes: &str| proto::WeeklyInterval {
            weekday,
            opens: opens.to_owned(),
            closes: closes.to_owned(),
        };
        let wrong = proto::Calendar {
            name: "cal_x".to_owned(),
            weekly: vec![interval(0, "9", "17:00"), interval(1, "09:00", "25:00")],
            overrides: vec![proto::DateOverride {
                date: "2026-13-01".to_owned(),
                intervals: vec![proto::DayInterval::default()],
                name: String::new(),
            }],
            ..calendar("", proto::CalendarPreset::Unspecified)
        };
        let refused = put_calendar(&mut suite, wrong).await.unwrap_err();
        assert_eq!(refusal(&refused).1, fields(&[
            "calendar.name",
            "calendar.weekly[0].weekday",
            "calendar.weekly[0].opens",
            "calendar.weekly[1].closes",
            "calendar.overrides[0].date",
            "calendar.overrides[0].intervals[0].opens",
            "calendar.overrides[0].intervals[0].closes",
        ]));
        let overlapping = proto::Calendar {
            time_zone: "Europe/Nowhere".to_owned(),
            weekly: vec![interval(1, "09:00", "12:00"), interval(1, "11:00", "13:00")],
            ..calendar("office", proto::CalendarPreset::Unspecified)
        };
        let refused = put_calendar(&mut suite, overlapping).await.unwrap_err();
        assert_eq!(
            refusal(&refused).1,
            fields(&["calendar.time_zone", "calendar.weekly[1]"])
        );
        let never = calendar("never", proto::CalendarPreset::Unspecified);
        let refused = put_calendar(&mut suite, never).await.unwrap_err();
        assert_eq!(refusal(&refused).1, ["calendar.weekly"]);
    }

    async fn hours_that_would_break_a_policy_are_refused(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let always = calendar("hours", proto::CalendarPreset::Always);
        let (always, _) = put_calendar(&mut suite, always).await.unwrap();
        let mut year = policy("year", &[(SlaMetric::TotalResolution, 4 * 365 * 86_400)]);
        year.targets[0].calendar_id = "hours".to_owned();
        let (year, _) = put(&mut suite, year).await.unwrap();
        assert_eq!(year.targets[0].calendar_id, always.id, "a name is answered as the id");
        let fewer = calendar("hours", proto::CalendarPreset::BusinessHours);
        let refused = put_calendar(&mut suite, fewer).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(refusal(&refused).0, ErrorReason::ResourceInUse);
    }
}
