//! Which running clocks will break their promise: an online model that can say why.
//!
//! **The question.** A running clock is due at a known instant, so a breach within some horizon
//! means: due within it, and still running then. So all there is to estimate is how long a clock
//! like this one goes on running. A clock whose due time lies beyond the horizon cannot be breached
//! within it, and one that stands still has no due time at all: it is not forecast, only counted
//! apart where it would be due within the horizon if it ran on now.
//!
//! **What is learned** ([`lifetime`]). Every life of a clock is cut into stays, one for each status that
//! its ticket was in while it ran: how long the ticket stayed, and how long the clock ran on from
//! the beginning of the stay, whatever ended it (a fulfilment, a pause, a cancellation). Clocks that
//! still run say "at least so long": right-censored, not left out.
//!
//! **The estimate** ([`model`]). Among past stays in the same status that had lasted as long as this
//! one has (landmarking; van Houwelingen, Scandinavian Journal of Statistics 34, 2007), the
//! Kaplan-Meier share of clocks that ran on for the time this one has left. Recent stays weigh
//! more. Cells get finer from metric and status over priority to group, and each is pulled towards
//! the coarser one by as much as it lacks examples, so that a rare cell says what its relatives do.
//!
//! **Today** ([`load`]). Work that goes on faster or slower than in the period learned from stretches
//! the time that is left: by the work done lately for each ticket open, and by who is at work now.
//!
//! Nothing is learned by heart: the model is rebuilt from the clocks of a window, in well below a
//! second, and says of every figure how many clocks it was learned from.

pub mod lifetime;
pub mod load;
pub mod model;
mod words;

pub use lifetime::{Kind, Lifetime};
pub use load::{Load, Pace, Staffing};
pub use model::{Chance, Model, Present, Settings};
pub use words::reasons;
