//! Learning where tickets end up: from what is known of a ticket to the chance of each group.
//!
//! [`case`] is a ticket as the model sees it, [`settings`] what can be chosen, [`model`] learns and
//! answers. Below it, [`features`] takes a case apart, [`rows`] holds the weights of its parts,
//! [`descent`] finds them, [`calibration`] makes the answers mean what they say, [`snapshot`] turns
//! a model into bytes and back, and [`lexicon`] turns text into words that tell nobody the text.
//!
//! A model without and one with the group that people chose first are the same machinery: the
//! second is simply told [`case::Case::first_group`] of its examples and its cases.
//!
//! Everything here is deterministic: the same examples in the same order give the same bytes.

mod calibration;
mod case;
mod descent;
mod features;
mod lexicon;
mod model;
mod rows;
mod settings;
mod snapshot;

pub use case::{Case, Example, Word};
pub use lexicon::Lexicon;
pub use model::{Influence, Model, Ranked, Ranking};
pub use settings::Settings;
pub use snapshot::Unreadable;

#[cfg(test)]
mod tests;
