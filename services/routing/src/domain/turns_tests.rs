use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::domain::rota::{RotaProfile, Schedule};
use crate::domain::samples::{agent, rota as rota_id};
use crate::domain::setting::Setting;
use lotse_calendar::{Shift, Weekday};

/// Zones that move their clocks by an hour, by half an hour, at midnight, over a whole day (Apia
/// left out 30 December 2011), backwards in winter, or never.
const ZONES: [&str; 7] = [
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Europe/Dublin",
    "America/New_York",
    "Asia/Kolkata",
];

pub(crate) fn rota(zone: &str, layers: Vec<Layer>) -> Rota {
    Rota::new(Setting {
        id: rota_id(),
        profile: RotaProfile {
            name: "desk".to_owned(),
            zone: zone.to_owned(),
            group: None,
            layers,
        },
        version: 1,
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    })
    .unwrap()
}

pub(crate) fn rotation(agents: usize, unit: RotationUnit, every: u32) -> Rotation {
    Rotation {
        agents: (0..agents).map(agent).collect(),
        unit,
        every,
        hand_over_at: TimeOfDay::START,
        starts_on: date(2026, 1, 5),
    }
}

pub(crate) fn layer(plan: Plan) -> Layer {
    Layer {
        name: "first".to_owned(),
        plan,
        hours: Vec::new(),
        shadow: None,
    }
}

/// An instant in UTC.
pub(crate) fn at(text: &str) -> Timestamp {
    let at: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_millis(at.as_millisecond())
}

fn stretch(from: &str, until: &str) -> Stretch {
    Stretch {
        from: at(from),
        until: at(until),
    }
}

fn shift(who: usize, day: Weekday, from: &str, to: &str) -> AgentShift {
    AgentShift {
        agent: agent(who),
        hours: hours(day, from, to),
    }
}

fn hours(day: Weekday, from: &str, to: &str) -> Shift {
    Shift {
        day,
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
    }
}

/// Who has the turn, and when, in a rota of one layer.
fn only(rota: &Rota, now: &str) -> Option<(AgentId, Stretch)> {
    let mut turns = rota.turns(|_| true, at(now));
    assert!(turns.len() <= 1);
    turns.pop().map(|turn| (turn.agent, turn.stretch))
}

fn any_rotation() -> impl Strategy<Value = Rotation> {
    use RotationUnit::{Days, Hours, Weeks};
    let unit = prop_oneof![Just(Hours), Just(Days), Just(Weeks)];
    (1..=5_usize, unit, 1..=30_u32, 0..86_400_u32, 0..6_000_i64).prop_map(
        |(agents, unit, every, second, day)| Rotation {
            hand_over_at: TimeOfDay::from_seconds(second).unwrap(),
            starts_on: date(2009, 6, 1).checked_add(day.days()).unwrap(),
            ..rotation(agents, unit, every)
        },
    )
}

fn any_zone() -> impl Strategy<Value = TimeZone> {
    prop::sample::select(&ZONES[..]).prop_map(|zone| TimeZone::get(zone).unwrap())
}

