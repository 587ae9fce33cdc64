//! What a calendar says, as people write it.

use serde::{Deserialize, Serialize};

use crate::TimeOfDay;
use jiff::civil::Date;

/// A calendar in local terms. Checked by [`Calendar::new`](crate::Calendar::new).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// IANA name, such as `Europe/Berlin`.
    pub zone: String,
    /// Raised by each edit; part of every explanation.
    pub version: u32,
    /// Hours of an ordinary week, several a day if need be.
    pub week: Vec<Shift>,
    /// Dates that are not ordinary.
    #[serde(default)]
    pub overrides: Vec<Override>,
}

/// Open hours on a weekday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// The day on which it begins.
    pub day: Weekday,
    /// Open from this instant on.
    pub from: TimeOfDay,
    /// Up to, not including, this one. Not later than `from`: the next day (a night shift).
    pub to: TimeOfDay,
}

/// Open hours on a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// Open from this instant on.
    pub from: TimeOfDay,
    /// Up to, not including, this one. Not later than `from`: the next day.
    pub to: TimeOfDay,
}

/// The hours of one date instead of those of its weekday: a holiday, a half day, a longer one.
///
/// On such a date nothing else counts: a night shift of the day before ends at midnight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// The date, in the calendar's zone.
    pub date: Date,
    /// Why, for explanations: `Christmas Eve`.
    #[serde(default)]
    pub name: String,
    /// Open hours that begin on it; none: closed.
    #[serde(default)]
    pub hours: Vec<Hours>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// Monday first, as in ISO 8601.
    pub const ALL: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];

    /// 0 for Monday to 6 for Sunday.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}
