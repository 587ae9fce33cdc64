//! A support desk played through in virtual time, with the real routing.
//!
//! [`scenario`] says what a desk is like: who works there when, what comes in, how long it takes,
//! how patient people are. [`arrivals`] draws its tickets; a history has its own. [`world`] plays
//! them: events in their order on a clock of its own, no database, no waiting. Who gets what is
//! decided by [`router`], which drives the same index as the service; [`crew`] is what the agents do
//! with it. Whoever watches is told everything that happened ([`Happened`]) and adds it up.

pub(crate) mod arrivals;
pub(crate) mod chance;
pub(crate) mod crew;
pub(crate) mod happened;
mod ids;
pub(crate) mod router;
pub mod scenario;
mod singly;
pub(crate) mod world;

pub use chance::Lasts;
pub use happened::{Happened, There};
pub use router::Policy;
pub use scenario::{Problem, Scenario, Stage};
