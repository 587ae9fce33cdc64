use lotse_calendar::{TimeOfDay, Weekday};
use proptest::prelude::*;

use super::*;
use crate::domain::samples::agent;
use crate::domain::turns::tests::at;

pub(crate) const MINUTE: i64 = 60_000;

/// Zones that move their clocks by an hour, by half an hour, or never; all between midnight and
/// four o'clock.
pub(crate) const ZONES: [&str; 4] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
];

pub(crate) fn hours(day: usize, from: &str, to: &str) -> Shift {
    Shift {
        day: Weekday::ALL[day],
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
    }
}

pub(crate) fn exception(from: Timestamp, until: Timestamp) -> Exception {
    Exception {
        from: from.as_millis(),
        until: until.as_millis(),
        note: "training".to_owned(),
    }
}

/// Monday to Friday from nine to five with a break at noon.
pub(crate) fn office(n: usize) -> Shifts {
    Shifts {
        agent: agent(n),
        zone: "Europe/Berlin".to_owned(),
        shifts: (0..5).map(|day| hours(day, "09:00", "17:00")).collect(),
        breaks: (0..5).map(|day| hours(day, "12:00", "13:00")).collect(),
        absences: Vec::new(),
        extra_shifts: Vec::new(),
    }
}

pub(crate) fn plan(shifts: Shifts) -> ShiftPlan {
    ShiftPlan::new(Setting::new(shifts, Timestamp::EPOCH)).unwrap()
}

/// Hours of a week that begin and end outside of the hours of clock changes, and do not overlap.
fn week() -> impl Strategy<Value = Vec<Shift>> {
    proptest::collection::vec(proptest::option::of((8u32..40, 1u32..52)), 7).prop_map(|days| {
        let mut week = Vec::new();
        let mut free_from = 0;
        for (day, given) in days.into_iter().enumerate() {
            // Quarters of hours since Monday.
            let Some((start, length)) = given else {
                continue;
            };
            let (begin, end) = (start * 2, start * 2 + length);
            let begins_before_last_ended = (day as u32) * 96 + begin < free_from;
            let ends_at_night = (1..=16).contains(&(end % 96));
            if begins_before_last_ended || ends_at_night || (day == 6 && end >= 96) {
                continue;
            }
            free_from = (day as u32) * 96 + end;
            let clock = |quarters: u32| -> TimeOfDay {
                let quarters = quarters % 96;
                format!("{:02}:{:02}", quarters / 4, quarters % 4 * 15)
                    .parse()
                    .unwrap()
            };
            week.push(Shift {
                day: Weekday::ALL[day],
                from: clock(begin),
                to: clock(end),
            });
        }
        week
    })
}

pub(crate) fn any_shifts(n: usize) -> impl Strategy<Value = Shifts> {
    // About the changes of 2026 in all of the zones.
    let begin = prop_oneof![
        at("2026-03-05T00:00:00Z").as_millis()..at("2026-04-06T00:00:00Z").as_millis(),
        at("2026-10-01T00:00:00Z").as_millis()..at("2026-11-05T00:00:00Z").as_millis(),
    ];
    let spell = (begin, 1i64..3_000).prop_map(|(from, minutes)| {
        let from = from / MINUTE * MINUTE;
        Exception {
            from,
            until: from + minutes * MINUTE,
            note: "training".to_owned(),
        }
    });
    let spells = || proptest::collection::vec(spell.clone(), 0..3);
    let zone = proptest::sample::select(&ZONES[..]);
    (zone, week(), week(), spells(), spells()).prop_map(
        move |(zone, shifts, breaks, absences, extra_shifts)| Shifts {
            agent: agent(n),
            zone: zone.to_owned(),
            shifts,
            breaks,
            absences,
            extra_shifts,
        },
    )
}

/// Whether weekly hours are open, by nothing but the clock on the wall.
fn naive_open(zone: &str, week: &[Shift], at: Timestamp) -> bool {
    let zone = jiff::tz::TimeZone::get(zone).unwrap();
    let local = zone.to_datetime(jiff::Timestamp::from_millisecond(at.as_millis()).unwrap());
    let today = local.date().weekday().to_monday_zero_offset() as usize;
    let now = u32::try_from(i32::from(local.hour()) * 3600 + i32::from(local.minute()) * 60);
    let now = now.unwrap();
    week.iter().any(|shift| {
        let (from, to) = (shift.from.seconds(), shift.to.seconds());
        let over_night = to <= from;
        let begun_today = shift.day.index() == today && from <= now && (over_night || now < to);
        let begun_yesterday = over_night && (shift.day.index() + 1) % 7 == today && now < to;
        begun_today || begun_yesterday
    })
}

