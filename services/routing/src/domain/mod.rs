//! Routing as pure rules: no database, no network, no clock of its own.
//!
//! [`agent`] and [`group`] are what operators configure, as versions of a [`setting`], [`workflow`]
//! leads a ticket to a group by [`conditions`] and along a [`way`] ([`workflow_check`] says what is
//! wrong with one), [`placement`] says where it stands and what it asks, [`choice`] leads
//! it from the group to an agent, [`queue`] decides whose turn it is when many
//! wait. [`item`] is a ticket as routing sees it, [`offer`] asks an agent to take it, [`channel`] is
//! what differs by where it came from, [`decision`] the record of what was decided and why,
//! [`words`] tells it to people, [`case`] recomputes it for one agent, and [`hops`] watches how often it is passed on.
//!
//! [`rota`] is who is on duty when as configured, [`turns`] finds whose turn it is, [`duty`] adds
//! the exceptions and whoever else stands in, [`turn_list`] tells all turns of a while, and
//! [`hand_over_note`] is what is left for the next; [`supervision`] says whose replies a mentor approves. [`shift_plan`] is when each agent should be at work,
//! [`cover`] has one group answer for another, and [`coverage`] finds when too few will be there.
//!
//! [`learning`] finds from history which group a ticket will end in: from [`evidence`], as good as
//! its [`quality`] says; [`advice`] is what it says about one ticket. [`chance`] is how likely an
//! agent is to solve one.
//!
//! [`index`] holds all that waits and everybody who is free, and plans; by [`matching`] where several
//! meet several, and with the [`chances`] that were learned.

pub(crate) mod advice;
pub(crate) mod agent;
pub(crate) mod case;
pub(crate) mod chance;
pub(crate) mod chances;
pub(crate) mod channel;
pub(crate) mod choice;
pub(crate) mod codes;
pub(crate) mod conditions;
pub(crate) mod cover;
pub(crate) mod coverage;
pub(crate) mod decision;
pub(crate) mod directory;
pub(crate) mod duty;
pub(crate) mod evidence;
pub(crate) mod group;
pub(crate) mod hand_over_note;
pub(crate) mod hops;
pub(crate) mod index;
pub(crate) mod item;
pub(crate) mod language;
pub mod learning;
pub(crate) mod matching;
pub(crate) mod offer;
pub(crate) mod placement;
pub(crate) mod quality;
pub(crate) mod queue;
pub(crate) mod rebalance;
pub(crate) mod review;
pub(crate) mod rota;
pub(crate) mod setting;
pub(crate) mod shift_plan;
pub(crate) mod supervision;
pub(crate) mod turn_list;
pub(crate) mod turns;
pub(crate) mod way;
pub(crate) mod weight;
pub(crate) mod words;
pub(crate) mod workflow;
pub(crate) mod workflow_check;

#[cfg(test)]
pub(crate) mod samples;
