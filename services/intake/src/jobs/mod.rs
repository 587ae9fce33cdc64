//! Background work: the projection of routing's events, and closing what was solved long enough.

mod assignments;
mod closing;

pub(crate) use assignments::Assignments;
pub(crate) use closing::Closing;
