//! Routing through real gRPC, on both databases and a manual clock.
#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod advising;
mod agents;
mod anchors;
mod assignment;
mod by_hand;
mod capacity;
mod cases;
mod chances;
mod concurrency;
mod configuration;
mod coverage;
mod dispatching;
mod duty;
mod explanation;
mod handing_over;
mod intake;
mod learning;
mod misroutes;
mod naive;
mod offers;
mod rebalancing;
mod reopening;
mod school;
mod shadows;
mod simulated;
mod simulation;
mod stage;
mod stepwise;
mod transfers;
mod trying;
mod trying_hours;
mod upgrading;
mod watching;
mod words;
mod workflows;
