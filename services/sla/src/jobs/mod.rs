//! Background work: follows the journal ([`consumer`]), fires what is due ([`timers`]).

pub mod consumer;
pub mod deliveries;
pub mod timers;
