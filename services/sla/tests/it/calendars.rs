//! Calendars with holidays, and changes that are planned.

use std::time::Duration;

use lotse_errors::ErrorReason;
use lotse_proto::common::v1::{Priority, SlaMetric};
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::PutOutcome;
use lotse_proto::time::to_proto;
use lotse_testkit::TestDb;
use tonic::Status;

use crate::suite::{MONDAY_NINE, Suite, migrations, policy, refusal};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

async fn put_at(
    suite: &mut Suite,
    calendar: proto::Calendar,
    effective_at: Option<prost_types::Timestamp>,
) -> Result<(proto::Calendar, PutOutcome), Status> {
    let request = proto::PutCalendarRequest {
        calendar: Some(calendar),
        effective_at,
        ..Default::default()
    };
    let put = suite.client.put_calendar(request).await?.into_inner();
    let outcome = put.outcome();
    Ok((put.calendar.unwrap(), outcome))
}

async fn put(
    suite: &mut Suite,
    calendar: proto::Calendar,
) -> Result<(proto::Calendar, PutOutcome), Status> {
    put_at(suite, calendar, None).await
}

/// Monday to Friday in UTC, open as given.
fn office(opens: &str, closes: &str) -> proto::Calendar {
    let day = |weekday| proto::WeeklyInterval {
        weekday,
        opens: opens.to_owned(),
        closes: closes.to_owned(),
    };
    proto::Calendar {
        name: "office".to_owned(),
        time_zone: "UTC".to_owned(),
        weekly: (1..=5).map(day).collect(),
        ..Default::default()
    }
}

fn file(name: &str, events: &[&str]) -> proto::HolidayFile {
    let event = |lines: &&str| format!("BEGIN:VEVENT\r\n{lines}\r\nEND:VEVENT\r\n");
    let events: String = events.iter().map(event).collect();
    proto::HolidayFile {
        name: name.to_owned(),
        text: format!("BEGIN:VCALENDAR\r\n{events}END:VCALENDAR\r\n"),
    }
}

fn region(country: &str, subdivision: &str) -> proto::HolidayRegion {
    proto::HolidayRegion {
        country: country.to_owned(),
        subdivision: subdivision.to_owned(),
    }
}

/// The office with a half day of its own, a works holiday and Bavaria's public holidays.
fn with_holidays() -> proto::Calendar {
    let eve = proto::DateOverride {
        date: "2026-12-24".to_owned(),
        intervals: vec![proto::DayInterval {
            opens: "09:00".to_owned(),
            closes: "12:00".to_owned(),
        }],
        name: "Christmas Eve".to_owned(),
    };
    let works = [
        "DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261226\r\nSUMMARY:Closed",
        "DTSTART;VALUE=DATE:20261231\r\nSUMMARY:Stocktaking",
    ];
    proto::Calendar {
        overrides: vec![eve],
        holiday_files: vec![file("works", &works)],
        holiday_regions: vec![region("DE", "BY")],
        ..office("09:00", "17:00")
    }
}

/// A page as text, a line a day.
fn told(days: &[proto::SpecialDay]) -> Vec<String> {
    let line = |day: &proto::SpecialDay| {
        let source = day
            .source()
            .as_str_name()
            .trim_start_matches("SPECIAL_DAY_SOURCE_");
        let hours = day.intervals.len();
        format!(
            "{} {} ({source} {}) {hours} v{}",
            day.date, day.name, day.origin, day.calendar_version
        )
    };
    days.iter().map(line).collect()
}

async fn december(suite: &mut Suite, page_size: i32) -> Vec<String> {
    let mut request = proto::ListSpecialDaysRequest {
        id: "office".to_owned(),
        from_date: "2026-12-01".to_owned(),
        to_date: "2027-01-01".to_owned(),
        page_size,
        ..Default::default()
    };
    let mut all = Vec::new();
    loop {
        let page = suite
            .client
            .list_special_days(request.clone())
            .await
            .unwrap()
            .into_inner();
        all.extend(told(&page.special_days));
        if page.next_page_token.is_empty() {
            return all;
        }
        request.page_token = page.next_page_token;
    }
}

/// When the only clock of a ticket is due, in hours after Monday 09:00, and on which version.
async fn due(suite: &mut Suite, ticket: &str) -> (i64, u32) {
    let clock = suite.clocks(ticket).await.remove(0);
    let due = lotse_proto::time::from_proto(&clock.due_at.unwrap()).unwrap();
    (
        due.millis_since(MONDAY_NINE) / 3_600_000,
        clock.calendar_version,
    )
}

