//! Random cases of business time and what this crate says to them, a JSON object a line, for
//! tests/oracles to ask other libraries the same: `answers SEED COUNT`.
//!
//! Hours are such that every library can say them: one shift, a shift with a break, or a night
//! shift, the same on each of its weekdays, and dates that are closed. Years are past ones, as the
//! zones of coming years differ between releases of the IANA database.

use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, ToSpan as _};
use lotse_calendar::{Calendar, Hours, Override, Shift, Spec, TimeOfDay, Weekday};
use lotse_clock::Timestamp;
use serde_json::json;

const ZONES: [&str; 16] = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/London",
    "Pacific/Apia",
    "Pacific/Auckland",
    "UTC",
];

/// SplitMix64: the same numbers for the same seed, everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// From `first` to `last`, both included.
    fn within(&mut self, first: i64, last: i64) -> i64 {
        first + i64::try_from(self.below(last.abs_diff(first) + 1)).unwrap_or(0)
    }
}

/// Shifts and breaks as pairs of seconds since midnight; a shift that ends earlier than it begins
/// ends on the next day.
struct Plan {
    kind: &'static str,
    shift: (u32, u32),
    pause: Option<(u32, u32)>,
    days: Vec<Weekday>,
    holidays: Vec<Date>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = || -> Result<u64, Box<dyn Error>> {
        let text = arguments.next().ok_or("answers SEED COUNT")?;
        Ok(text.parse()?)
    };
    let (seed, count) = (number()?, number()?);
    let mut random = Random(seed);
    let mut out = std::io::stdout().lock();
    for id in 0..count {
        writeln!(out, "{}", case(id, &mut random)?)?;
    }
    Ok(())
}

fn case(id: u64, random: &mut Random) -> Result<serde_json::Value, Box<dyn Error>> {
    let name = ZONES[usize::try_from(random.below(16))?];
    let zone = TimeZone::get(name)?;
    let from = start(random, &zone);
    let date = from.to_zoned(zone.clone()).date();
    let plan = plan(random, date);
    let own = calendar(name, &plan, Nights::Cut)?;
    let wall = from
        .to_zoned(zone.clone())
        .datetime()
        .to_zoned(TimeZone::UTC)?;
    let from = millis(from);
    let mut to = from + Duration::from_secs(random.below(20 * 86_400));
    if random.below(4) == 0 {
        // Exactly at closing time.
        to = own.intervals(from, to).last().map_or(to, |(_, end)| end);
    }
    let budget = match random.below(8) {
        0 => own.elapsed(from, to),
        1..4 => Duration::from_secs(random.below(60 * 3_600)),
        _ => Duration::from_secs(3_600 * (1 + random.below(60))),
    };
    let due = own.advance(from, budget)?;
    let last = to.max(due);
    let changes = own
        .spans(from, last)
        .any(|stretch| !stretch.clock_changes.is_empty());
    let resumed = calendar(name, &plan, Nights::Resumed)?;
    let whole = calendar(name, &plan, Nights::Whole)?;
    // On a clock that is never changed, and back.
    let unchanged = calendar("UTC", &plan, Nights::Whole)?;
    let wall_due = unchanged.advance(millis(wall.timestamp()), budget)?;
    let back = |at: Timestamp| -> Result<i64, Box<dyn Error>> {
        let local = Instant::from_millisecond(at.as_millis())?.to_zoned(TimeZone::UTC);
        Ok(local
            .datetime()
            .to_zoned(zone.clone())?
            .timestamp()
            .as_second())
    };
    let whole_due = whole.advance(from, budget)?;
    Ok(json!({
        "id": id,
        "kind": plan.kind,
        "zone": name,
        "shift": plan.shift,
        "pause": plan.pause,
        "days": plan.days.iter().map(|day| day.index()).collect::<Vec<_>>(),
        "holidays": plan.holidays.iter().map(Date::to_string).collect::<Vec<_>>(),
        "from": seconds(from),
        "to": seconds(to),
        "budget": budget.as_secs(),
        "elapsed": own.elapsed(from, to).as_secs(),
        "due": seconds(due),
        "next_open": seconds(own.next_open(due)?),
        // What other readings of the same hours give; README.md says whose they are.
        "resumed": {
            "elapsed": resumed.elapsed(from, to).as_secs(),
            "due": seconds(resumed.advance(from, budget)?),
        },
        "whole": [seconds(whole_due), seconds(whole.next_open(whole_due)?)],
        "wall": [back(wall_due)?, back(unchanged.next_open(wall_due)?)?],
        "clock_change": changes,
    }))
}

