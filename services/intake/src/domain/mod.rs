//! What a ticket is and how it lives: pure types and rules, no database, no wire, no clock.
//!
//! [`lifecycle`] is the state machine, [`conversation`] what a message does to it and [`thanks`]
//! the rule that keeps a "thank you" from reopening a ticket. [`facts`] holds what may be edited,
//! [`language`] and [`repeat`] what is worked out when a ticket comes in, [`filter`] and [`order`]
//! how tickets are asked for.

pub mod conversation;
pub mod facts;
pub mod filter;
pub mod language;
pub mod lifecycle;
pub mod order;
pub mod repeat;
pub mod thanks;
pub mod ticket;
pub mod words;