proptest! {
    #[test]
    fn turns_tile_time_from_the_first_on(
        rotation in any_rotation(), zone in any_zone(), minutes in 0..2_000_000_i64,
    ) {
        let first = rotation.begin(&zone, 0).unwrap();
        let before = Timestamp::from_millis(first.as_millis() - 1);
        prop_assert_eq!(rotation.turn(&zone, before), None);
        let now = Timestamp::from_millis(first.as_millis() + minutes * 60_000);
        let (turn, stretch) = rotation.turn(&zone, now).unwrap();
        prop_assert!(stretch.contains(now));
        let last = Timestamp::from_millis(stretch.until.as_millis() - 1);
        for within in [stretch.from, last] {
            prop_assert_eq!(rotation.turn(&zone, within), Some((turn, stretch)));
        }
        let (next, after) = rotation.turn(&zone, stretch.until).unwrap();
        prop_assert!(next > turn && after.from == stretch.until);
    }

    #[test]
    fn the_turn_is_the_last_that_has_begun(
        mut rotation in any_rotation(), zone in any_zone(), minutes in 0..600_000_i64,
    ) {
        rotation.every = rotation.every.max(6);
        let first = rotation.begin(&zone, 0).unwrap();
        let now = Timestamp::from_millis(first.as_millis() + minutes * 60_000);
        // Every begin there could be, one by one.
        let all = 0..minutes / 60 / rotation.hours() + 8;
        let begun = all.filter(|turn| rotation.begin(&zone, *turn).unwrap() <= now);
        prop_assert_eq!(rotation.turn(&zone, now).map(|(turn, _)| turn), begun.max());
    }

    #[test]
    fn a_layer_has_exactly_one_agent_and_never_one_who_is_gone(
        rotation in any_rotation(), zone in prop::sample::select(&ZONES[..]),
        minutes in 0..2_000_000_i64, gone in 0..5_usize,
    ) {
        let agents = rotation.agents.len();
        let begin = rotation.begin(&TimeZone::get(zone).unwrap(), 0).unwrap();
        let rota = rota(zone, vec![layer(Plan::Rotation(rotation.clone())), layer(Plan::Rotation(rotation))]);
        let now = Timestamp::from_millis(begin.as_millis() + minutes * 60_000);
        let all = rota.turns(|_| true, now);
        prop_assert_eq!(all.iter().map(|turn| turn.layer).collect::<Vec<_>>(), [0, 1]);
        let left = rota.turns(|one| *one != agent(gone), now);
        prop_assert_eq!(left.len(), if agents == 1 && gone == 0 { 0 } else { 2 });
        for (turn, was) in left.iter().zip(&all) {
            prop_assert!(turn.agent != agent(gone));
            prop_assert!(was.agent == agent(gone) || turn == was);
        }
    }

    #[test]
    fn hours_are_those_of_a_calendar(
        zone in prop::sample::select(&ZONES[..]), opens in 0..23_u32, length in 1..=24_u32,
        every in 1..40_u32, minutes in 0..1_000_000_i64,
    ) {
        let time = |hour: u32| TimeOfDay::from_seconds(hour * 3600).unwrap();
        let [from, to] = [time(opens), time((opens + length - 1) % 24 + 1)];
        prop_assume!(from != to);
        let week: Vec<Shift> = Weekday::ALL[..6].iter().map(|day| Shift { day: *day, from, to }).collect();
        let plan = Plan::Rotation(rotation(3, RotationUnit::Days, every));
        let rota = rota(zone, vec![Layer { hours: week, ..layer(plan.clone()) }]);
        let Plan::Rotation(rotation) = plan else { unreachable!() };
        let begin = rotation.begin(&rota.schedule.zone, 0).unwrap();
        let now = Timestamp::from_millis(begin.as_millis() + minutes * 60_000);
        let turn = rota.turns(|_| true, now).pop();
        let calendar = rota.schedule.hours[0].as_ref().unwrap();
        prop_assert_eq!(turn.is_some(), calendar.is_open(now));
        let whole = rotation.turn(&rota.schedule.zone, now).unwrap().1;
        if let Some(turn) = turn {
            let stretch = turn.stretch;
            let first = Timestamp::from_millis(stretch.from.as_millis() - 1);
            prop_assert!(stretch.from == whole.from || !calendar.is_open(first));
            prop_assert!(stretch.until == whole.until || !calendar.is_open(stretch.until));
            let last = Timestamp::from_millis(stretch.until.as_millis() - 1);
            prop_assert!(calendar.is_open(stretch.from) && calendar.is_open(last));
        }
    }
}

#[test]
fn a_week_hands_over_at_the_local_time_on_both_sides_of_a_clock_change() {
    let weekly = Rotation {
        hand_over_at: "09:00".parse().unwrap(),
        ..rotation(2, RotationUnit::Weeks, 1)
    };
    let rota = rota("Europe/Berlin", vec![layer(Plan::Rotation(weekly))]);
    // 167 hours: the clocks go forward on 29 March.
    let short = (
        agent(1),
        stretch("2026-03-23T08:00:00Z", "2026-03-30T07:00:00Z"),
    );
    assert_eq!(only(&rota, "2026-03-29T12:00:00Z"), Some(short));
    // 169 hours: and back on 25 October.
    let long = (
        agent(1),
        stretch("2026-10-19T07:00:00Z", "2026-10-26T08:00:00Z"),
    );
    assert_eq!(only(&rota, "2026-10-26T07:59:59Z"), Some(long));
}

#[test]
fn a_hand_over_that_is_skipped_is_later_and_one_that_comes_twice_is_the_first() {
    let nightly = Rotation {
        hand_over_at: "02:30".parse().unwrap(),
        ..rotation(2, RotationUnit::Days, 1)
    };
    let rota = rota("Europe/Berlin", vec![layer(Plan::Rotation(nightly))]);
    let until = |now: &str| only(&rota, now).unwrap().1.until;
    // 03:30 in summer time.
    assert_eq!(until("2026-03-29T00:00:00Z"), at("2026-03-29T01:30:00Z"));
    assert_eq!(until("2026-10-25T00:00:00Z"), at("2026-10-25T00:30:00Z"));
}

#[test]
fn twelve_hours_hand_over_at_the_same_times_all_year() {
    let half_days = Rotation {
        hand_over_at: "08:00".parse().unwrap(),
        ..rotation(2, RotationUnit::Hours, 12)
    };
    let rota = rota("Europe/Berlin", vec![layer(Plan::Rotation(half_days))]);
    let day = (
        agent(0),
        stretch("2026-07-01T06:00:00Z", "2026-07-01T18:00:00Z"),
    );
    assert_eq!(only(&rota, "2026-07-01T06:00:00Z"), Some(day));
    // The night of the change is one of 11 hours.
    let night = (
        agent(1),
        stretch("2026-03-28T19:00:00Z", "2026-03-29T06:00:00Z"),
    );
    assert_eq!(only(&rota, "2026-03-29T00:00:00Z"), Some(night));
}

