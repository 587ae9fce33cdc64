//! Background work: follows the journal ([`consumer`]), fires what is due ([`timers`], [`alerts`]),
//! sends notices ([`deliveries`]), tells open tickets of edits that are for them too ([`rebase`]).

pub mod alerts;
pub mod consumer;
pub mod deliveries;
pub mod rebase;
pub mod timers;
