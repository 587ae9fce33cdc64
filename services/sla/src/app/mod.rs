//! Use cases: settings are put ([`policies`], [`calendars`]), tickets are kept ([`keeper`]).

pub mod calendars;
pub mod catalogs;
pub mod clocks;
pub mod keeper;
pub mod policies;
mod put;
mod work;
