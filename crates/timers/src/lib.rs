//! Timers: an index over rows that are due, never the truth about them.
//!
//! The row that is due stores its `due_at` and a `generation` in SQL. A [`TimerStore`] only says
//! "look at row R, generation G, now"; a [`Worker`] claims what is due and hands it to the owner of
//! the rows ([`DueRows`]), whose transaction decides. So a timer may fire twice, late, or after its
//! store was lost, and the effect is still exactly once.
//!
//! Two stores keep one contract (`tests/it/suite.rs`): [`LocalTimers`] in this process and
//! [`RedisTimers`] shared by replicas.

mod entry;
mod local;
mod redis;
mod rows;
mod store;
mod worker;

pub use entry::{Entry, LANES};
pub use local::LocalTimers;
pub use redis::RedisTimers;
pub use rows::DueRows;
pub use store::{Claim, Rearm, StoreError, TimerStore};
pub use worker::Worker;
