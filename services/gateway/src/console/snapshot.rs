//! What the console shows at one instant. The page shows these values and computes none: ages and
//! shares are counted here, against the business clock.
//!
//! What a service did not say is `null`, and shown as "–", never as 0.

use serde::Serialize;

/// Everything on the page.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Snapshot {
    /// The instant shown, in milliseconds since the epoch.
    pub as_of: i64,
    /// IANA name of the zone to show times in.
    pub time_zone: String,
    /// Services that did not answer.
    pub away: Vec<&'static str>,
    /// Tickets whose turn is ours.
    pub queue: Option<Queue>,
    /// Alerts that are not over.
    pub alerts: Option<Alerts>,
    /// Who works.
    pub team: Option<Team>,
    /// How it goes.
    pub kpis: Option<Kpis>,
    /// What requesters say, by kind of survey.
    pub scores: Option<Vec<Score>>,
    /// The latest answers, newest first.
    pub answers: Option<Vec<Answer>>,
    /// The latest transfers and escalations, newest first.
    pub ticker: Vec<Happening>,
}

/// Tickets whose turn is ours: NEW and OPEN.
#[derive(Clone, Debug, Serialize)]
pub struct Queue {
    /// The most urgent ones, most urgent first.
    pub tickets: Vec<Ticket>,
    /// How many there are.
    pub open: usize,
    /// Whether there are more than were looked at.
    pub more: bool,
    /// How many have a clock that is past due.
    pub overdue: usize,
}

/// One ticket of the queue.
#[derive(Clone, Debug, Serialize)]
pub struct Ticket {
    /// `tkt_…`
    pub id: String,
    /// The readable number.
    pub number: u64,
    /// One line.
    pub subject: String,
    /// `email`, `chat` …
    pub channel: &'static str,
    /// BCP 47; empty when unknown.
    pub language: String,
    /// `urgent`, `high`, `normal`, `low`.
    pub priority: &'static str,
    /// Seconds since it was created.
    pub age: i64,
    /// Seconds since somebody last did something about it.
    pub idle: i64,
    /// From 0 (calm) to 1 (past due).
    pub heat: f64,
    /// The most urgent clock; none when none runs.
    pub clock: Option<Clock>,
    /// Name of who has it; none when nobody.
    pub assignee: Option<String>,
    /// Name of the group that has it.
    pub group: Option<String>,
}

/// An SLA clock that runs, or ran out.
#[derive(Clone, Debug, Serialize)]
pub struct Clock {
    /// What it measures, as in `first_reply` or `idle`.
    pub metric: &'static str,
    /// Used share of the target; 1 and above is past due.
    pub share: f64,
    /// Seconds until it is due, negative past that; none when the calendar does not say.
    pub left: Option<i64>,
}

/// Alerts that are not over.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Alerts {
    /// The oldest first.
    pub open: Vec<Alert>,
    /// How many newer ones there are, as far as they were counted.
    pub more: usize,
}

/// Somebody must look at a ticket.
#[derive(Clone, Debug, Serialize)]
pub struct Alert {
    /// `alr_…`
    pub id: String,
    /// The ticket's number.
    pub number: Option<u64>,
    /// The ticket's subject.
    pub subject: Option<String>,
    /// What its clock measures: `first_reply` …
    pub metric: &'static str,
    /// The share of the target that it warned about, in percent; 0 for a breach.
    pub percent: u32,
    /// Seconds past due; none for a warning.
    pub late: Option<i64>,
    /// The level told last, from 1; 0 before the first.
    pub level: u32,
    /// Whether it waits for support hours.
    pub held: bool,
    /// Who was told, in order.
    pub told: Vec<Told>,
    /// Name of who takes care; none while nobody does.
    pub acknowledged_by: Option<String>,
}

/// A level was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Names of the agents.
    pub names: Vec<String>,
    /// Seconds since.
    pub age: i64,
}

/// Who works, and what waits for them.
#[derive(Clone, Debug, Serialize)]
pub struct Team {
    /// Tickets that nobody has.
    pub unassigned: u32,
    /// By name.
    pub agents: Vec<Agent>,
}

/// One agent.
#[derive(Clone, Debug, Serialize)]
pub struct Agent {
    /// Their name.
    pub name: String,
    /// `online`, `away`, `not responding` or `offline`.
    pub presence: &'static str,
    /// How much of the capacity is taken.
    pub load: f64,
    /// Tickets that they are being asked to take; their room is taken.
    pub offered: u32,
    /// Tickets that they can hold.
    pub capacity: u32,
}

/// A figure and what it rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figure {
    /// Counts, shares from 0 to 1, or seconds; none without an observation.
    pub value: Option<f64>,
    /// Observations.
    pub n: i64,
    /// The median, where there is one.
    pub p50: Option<f64>,
    /// What 90 % do not exceed.
    pub p90: Option<f64>,
    /// Whether it can still change by its definition.
    pub provisional: bool,
}

/// How it goes: `created` and `solved` since midnight, `backlog` now, the rest over 24 hours.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Kpis {
    /// Tickets created today.
    pub created: Figure,
    /// Tickets solved today.
    pub solved: Figure,
    /// Unsolved tickets.
    pub backlog: Figure,
    /// Seconds from creation to the first human reply.
    pub first_reply: Figure,
    /// Seconds from creation to the last solution.
    pub resolution: Figure,
    /// Share solved at the first contact.
    pub first_contact: Figure,
    /// Share of tickets transferred.
    pub transfers: Figure,
    /// Share of tickets escalated.
    pub escalations: Figure,
    /// Share of SLA clocks met.
    pub sla: Figure,
}

/// What requesters say over 30 days.
#[derive(Clone, Debug, Serialize)]
pub struct Score {
    /// `csat`, `ces` or `nps`.
    pub kind: &'static str,
    /// CSAT and CES: share of good answers, 0 to 1; NPS: -1 to 1. None without an answer.
    pub value: Option<f64>,
    /// Lower and upper limit of the 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// Mean score; none for NPS.
    pub mean: Option<f64>,
    /// Answers.
    pub n: u64,
}

/// One answer. Whose ticket it was is not told: a wall is no pillory.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// `csat`, `ces` or `nps`.
    pub kind: &'static str,
    /// On the survey's scale.
    pub score: i32,
    /// The highest score of the scale.
    pub max: i32,
    /// `good`, `fair` or `bad`.
    pub verdict: &'static str,
    /// What the requester wrote; empty when nothing.
    pub comment: String,
    /// The ticket's number; none without a ticket.
    pub number: Option<u64>,
    /// Seconds since it was given.
    pub age: i64,
}

/// A transfer or an escalation.
#[derive(Clone, Debug, Serialize)]
pub struct Happening {
    /// `transfer` or `escalation`.
    pub kind: &'static str,
    /// The ticket's number.
    pub number: Option<u64>,
    /// Why, of a transfer: `wrong_skill` …
    pub reason: Option<&'static str>,
    /// Name of who had it, or of the group.
    pub from: Option<String>,
    /// Name of who has it now, or of the group.
    pub to: Option<String>,
    /// Seconds since.
    pub age: i64,
}
