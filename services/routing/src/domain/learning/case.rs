//! A ticket as the model sees it, and where it ended.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;

/// A word of the ticket's text, hashed with a secret (see [`super::Lexicon`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(pub u64);

/// What is known of a ticket when its group is to be found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    /// Its attributes by name (`category`, `subcategory`, `symptom`, `channel`, `requester`,
    /// `location`, …). What is not known is left out.
    pub fields: BTreeMap<String, String>,
    /// Words of its subject and first message; repetitions count once.
    pub words: Vec<Word>,
    /// The group that people chose first; only for the re-router.
    pub first_group: Option<String>,
}

/// A ticket, and where it ended or stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The ticket.
    pub case: Case,
    /// Where it ended; of a ticket that is not resolved yet, where it stands now.
    pub group: String,
    /// When the ticket was opened: the older, the less it weighs.
    pub at: Timestamp,
    /// Whether it is resolved. Where an open ticket stands now is the weaker evidence.
    pub settled: bool,
}
