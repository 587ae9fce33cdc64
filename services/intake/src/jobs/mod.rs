//! Background work: the projections of routing's events, and closing what was solved long enough.

mod assignments;
mod closing;
mod supervision;

pub(crate) use assignments::Assignments;
pub(crate) use closing::Closing;
