//! The pure part: how events become facts, how a question's period and filter are read, and how
//! counts become figures. No database, no network, no wall clock.

pub mod code;
pub mod detail;
pub mod facts;
pub mod figure;
pub mod filter;
pub mod invitation;
pub mod sla_clock;
pub mod steps;
pub mod ticket;
