//! Public holidays of countries and their subdivisions, from a table that is built in.
//!
//! `regions/generate.py` writes the table; it names its source and explains its lines.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Holiday, Source};

const TABLE: &str = include_str!("../regions/regions.txt");

/// The years of the table.
pub const REGION_YEARS: RangeInclusive<i16> = 2020..=2035;

/// A country or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// ISO 3166-1, two capitals: `DE`.
    pub country: String,
    /// The second half of ISO 3166-2, such as `BY`, or a name the table has; empty: the holidays
    /// of the whole country alone.
    #[serde(default)]
    pub subdivision: String,
}

/// A region that the table does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownRegion {
    /// No such country.
    #[error("is not a country of the table; it has {}", codes(countries()))]
    Country,
    /// No such part of it.
    #[error("is not a subdivision of the country in the table; it has {}", codes(subdivisions(.0)))]
    Subdivision(String),
}

impl Region {
    /// `DE` or `DE-BY`.
    #[must_use]
    pub fn code(&self) -> String {
        match self.subdivision.as_str() {
            "" => self.country.clone(),
            subdivision => format!("{}-{subdivision}", self.country),
        }
    }

    /// Its public holidays over [`REGION_YEARS`], one a date, in order.
    ///
    /// # Errors
    /// When the table does not have it.
    pub fn holidays(&self) -> Result<Vec<Holiday>, UnknownRegion> {
        let mut days = BTreeSet::new();
        let country = section(&self.country).filter(|_| !self.country.contains('-'));
        apply(country.ok_or(UnknownRegion::Country)?, &mut days);
        let code = self.code();
        if !self.subdivision.is_empty() {
            let unknown = || UnknownRegion::Subdivision(self.country.clone());
            apply(section(&code).ok_or_else(unknown)?, &mut days);
        }
        let mut names: BTreeMap<Date, Vec<&str>> = BTreeMap::new();
        for (date, name) in days {
            names.entry(date).or_default().push(name);
        }
        let holiday = |(date, names): (Date, Vec<&str>)| Holiday {
            date,
            name: names.join("; "),
            source: Source::Region(code.clone()),
        };
        Ok(names.into_iter().map(holiday).collect())
    }
}

/// The countries of the table with their names, by code.
pub fn countries() -> impl Iterator<Item = (&'static str, &'static str)> {
    titles().filter(|(code, _)| !code.contains('-'))
}

/// The subdivisions of a country in the table, by code without the country's; a name may be empty.
pub fn subdivisions(country: &str) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
    titles().filter_map(move |(code, name)| {
        let rest = code.strip_prefix(country)?.strip_prefix('-')?;
        Some((rest, name))
    })
}

fn titles() -> impl Iterator<Item = (&'static str, &'static str)> {
    let titles = TABLE.lines().filter_map(|line| line.strip_prefix('@'));
    titles.map(|title| title.split_once(' ').unwrap_or((title, "")))
}

fn codes(of: impl Iterator<Item = (&'static str, &'static str)>) -> String {
    let codes: Vec<&str> = of.map(|(code, _)| code).collect();
    if codes.is_empty() {
        return "none".to_owned();
    }
    codes.join(", ")
}

/// The lines of a region: its holidays.
fn section(code: &str) -> Option<impl Iterator<Item = &'static str>> {
    let mut lines = TABLE.lines();
    lines.find(|line| {
        let title = line
            .strip_prefix('@')
            .and_then(|rest| rest.strip_prefix(code));
        title.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    })?;
    Some(lines.take_while(|line| !line.starts_with('@')))
}

/// Adds what the lines name, and takes away what they name with a minus.
fn apply(lines: impl Iterator<Item = &'static str>, days: &mut BTreeSet<(Date, &'static str)>) {
    let series: Vec<&str> = TABLE
        .lines()
        .filter_map(|line| line.strip_prefix("= "))
        .collect();
    for line in lines {
        let (number, name) = line.split_once(' ').unwrap_or((line, ""));
        let without = number.strip_prefix('-');
        let number = without.unwrap_or(number).parse::<usize>().ok();
        let dates = number.and_then(|number| series.get(number));
        for date in dates.into_iter().flat_map(|dates| self::dates(dates)) {
            match without {
                Some(_) => days.remove(&(date, name)),
                None => days.insert((date, name)),
            };
        }
    }
}

/// The dates of a series, year by year.
fn dates(series: &str) -> impl Iterator<Item = Date> + '_ {
    let once = (!series.contains(' ')).then_some(series);
    let mut each = series.split(' ');
    REGION_YEARS.flat_map(move |year| {
        let days = once.or_else(|| each.next()).unwrap_or("-");
        days.split('+').filter_map(move |day| date(year, day))
    })
}

/// `1231` of a year; nothing for `-`.
fn date(year: i16, day: &str) -> Option<Date> {
    let (month, day) = day.split_at_checked(2)?;
    Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_read_to_its_last_line() {
        let series: Vec<&str> = TABLE
            .lines()
            .filter_map(|line| line.strip_prefix("= "))
            .collect();
        let years = REGION_YEARS.count();
        for line in &series {
            let each: Vec<&str> = line.split(' ').collect();
            assert!(each.len() == 1 || each.len() == years, "{line}");
            assert!(dates(line).next().is_some(), "{line}");
            let days = each.iter().flat_map(|days| days.split('+'));
            let known = |day: &str| day == "-" || day == "0229" || date(2021, day).is_some();
            assert!(days.clone().all(known), "{line}");
        }
        let (mut holidays, mut regions) = (0, 0);
        for line in TABLE.lines() {
            if line.starts_with('@') {
                regions += 1;
            } else if !line.starts_with(['#', '=']) {
                let (number, name) = line.split_once(' ').unwrap();
                let number: usize = number.trim_start_matches('-').parse().unwrap();
                assert!(number < series.len() && !name.is_empty(), "{line}");
                holidays += 1;
            }
        }
        assert!(regions > 800 && holidays > 5_000, "{regions} {holidays}");
        assert_eq!(
            countries().count(),
            countries().collect::<BTreeSet<_>>().len()
        );
    }

    #[test]
    fn every_region_has_its_holidays() {
        for (country, _) in countries() {
            let region = |subdivision: &str| Region {
                country: country.to_owned(),
                subdivision: subdivision.to_owned(),
            };
            let whole = region("").holidays().unwrap();
            assert!(whole.is_sorted_by_key(|day| day.date));
            if let Some((subdivision, _)) = subdivisions(country).next() {
                assert!(
                    region(subdivision).holidays().is_ok(),
                    "{country} {subdivision}"
                );
            }
        }
    }
}
