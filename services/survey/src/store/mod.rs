//! The tables of this service: entities, and the questions asked of them.

pub mod answer;
pub mod invitation;
pub mod migrations;
pub mod requester;
pub mod survey;
pub mod ticket;
