//! A spec that makes no calendar says everything that is wrong with it.

use lotse_calendar::{Calendar, Hours, Override, Shift, Spec, Weekday};

use crate::time;

fn shift(day: Weekday, from: &str, to: &str) -> Shift {
    Shift {
        day,
        from: time(from),
        to: time(to),
    }
}

fn spec(week: Vec<Shift>) -> Spec {
    Spec {
        zone: "UTC".to_owned(),
        version: 1,
        week,
        overrides: vec![],
    }
}

fn problems(spec: Spec) -> Vec<String> {
    let invalid = Calendar::new(spec).unwrap_err();
    invalid.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn all_problems_are_told_at_once() {
    let hours = |from, to| Hours {
        from: time(from),
        to: time(to),
    };
    let date = |hours| Override {
        date: "2026-12-24".parse().unwrap(),
        name: String::new(),
        hours,
    };
    let found = problems(Spec {
        zone: "Europe/Atlantis".to_owned(),
        week: vec![
            shift(Weekday::Monday, "09:00", "12:00"),
            shift(Weekday::Monday, "11:00", "13:00"),
            shift(Weekday::Tuesday, "08:00", "08:00"),
            shift(Weekday::Wednesday, "24:00", "06:00"),
        ],
        overrides: vec![
            date(vec![]),
            date(vec![hours("08:00", "10:00"), hours("09:00", "11:00")]),
        ],
        ..spec(vec![])
    });
    let expected = [
        r#"zone: "Europe/Atlantis" is not in the IANA time zone database"#,
        "week[2]: begins and ends at 08:00: write 00:00 to 24:00 for a whole day",
        "week[3].from: 24:00 is the end of the day, not its beginning",
        "week[1]: overlaps week[0]",
        "overrides[1].date: 2026-12-24 already stands in overrides[0]",
        "overrides[1].hours[1]: overlaps overrides[1].hours[0]",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_calendar_that_is_never_open_is_refused() {
    assert_eq!(
        problems(spec(vec![])),
        ["week: never open: nothing could ever become due"]
    );
}

#[test]
fn a_night_shift_into_the_next_shift_is_an_overlap() {
    let week = vec![
        shift(Weekday::Monday, "06:00", "14:00"),
        shift(Weekday::Sunday, "22:00", "06:01"),
    ];
    assert_eq!(problems(spec(week)), ["week[0]: overlaps week[1]"]);
}

#[test]
fn shifts_that_touch_are_fine() {
    let week = vec![
        shift(Weekday::Monday, "06:00", "14:00"),
        shift(Weekday::Monday, "14:00", "22:00"),
        shift(Weekday::Monday, "22:00", "06:00"),
        shift(Weekday::Tuesday, "06:00", "14:00"),
    ];
    assert!(Calendar::new(spec(week)).is_ok());
}
