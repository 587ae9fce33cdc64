//! The tables this service owns: versioned settings, and per ticket its state, clocks and facts.
//!
//! Written for batches: a batch of events costs one query per table to load and one statement per
//! table to save, whatever the number of its tickets.

pub mod clocks;
mod columns;
pub mod facts;
pub mod listing;
pub mod migrations;
pub mod settings;
pub mod tickets;
