//! The tables this service owns: versioned settings, per ticket its state, clocks and facts, and the
//! notices on their way out.
//!
//! Written for batches: a batch of events costs one query per table to load and one statement per
//! table to save, whatever the number of its tickets.

pub mod actions;
pub mod alerts;
pub mod clocks;
mod columns;
pub mod dead_letters;
pub mod deliveries;
mod delivery_tables;
mod due;
pub mod facts;
pub mod forecasts;
pub mod listing;
pub mod migrations;
pub mod notification_targets;
pub mod rebases;
pub mod settings;
pub mod tickets;
