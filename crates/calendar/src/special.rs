//! Days that are not like their weekday, and where each comes from.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Hours, Spec};

/// A date on which nothing opens, from somewhere else than the spec: a public holiday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// The date, in the calendar's zone.
    pub date: Date,
    /// For explanations: `Christmas Day`.
    pub name: String,
    /// Who says so.
    pub source: Source,
}

/// Where a special day comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The spec's own overrides.
    Override,
    /// An iCalendar file, by its name.
    File(String),
    /// The public holidays of a country or a part of it: `DE`, `DE-BY`.
    Region(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Override => f.write_str("override"),
            Source::File(name) => write!(f, "file {name:?}"),
            Source::Region(code) => write!(f, "public holidays of {code}"),
        }
    }
}

/// A date that keeps hours of its own, as it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecialDay {
    /// The date, in the calendar's zone.
    pub date: Date,
    /// Why, for explanations; may be empty.
    pub name: String,
    /// Who says so.
    pub source: Source,
    /// Open hours that begin on it, in order; none: closed.
    pub hours: Vec<Hours>,
}

/// One special day per date: an override goes before every holiday, an earlier holiday before a
/// later one.
pub(crate) fn by_date(spec: &Spec, holidays: Vec<Holiday>) -> BTreeMap<Date, SpecialDay> {
    let mut days = BTreeMap::new();
    for day in &spec.overrides {
        let mut hours = day.hours.clone();
        hours.sort_unstable_by_key(|hours| hours.from);
        let special = SpecialDay {
            date: day.date,
            name: day.name.clone(),
            source: Source::Override,
            hours,
        };
        days.insert(day.date, special);
    }
    for Holiday { date, name, source } in holidays {
        days.entry(date).or_insert_with(|| SpecialDay {
            date,
            name,
            source,
            hours: Vec::new(),
        });
    }
    days
}
