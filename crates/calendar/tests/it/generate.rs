//! Random calendars and instants, mostly where it hurts: clock changes, year ends, small hours.

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lotse_calendar::{Calendar, Holiday, Hours, Override, Shift, Source, Spec, TimeOfDay, Weekday};
use lotse_clock::Timestamp;
use proptest::prelude::*;

use crate::model::{Edition, calendar};

/// Zones with something peculiar: half an hour of summer time, quarters, two hours, a date that
/// was skipped, summer time in winter, a pause for Ramadan, changes at midnight.
const PECULIAR: [&str; 15] = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Havana",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Pacific/Apia",
    "Pacific/Chatham",
    "UTC",
];

/// A calendar of one edition or several, and an instant near which it does something.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) editions: Vec<Edition>,
    pub(crate) from: Timestamp,
}

impl Case {
    pub(crate) fn calendar(&self) -> Calendar {
        calendar(&self.editions)
    }
}

/// Every zone there is.
fn zones() -> Vec<String> {
    let known = jiff::tz::db().available().map(|name| name.to_string());
    known.filter(|name| TimeZone::get(name).is_ok()).collect()
}

fn zone() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(&PECULIAR[..]).prop_map(str::to_owned),
        prop::sample::select(zones()),
    ]
}

/// An instant from 2005 to 2034, in seconds since 1970: just before or after a change of the
/// zone's clocks, about a new year, or any.
fn anchor(zone: &str) -> impl Strategy<Value = i64> + use<> {
    let zone = TimeZone::get(zone).unwrap();
    let any = 1_104_537_600..2_051_222_400i64;
    let near = -4 * 86_400..4 * 86_400i64;
    let change = (any.clone(), near.clone()).prop_map(move |(at, near)| {
        let after = jiff::Timestamp::from_second(at).unwrap();
        let change = zone.following(after).next();
        change.map_or(at, |change| change.timestamp().as_second()) + near
    });
    let new_year = (2005..2035i16, near).prop_map(|(year, near)| {
        let new_year = Date::constant(year, 1, 1)
            .at(0, 0, 0, 0)
            .to_zoned(TimeZone::UTC);
        new_year.unwrap().timestamp().as_second() + near
    });
    prop_oneof![4 => change, 1 => new_year, 1 => any]
}

fn time() -> impl Strategy<Value = TimeOfDay> {
    // Quarters of an hour, often the small ones in which clocks change, or any second.
    let seconds = prop_oneof![
        (0u32..96).prop_map(|quarter| quarter * 900),
        (0u32..16).prop_map(|quarter| quarter * 900),
        0u32..=86_400,
    ];
    seconds.prop_map(|seconds| TimeOfDay::from_seconds(seconds).unwrap())
}

fn hours() -> impl Strategy<Value = (TimeOfDay, TimeOfDay)> {
    (time(), time()).prop_filter("not empty", |(from, to)| {
        from != to && *from < TimeOfDay::END
    })
}

fn spec(zone: String, date: Date) -> impl Strategy<Value = Spec> {
    let shift = (0..7usize, hours()).prop_map(|(day, (from, to))| Shift {
        day: Weekday::ALL[day],
        from,
        to,
    });
    let day = (-4..20i32, prop::option::of(hours())).prop_map(move |(days, open)| Override {
        date: date + days.days(),
        name: format!("override {days}"),
        hours: open
            .into_iter()
            .map(|(from, to)| Hours { from, to })
            .collect(),
    });
    let parts = (
        prop::collection::vec(shift, 1..8),
        prop_oneof![Just(Vec::new()), prop::collection::vec(day, 0..5)],
    );
    parts
        .prop_map(move |(week, overrides)| Spec {
            zone: zone.clone(),
            version: 1,
            week,
            overrides,
        })
        .prop_filter("sound", |spec| Calendar::new(spec.clone()).is_ok())
}

fn holidays(date: Date) -> impl Strategy<Value = Vec<Holiday>> {
    let day = (-4..20i32, 0..2u8).prop_map(move |(days, source)| Holiday {
        date: date + days.days(),
        name: format!("holiday {days}"),
        source: match source {
            0 => Source::File("works".to_owned()),
            _ => Source::Region("DE".to_owned()),
        },
    });
    // Often none: only ordinary weeks are passed over at a stride.
    prop_oneof![Just(Vec::new()), prop::collection::vec(day, 0..4)]
}

/// The editions of a calendar about an instant; each later one may move to another zone.
fn editions(zone: String, anchor: i64) -> impl Strategy<Value = Vec<Edition>> {
    let date = jiff::Timestamp::from_second(anchor).unwrap();
    let date = date.to_zoned(TimeZone::UTC).date();
    let one = move |zone: String| (spec(zone, date), holidays(date), 0..20 * 86_400i64);
    let later = prop_oneof![Just(zone.clone()), self::zone()].prop_flat_map(one);
    let later = prop_oneof![Just(Vec::new()), prop::collection::vec(later, 0..3)];
    (one(zone), later).prop_map(move |(first, mut later)| {
        later.sort_by_key(|(_, _, since)| *since);
        let all = [first].into_iter().chain(later);
        all.zip(1..)
            .map(|((spec, holidays, since), version)| Edition {
                since: Timestamp::from_millis((anchor + since) * 1000),
                spec: Spec { version, ..spec },
                holidays,
            })
            .collect()
    })
}

/// A calendar and a whole second at which to begin.
pub(crate) fn case() -> impl Strategy<Value = Case> {
    zone()
        .prop_flat_map(|zone| (anchor(&zone), Just(zone)))
        .prop_flat_map(|(anchor, zone)| (editions(zone, anchor), Just(anchor)))
        .prop_map(|(editions, anchor)| Case {
            editions,
            from: Timestamp::from_millis(anchor * 1000),
        })
}
