//! Business time: when a team is at work, and how long that is.
//!
//! A [`Spec`] says it in local terms (hours a week, exceptions by date, a zone); a [`Calendar`] is
//! such a spec, checked, ready to compute: when a budget of business time is used up
//! ([`Calendar::advance`]), how much of it passed between two instants ([`Calendar::elapsed`]).
//! Pure: no clock is read, a zone's rules come from the IANA database.
//!
//! A local time that a clock change skips is taken as much later as the gap is long, one that comes
//! twice as its first occurrence (RFC 5545, section 3.3.5; jiff calls it `compatible`).

mod calendar;
mod check;
mod day;
mod ics;
mod regions;
mod rules;
mod spans;
mod spec;
mod special;
mod time_of_day;
mod walk;

pub use calendar::{Calendar, HORIZON, NeverReached};
pub use check::{InvalidCalendar, Problem};
pub use ics::{FILE_DATES, FileHolidays, FileProblem, HolidayFile, MAX_FILE_DATES};
pub use regions::{REGION_YEARS, Region, UnknownRegion, countries, subdivisions};
pub use spans::{Because, ClockChange, State, Stretch};
pub use spec::{Hours, Override, Shift, Spec, Weekday};
pub use special::{Holiday, Source, SpecialDay};
pub use time_of_day::{NotATime, TimeOfDay};
