//! Whom to ask, what to ask, and what an answer may be: pure rules.

pub mod caps;
pub mod invitation;
pub mod kind;
pub mod text;
