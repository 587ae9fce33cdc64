//! Background work: reading the journal, giving away what waits, ending presences.

pub(crate) mod dispatcher;
pub(crate) mod presence;
pub(crate) mod tracker;