fn millis(at: Instant) -> Timestamp {
    Timestamp::from_millis(at.as_millisecond())
}

fn seconds(at: Timestamp) -> i64 {
    at.as_millis() / 1_000
}

/// Any second from 2015 to September 2025, every other time within four days of a clock change.
fn start(random: &mut Random, zone: &TimeZone) -> Instant {
    let any = Instant::constant(random.within(1_420_070_400, 1_759_190_400), 0);
    let change = zone.following(any).next().filter(|_| random.below(2) == 0);
    let Some(change) = change else { return any };
    let near = random.within(-4 * 86_400, 4 * 86_400);
    change.timestamp() + near.seconds()
}

fn plan(random: &mut Random, date: Date) -> Plan {
    let quarter = |random: &mut Random, first, last| {
        900 * u32::try_from(random.within(first, last)).unwrap_or(0)
    };
    let (kind, shift, pause) = match random.below(4) {
        0 => {
            // A break that leaves something on both sides.
            let shift = (quarter(random, 20, 40), quarter(random, 60, 90));
            let pause = (quarter(random, 42, 48), quarter(random, 50, 56));
            ("break", shift, Some(pause))
        }
        1 => {
            let shift = (quarter(random, 64, 95), quarter(random, 1, 40));
            ("night", shift, None)
        }
        _ => {
            // Some of them in the small hours in which clocks are changed.
            let opens = quarter(random, 0, 40);
            let closes = opens + quarter(random, 1, 50);
            ("day", (opens, closes), None)
        }
    };
    let mut days: Vec<Weekday> = Weekday::ALL
        .into_iter()
        .filter(|_| random.below(4) > 0)
        .collect();
    if days.is_empty() {
        days = Weekday::ALL[..5].to_vec();
    }
    let mut holidays: Vec<Date> = (0..random.below(5))
        .map(|_| date + i32::try_from(random.within(-2, 20)).unwrap_or(0).days())
        .collect();
    holidays.sort_unstable();
    holidays.dedup();
    Plan {
        kind,
        shift,
        pause,
        days,
        holidays,
    }
}

/// What a holiday does to the night shifts about it.
#[derive(Clone, Copy, PartialEq)]
enum Nights {
    /// The one before ends at midnight, and none begins on it: ours.
    Cut,
    /// As above, but the one that would have begun on it is there from midnight on.
    Resumed,
    /// The one before goes on to its end, and none begins on it.
    Whole,
}

fn calendar(zone: &str, plan: &Plan, nights: Nights) -> Result<Calendar, Box<dyn Error>> {
    let time = |seconds| TimeOfDay::from_seconds(seconds).ok_or("a time beyond midnight");
    let (opens, closes) = plan.shift;
    let parts = match plan.pause {
        Some((from, to)) => vec![(opens, from), (to, closes)],
        None => vec![(opens, closes)],
    };
    let mut week = Vec::new();
    for day in &plan.days {
        for (from, to) in &parts {
            week.push(Shift {
                day: *day,
                from: time(*from)?,
                to: time(*to)?,
            });
        }
    }
    let works = |date: Date| {
        let weekday =
            Weekday::ALL[usize::from(date.weekday().to_monday_zero_offset().unsigned_abs())];
        plan.days.contains(&weekday)
    };
    let night = |date: &Date| plan.kind == "night" && works(*date) && !plan.holidays.contains(date);
    let mut overrides = Vec::new();
    for date in &plan.holidays {
        let day = |date, hours| Override {
            date,
            name: "holiday".to_owned(),
            hours,
        };
        let morning = Hours {
            from: TimeOfDay::START,
            to: time(closes)?,
        };
        let goes_on = nights == Nights::Whole && night(&date.yesterday()?);
        overrides.push(day(*date, Vec::from_iter(goes_on.then_some(morning))));
        let next = date.tomorrow()?;
        let resumed = plan.kind == "night" && works(*date) && !plan.holidays.contains(&next);
        if nights == Nights::Resumed && resumed {
            let (from, to) = (time(opens)?, time(closes)?);
            let evening = works(next).then_some(Hours { from, to });
            overrides.push(day(next, [morning].into_iter().chain(evening).collect()));
        }
    }
    overrides.sort_by_key(|day| day.date);
    let spec = Spec {
        zone: zone.to_owned(),
        version: 1,
        week,
        overrides,
    };
    Ok(Calendar::new(spec)?)
}
