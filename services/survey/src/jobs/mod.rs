//! Background work: the journal's consumer, and the timers that invite and expire.

pub mod consumer;
pub mod timers;