#[test]
fn a_day_that_a_zone_leaves_out_gives_nobody_a_turn() {
    let daily = Rotation {
        starts_on: date(2011, 12, 28),
        hand_over_at: "08:00".parse().unwrap(),
        ..rotation(7, RotationUnit::Days, 1)
    };
    let rota = rota("Pacific/Apia", vec![layer(Plan::Rotation(daily))]);
    // 29 December 08:00 at UTC-10; the 30th does not exist; 31 December 08:00 at UTC+14.
    let last = (
        agent(1),
        stretch("2011-12-29T18:00:00Z", "2011-12-30T18:00:00Z"),
    );
    assert_eq!(only(&rota, "2011-12-30T12:00:00Z"), Some(last));
    let next = only(&rota, "2011-12-30T18:00:00Z").unwrap();
    assert_eq!(next.0, agent(3));
}

#[test]
fn shifts_go_past_midnight_and_leave_gaps() {
    let shifts = vec![
        shift(1, Weekday::Monday, "08:00", "16:00"),
        shift(2, Weekday::Monday, "22:00", "06:00"),
        shift(3, Weekday::Sunday, "20:00", "24:00"),
    ];
    let rota = rota("Europe/Berlin", vec![layer(Plan::Shifts(shifts))]);
    let night = (
        agent(2),
        stretch("2026-01-05T21:00:00Z", "2026-01-06T05:00:00Z"),
    );
    assert_eq!(only(&rota, "2026-01-06T04:59:59Z"), Some(night));
    assert_eq!(only(&rota, "2026-01-06T05:00:00Z"), None);
    assert_eq!(only(&rota, "2026-01-05T18:00:00Z"), None);
    let sunday = only(&rota, "2026-01-04T22:59:59Z");
    assert_eq!(sunday.map(|(who, _)| who), Some(agent(3)));
    assert!(
        rota.turns(|one| *one != agent(2), at("2026-01-06T04:00:00Z"))
            .is_empty()
    );
}

#[test]
fn a_shift_ends_when_the_next_begins_also_where_a_clock_change_lays_them_over_each_other() {
    let shifts = vec![
        shift(1, Weekday::Sunday, "00:00", "02:30"),
        shift(2, Weekday::Sunday, "03:00", "08:00"),
    ];
    let rota = rota("Europe/Berlin", vec![layer(Plan::Shifts(shifts))]);
    // 02:30 does not exist on that day and is 03:30, when the other has been there for half an hour.
    let change = "2026-03-29T01:00:00Z";
    let first = (agent(1), stretch("2026-03-28T23:00:00Z", change));
    assert_eq!(only(&rota, "2026-03-29T00:59:59Z"), Some(first));
    assert_eq!(only(&rota, change).map(|(who, _)| who), Some(agent(2)));
}

#[test]
fn hours_cut_a_turn_and_all_of_the_week_does_not() {
    let plan = || Plan::Rotation(rotation(2, RotationUnit::Weeks, 2));
    let office: Vec<Shift> = Weekday::ALL[..5]
        .iter()
        .map(|day| hours(*day, "09:00", "17:00"))
        .collect();
    let cut = rota(
        "Europe/Berlin",
        vec![Layer {
            hours: office,
            ..layer(plan())
        }],
    );
    let day = (
        agent(0),
        stretch("2026-01-06T08:00:00Z", "2026-01-06T16:00:00Z"),
    );
    assert_eq!(only(&cut, "2026-01-06T12:00:00Z"), Some(day));
    assert_eq!(only(&cut, "2026-01-06T16:00:00Z"), None);
    let always: Vec<Shift> = Weekday::ALL
        .iter()
        .map(|day| hours(*day, "00:00", "24:00"))
        .collect();
    let whole = rota(
        "Europe/Berlin",
        vec![Layer {
            hours: always,
            ..layer(plan())
        }],
    );
    let turn = (
        agent(0),
        stretch("2026-01-04T23:00:00Z", "2026-01-18T23:00:00Z"),
    );
    assert_eq!(only(&whole, "2026-01-12T12:00:00Z"), Some(turn));
}

#[test]
fn what_makes_no_sense_is_named() {
    let layers = vec![Layer {
        hours: vec![
            hours(Weekday::Monday, "08:00", "12:00"),
            hours(Weekday::Monday, "11:00", "13:00"),
            hours(Weekday::Friday, "24:00", "03:00"),
        ],
        ..layer(Plan::Shifts(vec![shift(
            1,
            Weekday::Monday,
            "09:00",
            "09:00",
        )]))
    }];
    let invalid = Schedule::new("Europe/Berlin", &layers).unwrap_err();
    let told: Vec<_> = invalid
        .0
        .iter()
        .map(|problem| problem.field.as_str())
        .collect();
    assert_eq!(
        told,
        [
            "layers[0].hours[2].starts_at",
            "layers[0].hours[1]",
            "layers[0].shifts.shifts[0].hours",
        ]
    );
    assert!(
        invalid.0[1].message.contains("layers[0].hours[0]"),
        "{invalid}"
    );
    let lost = Schedule::new("Europe/Berln", &layers).unwrap_err();
    assert_eq!(lost.0[0].field, "time_zone");
}
