//! A desk as a file describes it.
//!
//! Names are the file's, so that [`Scenario::stage`] can say which key is wrong. What is left out
//! has the quietest meaning: always there, always accepts, endlessly patient, nothing mistaken.

mod check;
pub(crate) mod class;
mod hours;
mod people;
mod stage;
mod workflow;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::civil::{Date, Time};
use serde::Deserialize;

pub use check::Problem;
pub use stage::Stage;
pub use workflow::{
    Conditions, Hours, OneOrMore, Open, PreferredSkills, Rule, SkipIf, Step, Workflow,
};

use super::chance::Lasts;

/// A desk, and what comes in.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// What it shows, for people.
    #[serde(default)]
    pub description: String,
    /// The first day.
    pub start: Date,
    /// How many days are counted.
    pub days: u32,
    /// Played before the first day and not counted, so that the desk is not empty when it begins.
    #[serde(default)]
    pub warm_up: SignedDuration,
    /// Where hours and days are local: an IANA time zone.
    #[serde(default = "utc")]
    pub zone: String,
    /// Where chance begins: the same seed draws the same tickets.
    #[serde(default = "one")]
    pub seed: u64,
    /// A ticket is served well when somebody begins with it within this time.
    #[serde(default)]
    pub begin_within: Option<SignedDuration>,
    /// The groups.
    pub groups: Vec<Group>,
    /// The agents.
    pub agents: Vec<Agent>,
    /// When agents work, by the name that they refer to.
    #[serde(default)]
    pub shifts: BTreeMap<String, Shift>,
    /// What comes in.
    pub tickets: Vec<Tickets>,
    /// Which group gets what.
    pub workflow: Workflow,
    /// How agents are asked.
    #[serde(default)]
    pub offers: Offers,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Unique.
    pub name: String,
    /// What all its tickets need, with least levels.
    #[serde(default)]
    pub required_skills: BTreeMap<String, u8>,
}

/// An agent, or several who are alike.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Unique; several who are alike are numbered.
    pub name: String,
    /// How many there are.
    #[serde(default = "one")]
    pub count: u64,
    /// The groups they work in.
    pub groups: Vec<String>,
    /// Their support level, 1 to 9.
    #[serde(default = "lowest")]
    pub tier: u8,
    /// Skills by name with levels 1 to 5.
    #[serde(default)]
    pub skills: BTreeMap<String, u8>,
    /// Languages with levels 1 to 5. None: language is not considered.
    #[serde(default)]
    pub languages: BTreeMap<String, u8>,
    /// Tickets they can hold.
    #[serde(default = "once")]
    pub capacity: u32,
    /// Tickets they work on at the same time; the others they hold wait in their hands.
    #[serde(default = "once")]
    pub at_once: u32,
    /// Their shifts. None: always there.
    #[serde(default)]
    pub shifts: Vec<String>,
    /// How much they get done in the time in which others get 1 done.
    #[serde(default = "unit")]
    pub speed: f64,
    /// What they need after each ticket before they can take the next.
    #[serde(default)]
    pub wrap_up: Option<Lasts>,
    /// The share of offers that they decline.
    #[serde(default)]
    pub declines: f64,
    /// The share of offers that they do not answer.
    #[serde(default)]
    pub ignores: f64,
}

/// When somebody works.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// On these days. None: every day.
    #[serde(default)]
    pub days: Vec<Day>,
    /// It begins.
    pub from: Time,
    /// It ends; on the next day when not after the beginning.
    pub to: Time,
    /// Breaks within it.
    #[serde(default)]
    pub breaks: Vec<Break>,
}

/// A break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Break {
    /// It begins.
    pub from: Time,
    /// It ends.
    pub to: Time,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "days of the week")]
pub enum Day {
    #[serde(alias = "monday")]
    Mon,
    #[serde(alias = "tuesday")]
    Tue,
    #[serde(alias = "wednesday")]
    Wed,
    #[serde(alias = "thursday")]
    Thu,
    #[serde(alias = "friday")]
    Fri,
    #[serde(alias = "saturday")]
    Sat,
    #[serde(alias = "sunday")]
    Sun,
}

/// Tickets of one class: how many, what routing knows of them, and what they really are.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tickets {
    /// The name of the class, unique.
    pub class: String,
    /// How many come in an hour, on the average of an hour with factor 1.
    pub per_hour: f64,
    /// Factors of the 24 hours of a day; none: all 1.
    #[serde(default)]
    pub by_hour: Vec<f64>,
    /// Factors of days of the week; 1 where there is none.
    #[serde(default)]
    pub by_weekday: BTreeMap<Day, f64>,
    /// What routing is told.
    #[serde(default)]
    pub told: Told,
    /// What some of them turn out to be. The rest is what routing was told.
    #[serde(default)]
    pub really: Vec<Really>,
    /// How long an agent works on one.
    pub handling: Lasts,
    /// How long customers wait for somebody to begin; none: as long as it takes.
    #[serde(default)]
    pub patience: Option<Lasts>,
    /// The share of those out of patience who write again, at most once, instead of leaving.
    #[serde(default)]
    pub write_again: f64,
    /// The first answer is promised within this time: the end of the first work on it.
    #[serde(default)]
    pub answer_within: Option<SignedDuration>,
}

/// What routing is told of a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Told {
    /// Where it comes from: `email`, `chat`, `phone`, `web`, `api`, `social` or `walk_in`.
    pub channel: String,
    /// How soon: `urgent`, `high`, `normal` or `low`.
    pub priority: String,
    /// What it is about.
    pub category: String,
    /// Labels.
    pub tags: Vec<String>,
    /// Other facts.
    pub attributes: BTreeMap<String, String>,
    /// The customer's language; empty when it does not matter.
    pub language: String,
    /// Skills that it requires.
    pub skills: Vec<String>,
}

/// What a ticket turns out to be once somebody looks at it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Really {
    /// The share of the tickets.
    pub share: f64,
    /// What it is about: an agent who could not have got it by this passes it on.
    #[serde(default)]
    pub category: Option<String>,
    /// Skills that it really requires.
    #[serde(default)]
    pub skills: Option<Vec<String>>,
    /// The share of the handling time after which an agent who cannot solve it knows.
    #[serde(default = "quarter")]
    pub noticed_after: f64,
}

/// How agents are asked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Offers {
    /// Channels whose tickets are offered; those of the others go straight to the agent.
    pub channels: Vec<String>,
    /// How long an agent thinks before they accept or decline.
    pub answer: Lasts,
    /// How long an offer stands.
    pub timeout: SignedDuration,
    /// How long an agent who let an offer lapse gets nothing.
    pub back_after: SignedDuration,
}

impl Default for Offers {
    fn default() -> Self {
        Self {
            channels: Vec::new(),
            answer: Lasts::Fixed(SignedDuration::from_secs(5)),
            timeout: SignedDuration::from_secs(30),
            back_after: SignedDuration::from_mins(5),
        }
    }
}

impl Default for Told {
    fn default() -> Self {
        Self {
            channel: "email".to_owned(),
            priority: "normal".to_owned(),
            category: String::new(),
            tags: Vec::new(),
            attributes: BTreeMap::new(),
            language: String::new(),
            skills: Vec::new(),
        }
    }
}

fn utc() -> String {
    "UTC".to_owned()
}

const fn one() -> u64 {
    1
}

const fn once() -> u32 {
    1
}

const fn lowest() -> u8 {
    1
}

const fn unit() -> f64 {
    1.0
}

const fn quarter() -> f64 {
    0.25
}
