//! What a vector says. See any file under `tests/vectors`.

use std::collections::BTreeMap;
use std::fmt;

use lotse_calendar::{Override, Shift};
use lotse_clock::Timestamp;
use lotse_sla::domain::{
    Author, BotPhase, Channel, Clock, Metric, Priority, Reason, ResolutionEnd, State, Status,
};
use lotse_sla::settings::Preset;
use serde::{Deserialize, Deserializer};

/// One conformance vector: what is configured, what happens, where the clocks then stand.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vector {
    /// The rule, in the contract's words.
    pub(crate) rule: String,
    #[serde(default)]
    pub(crate) calendars: Vec<CalendarText>,
    pub(crate) policies: Vec<PolicyText>,
    /// In the order in which they are recorded.
    pub(crate) events: Vec<EventText>,
    /// When to look.
    pub(crate) look: At,
    /// Every clock of the ticket, by metric and cycle.
    pub(crate) clocks: Vec<ClockText>,
    /// The same of the other ticket, where there is one.
    #[serde(default)]
    pub(crate) other_clocks: Vec<ClockText>,
    /// Everything that was told of the clocks, in order, where the vector is about that.
    #[serde(default)]
    pub(crate) told: Option<Vec<String>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CalendarText {
    pub(crate) name: String,
    pub(crate) zone: String,
    #[serde(default)]
    pub(crate) preset: Option<Preset>,
    #[serde(default)]
    pub(crate) week: Vec<Shift>,
    #[serde(default)]
    pub(crate) overrides: Vec<Override>,
    /// Whether the Put is for open tickets too.
    #[serde(default)]
    pub(crate) rebase: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyText {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) priorities: Vec<Priority>,
    /// Short names; the test makes ids of them.
    #[serde(default)]
    pub(crate) groups: Vec<String>,
    #[serde(default)]
    pub(crate) languages: Vec<String>,
    #[serde(default)]
    pub(crate) organisations: Vec<String>,
    pub(crate) targets: Vec<TargetText>,
    #[serde(default)]
    pub(crate) warn: Vec<u8>,
    #[serde(default = "solved")]
    pub(crate) ends_at: ResolutionEnd,
    #[serde(default = "human")]
    pub(crate) replies: Vec<Author>,
    #[serde(default = "counts")]
    pub(crate) bot_phase: BotPhase,
    /// Whether the Put is for open tickets too.
    #[serde(default)]
    pub(crate) rebase: bool,
}

fn counts() -> BotPhase {
    BotPhase::Counts
}

fn solved() -> ResolutionEnd {
    ResolutionEnd::Solved
}

fn human() -> Vec<Author> {
    vec![Author::Human]
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetText {
    pub(crate) metric: Metric,
    pub(crate) target: Span,
    #[serde(default)]
    pub(crate) priority: Option<Priority>,
    #[serde(default)]
    pub(crate) calendar: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventText {
    /// When it happened.
    pub(crate) at: At,
    /// When it is recorded, where that is later.
    #[serde(default)]
    pub(crate) recorded: Option<At>,
    /// Whether it happens to the other ticket.
    #[serde(default)]
    pub(crate) other: bool,
    /// For `created`: the requester's language.
    #[serde(default)]
    pub(crate) language: String,
    /// For `created`: the requester's organisation.
    #[serde(default)]
    pub(crate) organisation: String,
    #[serde(flatten)]
    pub(crate) what: What,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// The ticket is taken in with this priority.
    Created(Priority),
    /// Its status changes, by nobody in particular.
    Status(Status),
    /// A human agent changes its status.
    AgentSets(Status),
    /// The requester's message reopens it.
    Reopened(()),
    /// The requester writes.
    RequesterWrites {},
    /// Somebody writes to the requester.
    Reply(Author),
    /// A human agent adds an internal note.
    Note {},
    /// Its priority changes.
    Priority(Priority),
    /// It goes to this group by itself.
    Group(String),
    /// It waits in the queue of this group.
    Queued(String),
    /// Routing gives it to an agent of this group.
    PickedUp(String),
    /// A human agent transfers it to the queue of this group.
    Transfer(String),
    /// A human agent transfers it to another one of this group.
    TransferToAgent(String),
    /// A human agent escalates it to the queue of this group.
    Escalate(String),
    /// Its agent has it no longer.
    Released(()),
    /// The other ticket goes into this one.
    Merge {},
    /// A policy is put, new or changed.
    PutPolicy(PolicyText),
    /// A calendar is put, new or changed.
    PutCalendar(CalendarText),
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockText {
    pub(crate) metric: Metric,
    #[serde(default = "one")]
    pub(crate) cycle: u32,
    pub(crate) state: State,
    #[serde(default = "no_reason")]
    pub(crate) reason: Reason,
    pub(crate) target: Span,
    /// Consumed when looked at.
    pub(crate) used: Span,
    pub(crate) started: At,
    #[serde(default)]
    pub(crate) due: Option<At>,
    #[serde(default)]
    pub(crate) breached: Option<At>,
    #[serde(default)]
    pub(crate) fulfilled: Option<At>,
    #[serde(default)]
    pub(crate) cancelled: Option<At>,
    /// The highest share warned about.
    #[serde(default)]
    pub(crate) warned: u8,
}

fn one() -> u32 {
    1
}

fn no_reason() -> Reason {
    Reason::None
}

impl EventText {
    /// When it is recorded.
    pub(crate) fn recorded(&self) -> Timestamp {
        self.recorded.unwrap_or(self.at).0
    }
}

impl ClockText {
    /// What is said of `clock` at `look`.
    pub(crate) fn of(clock: &Clock, look: Timestamp) -> Self {
        let times = clock.times;
        Self {
            metric: clock.metric,
            cycle: clock.cycle,
            state: clock.state,
            reason: clock.reason,
            target: Span(clock.terms.target),
            used: Span(clock.used(look)),
            started: At(clock.started_at),
            due: times.due.map(At),
            breached: times.breached.map(At),
            fulfilled: times.fulfilled.map(At),
            cancelled: times.cancelled.map(At),
            warned: clock.warned,
        }
    }
}

/// Short names of groups as ids, made up once per run.
#[derive(Default)]
pub(crate) struct Groups(BTreeMap<String, String>);

impl Groups {
    /// The id of a group.
    pub(crate) fn id(&mut self, name: &str) -> String {
        let made = || lotse_ids::GroupId::generate(Timestamp::EPOCH).to_string();
        self.0.entry(name.to_owned()).or_insert_with(made).clone()
    }
}

/// The channel of every ticket here.
pub(crate) const CHANNEL: Channel = Channel::Email;

/// An instant, written as in `2026-03-02 09:00`, in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At(pub(crate) Timestamp);

/// A span in milliseconds, written as in `1h 30m`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) i64);

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let local: jiff::civil::DateTime = text.parse().map_err(serde::de::Error::custom)?;
        let zoned = local
            .to_zoned(jiff::tz::TimeZone::UTC)
            .map_err(serde::de::Error::custom)?;
        Ok(Self(Timestamp::from_millis(
            zoned.timestamp().as_millisecond(),
        )))
    }
}

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = jiff::Timestamp::from_millisecond(self.0.as_millis()).unwrap();
        write!(f, "{at}")
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let span: jiff::SignedDuration = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Self(
            i64::try_from(span.as_millis()).map_err(serde::de::Error::custom)?,
        ))
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", jiff::SignedDuration::from_millis(self.0))
    }
}
