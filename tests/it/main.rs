//! Flows through all services, and what becomes of them when something dies.
//!
//! [`desk`] runs the suite in this process on a clock that the test moves, [`live`] the same with
//! its jobs running by themselves, [`program`] starts the real program. The rest are the claims.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod clients;
mod desk;
mod live;
mod program;

mod alarms;
mod calls;
mod checked;
mod crashes;
mod journey;
mod mentors;
mod mishaps;
mod outages;
mod reasons;
mod refusals;
mod replay;
mod serving;
mod shaken;
mod trace;
mod words;
