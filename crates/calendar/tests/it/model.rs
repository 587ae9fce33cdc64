//! The naive model: second by second, straight from the words of the spec.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan as _};
use lotse_calendar::{Calendar, Holiday, Spec, TimeOfDay, Weekday};
use lotse_clock::Timestamp;

/// What a calendar is made of, and since when it counts.
#[derive(Debug, Clone)]
pub(crate) struct Edition {
    pub(crate) since: Timestamp,
    pub(crate) spec: Spec,
    pub(crate) holidays: Vec<Holiday>,
}

impl Edition {
    pub(crate) fn calendar(&self) -> Calendar {
        Calendar::with_holidays(self.spec.clone(), self.holidays.clone()).unwrap()
    }
}

/// The calendar of these editions, the first of which counts from the beginning of time.
pub(crate) fn calendar(editions: &[Edition]) -> Calendar {
    let (first, later) = editions.split_first().unwrap();
    later.iter().fold(first.calendar(), |before, edition| {
        before.followed_by(edition.since, &edition.calendar())
    })
}

/// Which seconds of a few weeks are open.
pub(crate) struct Model {
    first: i64,
    open: Vec<bool>,
}

impl Model {
    /// The seconds from `from` to `to`. The editions are in order of time.
    pub(crate) fn new(editions: &[Edition], from: Timestamp, to: Timestamp) -> Model {
        let first = from.as_millis() / 1000;
        let length = usize::try_from(to.as_millis() / 1000 - first).unwrap();
        let mut model = Model {
            first,
            open: vec![false; length],
        };
        for (index, edition) in editions.iter().enumerate() {
            let begun = if index == 0 {
                i64::MIN
            } else {
                second(edition.since)
            };
            let ended = editions
                .get(index + 1)
                .map_or(i64::MAX, |next| second(next.since));
            for (start, end) in openings(edition, from, to) {
                model.open(start.max(begun), end.min(ended));
            }
        }
        model
    }

    fn open(&mut self, start: i64, end: i64) {
        let within = |second: i64| (second - self.first).clamp(0, self.open.len() as i64) as usize;
        let (start, end) = (within(start), within(end));
        if start < end {
            self.open[start..end].fill(true);
        }
    }

    /// Open seconds.
    pub(crate) fn count(&self) -> u64 {
        self.open.iter().map(|open| u64::from(*open)).sum()
    }

    /// Whether the second that begins `at` is open.
    pub(crate) fn is_open(&self, at: Timestamp) -> bool {
        self.open[usize::try_from(second(at) - self.first).unwrap()]
    }
}

/// The openings of an edition around `from` to `to`, as if it were the only one, in seconds.
fn openings(edition: &Edition, from: Timestamp, to: Timestamp) -> Vec<(i64, i64)> {
    let zone = TimeZone::get(&edition.spec.zone).unwrap();
    let date_of = |at: Timestamp| {
        zone.to_datetime(jiff::Timestamp::from_second(second(at)).unwrap())
            .date()
    };
    let (first, last) = (date_of(from) - 2.days(), date_of(to) + 2.days());
    let dates = first.series(1.day()).take_while(|date| *date <= last);
    let hours = dates.flat_map(|date| hours(edition, date));
    hours
        .map(|(start, end)| (instant(&zone, start), instant(&zone, end)))
        .collect()
}

/// The hours that begin on `date`, in local time.
fn hours(edition: &Edition, date: Date) -> Vec<(DateTime, DateTime)> {
    let begun: Vec<(TimeOfDay, TimeOfDay)> = match special(edition, date) {
        Some(hours) => hours,
        None => {
            let weekday = Weekday::ALL[date.weekday().to_monday_zero_offset() as usize];
            let shifts = edition
                .spec
                .week
                .iter()
                .filter(|shift| shift.day == weekday);
            shifts.map(|shift| (shift.from, shift.to)).collect()
        }
    };
    let tomorrow = date + 1.day();
    begun
        .into_iter()
        .map(|(from, to)| {
            let start = local(date, from);
            let end = local(if from < to { date } else { tomorrow }, to);
            // On a special day nothing of the day before counts.
            let cut = special(edition, tomorrow).map(|_| local(tomorrow, TimeOfDay::START));
            (start, cut.map_or(end, |cut| end.min(cut)))
        })
        .collect()
}

/// The hours of a date that does not go by its weekday.
fn special(edition: &Edition, date: Date) -> Option<Vec<(TimeOfDay, TimeOfDay)>> {
    let mut overrides = edition.spec.overrides.iter();
    if let Some(day) = overrides.find(|day| day.date == date) {
        return Some(
            day.hours
                .iter()
                .map(|hours| (hours.from, hours.to))
                .collect(),
        );
    }
    let holiday = edition.holidays.iter().any(|day| day.date == date);
    holiday.then(Vec::new)
}

fn local(date: Date, time: TimeOfDay) -> DateTime {
    date.at(0, 0, 0, 0) + Span::new().seconds(i64::from(time.seconds()))
}

fn instant(zone: &TimeZone, local: DateTime) -> i64 {
    let at = zone.to_ambiguous_timestamp(local).compatible().unwrap();
    at.as_second()
}

fn second(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1000)
}
