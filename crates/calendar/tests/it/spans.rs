//! What an explanation is told. 2026-03-02 is a Monday.

use lotse_calendar::{
    Because, Calendar, Holiday, Hours, Override, Shift, Source, Spec, State, Weekday,
};

use crate::{at, time};

/// Monday to Friday 9 to 17 in `zone`.
fn office(zone: &str) -> Spec {
    let days = &Weekday::ALL[..5];
    let calendar = Calendar::business_hours(zone, time("09:00"), time("17:00"), days);
    calendar.unwrap().spec().clone()
}

fn holiday(date: &str, name: &str, source: Source) -> Holiday {
    Holiday {
        date: date.parse().unwrap(),
        name: name.to_owned(),
        source,
    }
}

/// The stretches as text: from, to, and why it does not count.
fn told(calendar: &Calendar, from: &str, to: &str) -> Vec<String> {
    let stretches = calendar.spans(at(from), at(to));
    let line = |state: State| match state {
        State::Open => "open".to_owned(),
        State::Closed(Because::CommonWeek) => "closed".to_owned(),
        State::Closed(Because::SpecialDay(day)) => {
            format!("{} {} ({})", day.date, day.name, day.source)
        }
    };
    let short = |at: lotse_clock::Timestamp| {
        let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap();
        at.strftime("%d %H:%M").to_string()
    };
    stretches
        .map(|one| {
            format!(
                "{} - {}: {}",
                short(one.start),
                short(one.end),
                line(one.state)
            )
        })
        .collect()
}

#[test]
fn a_closed_span_names_the_holiday_the_override_or_the_week() {
    let eve = Override {
        date: "2026-12-24".parse().unwrap(),
        name: "Christmas Eve".to_owned(),
        hours: vec![Hours {
            from: time("09:00"),
            to: time("12:00"),
        }],
    };
    let spec = Spec {
        overrides: vec![eve],
        ..office("UTC")
    };
    let holidays = vec![
        holiday("2026-12-24", "Not told", Source::File("works".to_owned())),
        holiday(
            "2026-12-25",
            "Works outing",
            Source::File("works".to_owned()),
        ),
        holiday(
            "2026-12-25",
            "Christmas Day",
            Source::Region("GB".to_owned()),
        ),
    ];
    let calendar = Calendar::with_holidays(spec, holidays).unwrap();
    let expected = [
        "23 16:00 - 23 17:00: open",
        "23 17:00 - 24 00:00: closed",
        "24 00:00 - 24 09:00: 2026-12-24 Christmas Eve (override)",
        "24 09:00 - 24 12:00: open",
        "24 12:00 - 25 00:00: 2026-12-24 Christmas Eve (override)",
        r#"25 00:00 - 26 00:00: 2026-12-25 Works outing (file "works")"#,
        "26 00:00 - 28 09:00: closed",
        "28 09:00 - 28 10:00: open",
    ];
    let (from, to) = ("2026-12-23T16:00:00Z", "2026-12-28T10:00:00Z");
    assert_eq!(told(&calendar, from, to), expected);
}

#[test]
fn the_morning_that_a_holiday_takes_from_the_night_shift_is_the_holidays() {
    let spec = Spec {
        week: Weekday::ALL[..5]
            .iter()
            .map(|day| Shift {
                day: *day,
                from: time("22:00"),
                to: time("06:00"),
            })
            .collect(),
        ..office("UTC")
    };
    let tuesday = holiday("2026-03-03", "Tuesday off", Source::Region("XX".to_owned()));
    let calendar = Calendar::with_holidays(spec, vec![tuesday]).unwrap();
    let expected = [
        "02 21:00 - 02 22:00: closed",
        "02 22:00 - 03 00:00: open",
        "03 00:00 - 04 06:00: 2026-03-03 Tuesday off (public holidays of XX)",
        "04 06:00 - 04 22:00: closed",
        "04 22:00 - 04 23:00: open",
    ];
    let (from, to) = ("2026-03-02T21:00:00Z", "2026-03-04T23:00:00Z");
    assert_eq!(told(&calendar, from, to), expected);
}

#[test]
fn a_stretch_tells_the_clock_changes_within_it() {
    // Berlin goes from UTC+1 to UTC+2 at 01:00Z on 2026-03-29, a Sunday.
    let calendar = Calendar::new(office("Europe/Berlin")).unwrap();
    let stretches: Vec<_> = calendar
        .spans(at("2026-03-27T12:00:00Z"), at("2026-03-30T12:00:00Z"))
        .collect();
    let changes: Vec<_> = stretches
        .iter()
        .map(|one| one.clock_changes.len())
        .collect();
    assert_eq!(changes, [0, 1, 0]);
    let change = stretches[1].clock_changes[0];
    assert_eq!(change.at, at("2026-03-29T01:00:00Z"));
    assert_eq!((change.offset_before, change.offset_after), (3_600, 7_200));
}

#[test]
fn a_date_that_never_was_has_no_stretch() {
    // Apia went from the 29th to the 31st of December 2011.
    let calendar = Calendar::with_holidays(
        office("Pacific/Apia"),
        vec![holiday(
            "2011-12-30",
            "Never",
            Source::Region("WS".to_owned()),
        )],
    );
    let expected = [
        "29 19:00 - 30 03:00: open",
        "30 03:00 - 01 19:00: closed",
        "01 19:00 - 02 03:00: open",
    ];
    let (from, to) = ("2011-12-29T19:00:00Z", "2012-01-02T03:00:00Z");
    assert_eq!(told(&calendar.unwrap(), from, to), expected);
}
