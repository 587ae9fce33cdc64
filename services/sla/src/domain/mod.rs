//! What time is kept on, and how: pure, without a database, a network or a clock of its own.
//!
//! [`Ticket::step`] takes one [`Fact`] to a ticket's clocks, [`Ticket::pass`] lets time run out.
//! Both are deterministic, so that a ticket's clocks are a function of its facts: timers may fire
//! late, twice or never, and [`late`] replays the facts when one arrives behind its time. The rules
//! are those of the timing contract; the files under `tests/vectors` show each of them.

mod alert;
mod alert_words;
mod catalog;
mod clock;
mod escalation;
mod explain;
mod fact;
mod fit;
pub mod forecast;
mod hands;
mod hours;
mod late;
mod life;
mod merge;
mod policy;
mod reaction;
mod recipients;
mod record;
mod replan;
mod retry;
mod sentence;
mod ticket;
mod vocabulary;

pub use alert::{Alert, Happening, Told};
pub use alert_words::{
    ActionKind, ActionState, AlertState, HandOn, MissingReason, Resolution, StepKind, TargetKind,
};
pub use catalog::{CalendarVersion, Catalog, Plan, PlanRef, PolicyVersion, UnknownVersion};
pub use clock::{Change, Clock, ClockTimes, Transition};
pub use escalation::{EscalationContent, EscalationTarget, Level};
pub use explain::{Kind, Phase, Schedule, Segment, Special, explain};
pub use fact::{Event, Fact, Hand, Replan};
pub use fit::Held;
pub use hours::{CalendarRef, Hours, PolicyRef, Terms};
pub use late::reconcile;
pub use life::{Cause, Flow, Life, Lives, Mark, Source};
pub use policy::{Conditions, Facts, PolicyContent, Target};
pub use reaction::{HandedOn, Reaction};
pub use recipients::{Answers, Call, Missing, Question, Recipient, Recipients};
pub use record::Record;
pub use retry::Retry;
pub(crate) use sentence::instant;
pub use ticket::{Tally, Ticket};
pub use vocabulary::{
    Author, Bot, BotPhase, Channel, Metric, Mode, Priority, Reason, ResolutionEnd, State, Status,
};
