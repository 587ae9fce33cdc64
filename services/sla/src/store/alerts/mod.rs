//! Alerts: one row each ([`rows`]), what happened to it in steps ([`steps`]), and in pages
//! ([`listing`]).

pub mod listing;
pub(super) mod migration;
pub mod rows;
pub mod steps;