async fn promise_two_hours(suite: &mut Suite) {
    let mut two_hours = policy("two hours", &[(SlaMetric::FirstReply, 7_200)]);
    two_hours.targets[0].calendar_id = "office".to_owned();
    let request = proto::PutPolicyRequest {
        policy: Some(two_hours),
        ..Default::default()
    };
    suite.client.put_policy(request).await.unwrap();
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn holidays_are_answered_as_they_were_put_and_shown_as_they_count(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let (first, outcome) = put(&mut suite, with_holidays()).await.unwrap();
        assert_eq!(outcome, PutOutcome::Created);
        assert_eq!(first.holiday_files, with_holidays().holiday_files);
        assert_eq!(first.holiday_regions, with_holidays().holiday_regions);
        assert_eq!(first.holidays_until, "2035-12-31");
        for same in [first.clone(), with_holidays()] {
            let (again, outcome) = put(&mut suite, same).await.unwrap();
            assert_eq!((&again, outcome), (&first, PutOutcome::Unchanged));
        }
        let expected = [
            "2026-12-24 Christmas Eve (OVERRIDE ) 1 v1",
            "2026-12-25 Closed (FILE works) 0 v1",
            "2026-12-26 Second Day of Christmas (REGION DE-BY) 0 v1",
            "2026-12-31 Stocktaking (FILE works) 0 v1",
            "2027-01-01 New Year's Day (REGION DE-BY) 0 v1",
        ];
        assert_eq!(december(&mut suite, 0).await, expected);
        assert_eq!(december(&mut suite, 1).await, expected);
    }

    async fn a_holiday_is_not_counted(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let tuesday = ["DTSTART;VALUE=DATE:20260303\r\nSUMMARY:Tuesday off"];
        let office = proto::Calendar {
            holiday_files: vec![file("works", &tuesday)],
            ..office("09:00", "10:00")
        };
        put(&mut suite, office).await.unwrap();
        promise_two_hours(&mut suite).await;
        let ticket = suite.ticket(Priority::Normal).await;
        assert_eq!(due(&mut suite, &ticket).await, (49, 1), "Wednesday at ten");
    }

    async fn all_that_is_wrong_with_holidays_is_told_at_once(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let wrong = proto::Calendar {
            holiday_files: vec![
                file("works", &["DTSTART:20260303T090000Z", "SUMMARY:no start"]),
                file("works", &["DTSTART;VALUE=DATE:20260303"]),
                file("", &["DTSTART;VALUE=DATE:20260303\r\nTRANSP:TRANSPARENT"]),
            ],
            holiday_regions: vec![region("Bavaria", ""), region("DE", "Bavaria")],
            ..office("09:00", "17:00")
        };
        let refused = put(&mut suite, wrong).await.unwrap_err();
        assert_eq!(refusal(&refused).1, [
            "calendar.holiday_files[1].name",
            "calendar.holiday_files[2].name",
            "calendar.holiday_files[0].text",
            "calendar.holiday_files[0].text",
            "calendar.holiday_files[2].text",
            "calendar.holiday_regions[0].country",
            "calendar.holiday_regions[1].subdivision",
        ]);
        let described = format!("{refused:?}");
        for text in ["line 3: DTSTART has a time", "line 5: an event without DTSTART"] {
            assert!(described.contains(text), "{text}: {described}");
        }
        let large = proto::HolidayFile {
            name: "large".to_owned(),
            text: " ".repeat(256 * 1024 + 1),
        };
        let large = proto::Calendar { holiday_files: vec![large], ..office("09:00", "17:00") };
        let refused = put(&mut suite, large).await.unwrap_err();
        assert_eq!(refusal(&refused).1, ["calendar.holiday_files"]);
    }

    async fn a_calendar_that_is_closed_for_five_years_is_refused(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let closed = ["DTSTART;VALUE=DATE:20280101\r\nRRULE:FREQ=DAILY;UNTIL=20330101"];
        let office = proto::Calendar {
            holiday_files: vec![file("works", &closed)],
            ..office("09:00", "17:00")
        };
        let refused = put(&mut suite, office).await.unwrap_err();
        assert_eq!(refusal(&refused), (ErrorReason::InvalidField, vec!["calendar".to_owned()]));
    }

    async fn a_planned_change_counts_from_its_instant_on(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE + 7 * HOUR).await else { return };
        put(&mut suite, office("09:00", "17:00")).await.unwrap();
        promise_two_hours(&mut suite).await;
        let before = suite.ticket(Priority::Normal).await;
        let midnight = MONDAY_NINE + 15 * HOUR;
        let shorter = office("12:00", "17:00");
        let planned = put_at(&mut suite, shorter, Some(to_proto(midnight))).await.unwrap();
        assert_eq!((planned.0.version, planned.1), (2, PutOutcome::Updated));
        assert_eq!(planned.0.effective_at, Some(to_proto(midnight)));
        let after = suite.ticket(Priority::Normal).await;
        assert_eq!(due(&mut suite, &before).await, (25, 1), "Tuesday at ten, as it was promised");
        assert_eq!(due(&mut suite, &after).await, (28, 2), "an hour today, the other from noon on");
    }

    async fn a_change_is_planned_replaced_and_never_past(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let (first, _) = put(&mut suite, office("09:00", "17:00")).await.unwrap();
        assert_eq!(first.effective_at, None, "a first version counts for all time");
        let later = office("10:00", "17:00");
        let tomorrow = Some(to_proto(MONDAY_NINE + DAY));
        for wrong in [MONDAY_NINE - HOUR, MONDAY_NINE + 6 * 365 * DAY] {
            let refused = put_at(&mut suite, later.clone(), Some(to_proto(wrong))).await;
            assert_eq!(refusal(&refused.unwrap_err()).1, ["effective_at"]);
        }
        let mut finer = tomorrow;
        finer.as_mut().unwrap().nanos = 1;
        let refused = put_at(&mut suite, later.clone(), finer).await.unwrap_err();
        assert_eq!(refusal(&refused).1, ["effective_at"]);

        let (planned, outcome) = put_at(&mut suite, later.clone(), tomorrow).await.unwrap();
        assert_eq!((planned.version, outcome), (2, PutOutcome::Updated));
        let (_, outcome) = put_at(&mut suite, later.clone(), tomorrow).await.unwrap();
        assert_eq!(outcome, PutOutcome::Unchanged);
        // Two days on it is in effect, and asking for it changes nothing, with or without the day.
        suite.clock.set(MONDAY_NINE + 2 * DAY).unwrap();
        for at in [None, tomorrow] {
            let (_, outcome) = put_at(&mut suite, later.clone(), at).await.unwrap();
            assert_eq!(outcome, PutOutcome::Unchanged, "{at:?}");
        }
        let friday = Some(to_proto(MONDAY_NINE + 4 * DAY));
        let earlier = office("09:00", "17:00");
        let (moved, outcome) = put_at(&mut suite, earlier, friday).await.unwrap();
        assert_eq!((moved.version, outcome), (3, PutOutcome::Updated));
        // Put for now, what was planned for Friday is wanted no more.
        let (now, outcome) = put(&mut suite, later).await.unwrap();
        assert_eq!((now.version, outcome), (4, PutOutcome::Updated));
        assert_eq!(now.effective_at, Some(to_proto(suite.clock.now())));
    }

    async fn special_days_are_those_of_the_version_that_counts(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let day = |date: &str, name: &str| proto::DateOverride {
            date: date.to_owned(),
            name: name.to_owned(),
            ..Default::default()
        };
        let with = |overrides| proto::Calendar { overrides, ..office("09:00", "17:00") };
        let old = with(vec![day("2026-03-03", "old"), day("2026-03-05", "old")]);
        let new = with(vec![day("2026-03-03", "new"), day("2026-03-05", "new")]);
        put(&mut suite, old).await.unwrap();
        let wednesday = Some(to_proto(MONDAY_NINE + 2 * DAY));
        put_at(&mut suite, new, wednesday).await.unwrap();
        let mut request = proto::ListSpecialDaysRequest {
            id: "office".to_owned(),
            ..Default::default()
        };
        let days = suite.client.list_special_days(request.clone()).await.unwrap().into_inner();
        let expected = [
            "2026-03-03 old (OVERRIDE ) 0 v1",
            "2026-03-05 new (OVERRIDE ) 0 v2",
        ];
        assert_eq!(told(&days.special_days), expected);
        request.version = 1;
        let days = suite.client.list_special_days(request.clone()).await.unwrap().into_inner();
        assert_eq!(days.special_days[1].name, "old");

        request.from_date = "3 March".to_owned();
        let refused = suite.client.list_special_days(request.clone()).await.unwrap_err();
        assert_eq!(refusal(&refused).1, ["from_date"]);
        (request.from_date, request.to_date) = ("2026-03-03".to_owned(), "2026-03-02".to_owned());
        let refused = suite.client.list_special_days(request.clone()).await.unwrap_err();
        assert_eq!(refusal(&refused).1, ["to_date"]);
        request.version = 3;
        let refused = suite.client.list_special_days(request).await.unwrap_err();
        assert_eq!(refusal(&refused).0, ErrorReason::ResourceNotFound);
    }

    async fn a_page_of_large_files_ends_early(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let comment = format!("DTSTART;VALUE=DATE:20260601\r\nCOMMENT:{}", "x".repeat(250_000));
        for index in 0..6 {
            let large = proto::Calendar {
                name: format!("office {index}"),
                holiday_files: vec![file("works", &[&comment])],
                ..office("09:00", "17:00")
            };
            put(&mut suite, large).await.unwrap();
        }
        let mut request = proto::ListCalendarsRequest::default();
        let mut pages = Vec::new();
        loop {
            let page = suite.client.list_calendars(request.clone()).await.unwrap().into_inner();
            pages.push(page.calendars.len());
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(pages, [4, 2]);
    }
}
