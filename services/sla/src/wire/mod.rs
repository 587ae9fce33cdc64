//! Between protobuf messages and domain types.

pub(crate) mod activity;
pub(crate) mod alert;
pub(crate) mod alerted;
pub(crate) mod calendar;
pub(crate) mod changed;
pub(crate) mod clock;
mod conditions;
pub(crate) mod enums;
pub(crate) mod escalation;
pub(crate) mod explain;
pub(crate) mod forecast;
pub(crate) mod holidays;
pub(crate) mod news;
pub(crate) mod notification;
pub(crate) mod plan;
pub(crate) mod policy;
mod reactions;
mod smtp;
