//! Shares, means and survey scores, each with the 95 % interval that belongs to it.
//!
//! Scores are computed from histograms, never from averages of averages. Without observations a
//! figure is absent, never zero.

mod histogram;
mod interval;

pub use histogram::Histogram;
pub use interval::{Estimate, mean, net_promoter, share};