/// The standing at an instant, by nothing but the words of the plan.
pub(crate) fn naive(shifts: &Shifts, at: Timestamp) -> Standing {
    let among = |all: &[Exception]| {
        let at = at.as_millis();
        all.iter().any(|one| one.from <= at && at < one.until)
    };
    match () {
        () if among(&shifts.absences) => Standing::Absent,
        () if among(&shifts.extra_shifts) => Standing::AtWork,
        () if !naive_open(&shifts.zone, &shifts.shifts, at) => Standing::OffShift,
        () if naive_open(&shifts.zone, &shifts.breaks, at) => Standing::OnBreak,
        () => Standing::AtWork,
    }
}

#[test]
fn a_day_goes_by_shift_break_and_shift() {
    let plan = plan(office(1));
    // A Monday in summer: two hours before UTC.
    let standings = plan.standings(Stretch {
        from: at("2026-06-01T00:00:00Z"),
        until: at("2026-06-02T00:00:00Z"),
    });
    let told: Vec<_> = standings
        .iter()
        .map(|(stretch, standing)| (stretch.from, *standing))
        .collect();
    assert_eq!(
        told,
        [
            (at("2026-06-01T00:00:00Z"), Standing::OffShift),
            (at("2026-06-01T07:00:00Z"), Standing::AtWork),
            (at("2026-06-01T10:00:00Z"), Standing::OnBreak),
            (at("2026-06-01T11:00:00Z"), Standing::AtWork),
            (at("2026-06-01T15:00:00Z"), Standing::OffShift),
        ]
    );
    let noon = at("2026-06-01T10:30:00Z");
    assert_eq!(plan.next_change(noon), Some(at("2026-06-01T11:00:00Z")));
}

#[test]
fn an_absence_goes_before_an_extra_shift_and_that_before_the_week() {
    let mut shifts = office(1);
    let (saturday, noon) = (at("2026-06-06T08:00:00Z"), at("2026-06-06T12:00:00Z"));
    let evening = at("2026-06-06T18:00:00Z");
    shifts.extra_shifts.push(exception(saturday, evening));
    shifts.absences.push(exception(noon, evening));
    let plan = plan(shifts);
    assert_eq!(plan.standing(saturday), Standing::AtWork);
    assert_eq!(plan.standing(noon), Standing::Absent);
    assert_eq!(plan.absence(noon).unwrap().note, "training");
    assert_eq!(plan.standing(evening), Standing::OffShift);
}

#[test]
fn hours_that_overlap_are_told_by_where_they_stand() {
    let mut shifts = office(1);
    shifts.breaks.push(hours(0, "12:30", "13:30"));
    let invalid = shifts.check().unwrap_err();
    assert!(invalid.0[0].field.starts_with("breaks["), "{invalid}");
    shifts.zone = "Europe/Berln".to_owned();
    assert_eq!(shifts.check().unwrap_err().0[0].field, "time_zone");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn standings_are_those_of_a_walk_by_minutes(shifts in any_shifts(1), autumn in any::<bool>()) {
        let from = at(if autumn { "2026-10-20T00:00:00Z" } else { "2026-03-25T00:00:00Z" });
        let until = from + std::time::Duration::from_secs(14 * 86_400);
        let plan = plan(shifts.clone());
        let standings = plan.standings(Stretch { from, until });
        prop_assert_eq!(standings[0].0.from, from);
        prop_assert_eq!(standings[standings.len() - 1].0.until, until);
        for pair in standings.windows(2) {
            prop_assert_eq!(pair[0].0.until, pair[1].0.from);
            prop_assert!(pair[0].1 != pair[1].1, "merged");
        }
        for (stretch, standing) in standings {
            let mut minute = stretch.from;
            while minute < stretch.until {
                prop_assert_eq!(naive(&shifts, minute), standing, "{}", minute);
                minute = Timestamp::from_millis(minute.as_millis() + MINUTE);
            }
            prop_assert_eq!(plan.standing(stretch.from), standing);
        }
    }
}
