//! Background work: reading the journal, giving away what waits, ending presences, offers and what
//! follows tickets, learning.

pub(crate) mod arrivals;
pub(crate) mod dispatcher;
pub(crate) mod evidence;
pub(crate) mod keeper;
pub(crate) mod learning;
pub(crate) mod presence;
pub(crate) mod timers;
pub(crate) mod tracker;
