//! Holidays from iCalendar files.

use lotse_calendar::{FILE_DATES, HolidayFile, MAX_FILE_DATES, Source};

/// A file of one calendar with these lines in it.
fn file(lines: &[&str]) -> HolidayFile {
    let inner = lines.join("\r\n");
    HolidayFile {
        name: "works".to_owned(),
        text: format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{inner}\r\nEND:VCALENDAR\r\n"),
    }
}

/// A file of one event.
fn event(lines: &[&str]) -> HolidayFile {
    file(&[&["BEGIN:VEVENT"], lines, &["END:VEVENT"]].concat())
}

fn dates(file: &HolidayFile) -> Vec<String> {
    let holidays = file.holidays().unwrap().holidays;
    holidays.iter().map(|day| day.date.to_string()).collect()
}

/// What is wrong, told together.
fn problems(file: &HolidayFile) -> Vec<String> {
    let problems = file.holidays().unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn an_event_of_one_day_closes_it_and_carries_its_name() {
    let file = event(&[
        "UID:1",
        "DTSTART;VALUE=DATE:20261225",
        "SUMMARY;LANGUAGE=en:Christmas Day\\, and a \\;very long\\\\ name that is",
        "  folded\\nwith more",
        "X-OWN:anything",
    ]);
    let found = file.holidays().unwrap();
    assert_eq!(found.holidays.len(), 1);
    assert_eq!(found.holidays[0].date.to_string(), "2026-12-25");
    assert_eq!(
        found.holidays[0].name,
        "Christmas Day, and a ;very long\\ name that is folded"
    );
    assert_eq!(found.holidays[0].source, Source::File("works".to_owned()));
    assert!(!found.goes_on);
}

#[test]
fn the_end_of_an_event_is_not_part_of_it_and_a_duration_is_as_long_as_it_says() {
    let end = event(&["DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261227"]);
    assert_eq!(dates(&end), ["2026-12-24", "2026-12-25", "2026-12-26"]);
    let days = event(&["DTSTART;VALUE=DATE:20261231", "DURATION:P2D"]);
    assert_eq!(dates(&days), ["2026-12-31", "2027-01-01"]);
    let week = event(&["DTSTART:20260223", "DURATION:P1W"]);
    assert_eq!(dates(&week).len(), 7);
    assert_eq!(dates(&week)[6], "2026-03-01");
}

#[test]
fn a_yearly_rule_goes_on_to_the_end_of_the_dates_that_are_taken() {
    let file = event(&["DTSTART;VALUE=DATE:19901003", "RRULE:FREQ=YEARLY"]);
    let found = file.holidays().unwrap();
    let years = FILE_DATES.end().year() - FILE_DATES.start().year() + 1;
    assert_eq!(found.holidays.len(), usize::try_from(years).unwrap());
    assert_eq!(found.holidays[0].date.to_string(), "2000-10-03");
    assert!(found.goes_on);
}

#[test]
fn rules_name_weekdays_month_days_counts_and_ends() {
    let starts = |start: &str, rule: &str| {
        let start = format!("DTSTART;VALUE=DATE:{start}");
        let file = event(&[&start, &format!("RRULE:{rule}")]);
        let found = file.holidays().unwrap();
        assert!(!found.goes_on, "{rule}");
        dates(&file).join(" ")
    };
    // Thanksgiving, Memorial Day, the Friday after Thanksgiving; from dateutil.
    let fourth = starts("20261126", "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;COUNT=3");
    assert_eq!(fourth, "2026-11-26 2027-11-25 2028-11-23");
    let last = starts(
        "20260525",
        "FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO;UNTIL=20280529",
    );
    assert_eq!(last, "2026-05-25 2027-05-31 2028-05-29");
    let after = starts(
        "20261127",
        "FREQ=YEARLY;BYMONTH=11;BYDAY=FR;BYMONTHDAY=23,24,25,26,27,28,29;COUNT=2",
    );
    assert_eq!(after, "2026-11-27 2027-11-26");
    let leap = starts("20240229", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=3");
    assert_eq!(leap, "2024-02-29 2028-02-29 2032-02-29");
    let month_end = starts("20260131", "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3");
    assert_eq!(month_end, "2026-01-31 2026-02-28 2026-03-31");
    let other_years = starts("20260101", "FREQ=YEARLY;INTERVAL=2;UNTIL=20300101T000000Z");
    assert_eq!(other_years, "2026-01-01 2028-01-01 2030-01-01");
}

#[test]
fn dates_are_added_and_taken_out_and_still_count() {
    let file = event(&[
        "DTSTART;VALUE=DATE:20260501",
        "RRULE:FREQ=YEARLY;COUNT=4",
        "EXDATE;VALUE=DATE:20270501,20280501",
        "RDATE;VALUE=DATE:20270502",
        "RDATE;VALUE=DATE:20280502",
    ]);
    let expected = ["2026-05-01", "2027-05-02", "2028-05-02", "2029-05-01"];
    assert_eq!(dates(&file), expected);
}

#[test]
fn an_event_with_a_recurrence_id_stands_for_one_of_its_master() {
    let moved = [
        "BEGIN:VEVENT",
        "UID:a",
        "DTSTART;VALUE=DATE:20260601",
        "RRULE:FREQ=YEARLY;COUNT=3",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "UID:a",
        "RECURRENCE-ID;VALUE=DATE:20270601",
        "DTSTART;VALUE=DATE:20270602",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "UID:a",
        "RECURRENCE-ID;VALUE=DATE:20280601",
        "DTSTART;VALUE=DATE:20280601",
        "STATUS:CANCELLED",
        "END:VEVENT",
    ];
    assert_eq!(dates(&file(&moved)), ["2026-06-01", "2027-06-02"]);
}

#[test]
fn cancelled_and_transparent_events_close_nothing() {
    let both = file(&[
        "BEGIN:VTIMEZONE",
        "TZID:X",
        "BEGIN:STANDARD",
        "DTSTART:19701025T030000",
        "END:STANDARD",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        "DTSTART;VALUE=DATE:20260601",
        "STATUS:CANCELLED",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "DTSTART;VALUE=DATE:20260602",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]);
    let told = "line 1: closes no date from 2000-01-01 to 2035-12-31: 2 events, 2 of them \
                cancelled or TRANSPARENT";
    assert_eq!(problems(&both), [told]);
    let and_one = both.text.replace("STATUS:CANCELLED", "STATUS:CONFIRMED");
    let and_one = HolidayFile {
        text: and_one,
        ..both
    };
    assert_eq!(dates(&and_one), ["2026-06-01"]);
}

#[test]
fn line_ends_case_and_a_byte_order_mark_do_not_matter() {
    let text = "\u{feff}begin:vcalendar\nbegin:vevent\ndtstart;value=date:2026\n\t0601\nend:vevent\n\nend:vcalendar";
    let file = HolidayFile {
        name: "works".to_owned(),
        text: text.to_owned(),
    };
    assert_eq!(dates(&file), ["2026-06-01"]);
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let start = "DTSTART;VALUE=DATE:20260601";
    let timed = "has a time: only events of whole days close dates; write an override for hours";
    // The event begins on line 3.
    for (lines, told) in [
        (&["SUMMARY:x"][..], "line 3: an event without DTSTART".to_owned()),
        (&["DTSTART:20260601T090000Z"], format!("line 4: DTSTART {timed}")),
        (
            &["DTSTART;TZID=Europe/Berlin:20260601T090000"],
            format!("line 4: DTSTART {timed}"),
        ),
        (
            &["DTSTART;VALUE=DATE:20260231"],
            "line 4: DTSTART: \"20260231\" is no date, YYYYMMDD".to_owned(),
        ),
        (
            &[start, "SUMMARY:a", " b", "DTEND;VALUE=DATE:20260601"],
            "line 7: DTEND: an event lasts 1 to 366 days".to_owned(),
        ),
        (
            &[start, "DURATION:PT8H"],
            "line 5: DURATION must be whole days, such as P2D, or weeks, such as P1W".to_owned(),
        ),
        (
            &[start, "DTEND:20260603", "DURATION:P2D"],
            "line 6: DURATION beside DTEND".to_owned(),
        ),
        (&[start, start], "line 5: a second DTSTART in one event".to_owned()),
        (&[start, "nonsense"], "line 5: no property: expected NAME:VALUE".to_owned()),
        (
            &[start, "RRULE:FREQ=HOURLY"],
            "line 5: RRULE: FREQ=HOURLY is not YEARLY, MONTHLY, WEEKLY or DAILY".to_owned(),
        ),
        (
            &[start, "RRULE:FREQ=YEARLY;BYHOUR=9"],
            "line 5: RRULE: BYHOUR in an event of whole days".to_owned(),
        ),
        (
            &[start, "RRULE:FREQ=YEARLY;COUNT=2;UNTIL=20270101"],
            "line 5: RRULE: COUNT beside UNTIL".to_owned(),
        ),
        (
            &[start, "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"],
            "line 5: RRULE does not yield DTSTART (2026-06-01); RFC 5545 leaves open what that means"
                .to_owned(),
        ),
        (
            &[start, "EXRULE:FREQ=YEARLY"],
            "line 5: EXRULE is no longer part of iCalendar: write EXDATE".to_owned(),
        ),
        (&[start, "EXDATE:20260601T000000"], format!("line 5: EXDATE {timed}")),
    ] {
        assert_eq!(problems(&event(lines)), [told], "{lines:?}");
    }
    let rule = problems(&event(&[start, "RRULE:BYMONTH=13"]));
    assert!(rule[0].starts_with("line 5: RRULE: "), "{rule:?}");
    let two = file(&[
        "BEGIN:VEVENT",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "DTSTART:2026",
        "END:VEVENT",
    ]);
    assert_eq!(problems(&two).len(), 2, "all events are looked at");
}

#[test]
fn a_file_that_is_no_calendar_is_told_where() {
    for (text, told) in [
        (
            "",
            "line 1: closes no date from 2000-01-01 to 2035-12-31: 0 events, 0 of them cancelled or TRANSPARENT",
        ),
        (
            "<html>",
            "line 1: an iCalendar file begins with BEGIN:VCALENDAR",
        ),
        (
            "BEGIN:VEVENT",
            "line 1: BEGIN:VEVENT outside of a VCALENDAR",
        ),
        (
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\n",
            "line 2: BEGIN:VEVENT has no END",
        ),
        (
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR",
            "line 3: END:VCALENDAR where BEGIN:VEVENT of line 2 is open",
        ),
        (
            "BEGIN:VCALENDAR\nEND:VCALENDAR\nEND:VCALENDAR",
            "line 3: END:VCALENDAR without a BEGIN",
        ),
    ] {
        let file = HolidayFile {
            name: "x".to_owned(),
            text: text.to_owned(),
        };
        assert_eq!(problems(&file), [told], "{text:?}");
    }
}

#[test]
fn a_file_cannot_keep_the_program_busy() {
    let daily = event(&["DTSTART;VALUE=DATE:20000101", "RRULE:FREQ=DAILY"]);
    let told = format!("line 3: the file closes more than {MAX_FILE_DATES} dates");
    assert_eq!(problems(&daily), [told]);
    let long = event(&["DTSTART;VALUE=DATE:16010101", "RRULE:FREQ=DAILY"]);
    let told = "line 5: RRULE has more than 40000 occurrences";
    assert_eq!(problems(&long), [told]);
    // A rule that never holds ends as well.
    let never = event(&[
        "DTSTART;VALUE=DATE:20260230",
        "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    ]);
    assert_eq!(problems(&never).len(), 1);
    let never = event(&[
        "DTSTART;VALUE=DATE:20260228",
        "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    ]);
    assert_eq!(problems(&never).len(), 1);
}
