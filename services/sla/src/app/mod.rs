//! Use cases: settings are put ([`policies`], [`calendars`], [`notification_targets`]), tickets are
//! kept ([`keeper`]), people are told ([`alerts`]), notices that did not arrive are tried again ([`dead_letters`]).

pub mod actions;
pub mod alerts;
pub mod calendars;
pub mod catalogs;
pub mod clocks;
pub mod dead_letters;
pub mod differences;
mod editions;
mod explain;
pub mod forecast;
mod history;
pub mod keeper;
pub mod lag;
pub mod notification_targets;
pub mod policies;
mod put;
mod special_days;
pub mod verify;
pub mod watch;
mod work;
