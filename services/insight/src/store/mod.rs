//! The tables `insight_*` and everything that is asked of them.
//!
//! Statements are written by hand: facts are loaded and written by the batch, and figures are
//! aggregates that a query builder would only make harder to read. Both databases understand `$1`,
//! so one text serves both; where they differ ([`mod@select`]) it stands twice.

mod drill;
mod facts;
mod rows;
mod schema;
mod select;
mod tally;
mod text;
mod ticket;

pub use drill::{Page, tickets};
pub use facts::{clear, load, save};
pub use schema::migrations;
pub use select::{Condition, Selection};
pub use tally::{Group, Tallies, first_creation, tallies};
