//! Time, injected.
//!
//! Two kinds of time, two types. [`BusinessClock`] stamps events and decides what is due; it can
//! be driven by hand, so that a day of tickets replays in seconds. [`SystemClock`] is for leases,
//! I/O deadlines and authentication, which are promises between machines and always real.
//! Nothing outside this crate reads a clock directly.

mod business;
mod system;
mod timestamp;

pub use business::{BusinessClock, ClockError};
pub use system::SystemClock;
pub use timestamp::Timestamp;
