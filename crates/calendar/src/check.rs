//! What is wrong with a spec: all of it at once.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::day::{Span, split};
use crate::{Spec, TimeOfDay};

/// Something wrong with a [`Spec`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: `zone`, `week[2].from`, `overrides[0].hours[1]`.
    pub field: String,
    /// What.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// A spec that makes no calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid calendar: {}", list(problems))]
pub struct InvalidCalendar {
    /// Everything found, never empty.
    pub problems: Vec<Problem>,
}

fn list(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(Problem::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

/// The zone of a sound spec.
pub(crate) fn check(spec: &Spec) -> Result<TimeZone, InvalidCalendar> {
    let mut problems = Problems::default();
    let zone = TimeZone::get(&spec.zone);
    if zone.is_err() {
        problems.add(
            "zone",
            format!("{:?} is not in the IANA time zone database", spec.zone),
        );
    }
    problems.check_week(spec);
    problems.check_overrides(spec);
    if spec.week.is_empty() && spec.overrides.iter().all(|date| date.hours.is_empty()) {
        problems.add("week", "never open: nothing could ever become due");
    }
    match zone {
        Ok(zone) if problems.found.is_empty() => Ok(zone),
        _ => Err(InvalidCalendar {
            problems: problems.found,
        }),
    }
}

#[derive(Default)]
struct Problems {
    found: Vec<Problem>,
}

impl Problems {
    fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.found.push(Problem {
            field: field.into(),
            message: message.into(),
        });
    }

    fn check_week(&mut self, spec: &Spec) {
        let mut days: [Vec<(Span, usize)>; 7] = Default::default();
        for (index, shift) in spec.week.iter().enumerate() {
            let field = format!("week[{index}]");
            if !self.check_hours(&field, shift.from, shift.to) {
                continue;
            }
            let (own, next) = split(shift.from, shift.to);
            let day = shift.day.index();
            days[day].push((own, index));
            days[(day + 1) % 7].extend(next.map(|span| (span, index)));
        }
        for day in &mut days {
            self.check_overlap(day, |index| format!("week[{index}]"));
        }
    }

    fn check_overrides(&mut self, spec: &Spec) {
        let mut dates: BTreeMap<Date, usize> = BTreeMap::new();
        for (index, date) in spec.overrides.iter().enumerate() {
            if let Some(first) = dates.insert(date.date, index) {
                let field = format!("overrides[{index}].date");
                self.add(
                    field,
                    format!("{} already stands in overrides[{first}]", date.date),
                );
            }
            let field = |hours| format!("overrides[{index}].hours[{hours}]");
            let mut day = Vec::new();
            for (at, hours) in date.hours.iter().enumerate() {
                if self.check_hours(&field(at), hours.from, hours.to) {
                    day.push((split(hours.from, hours.to).0, at));
                }
            }
            self.check_overlap(&mut day, field);
        }
    }

    fn check_hours(&mut self, field: &str, from: TimeOfDay, to: TimeOfDay) -> bool {
        if from == to {
            let whole = "write 00:00 to 24:00 for a whole day";
            self.add(field, format!("begins and ends at {from}: {whole}"));
        } else if from == TimeOfDay::END {
            self.add(
                format!("{field}.from"),
                "24:00 is the end of the day, not its beginning",
            );
        } else {
            return true;
        }
        false
    }

    fn check_overlap(&mut self, day: &mut [(Span, usize)], field: impl Fn(usize) -> String) {
        day.sort_unstable();
        for pair in day.windows(2) {
            let ((before, first), (after, second)) = (pair[0], pair[1]);
            if after.from < before.to {
                self.add(field(second), format!("overlaps {}", field(first)));
            }
        }
    }
}
