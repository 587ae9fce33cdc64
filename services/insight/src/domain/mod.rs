//! The pure part of a question: how its period and filter are read, and how counts become figures.
//! No database, no network, no wall clock. How events become facts is in [`crate::facts`].

pub mod figure;
pub mod filter;
pub mod steps;
