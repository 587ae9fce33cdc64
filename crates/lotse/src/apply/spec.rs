//! What a file wants there to be. References go by name, sets are sorted and defaults filled in,
//! so that what is wanted and what is there compare field by field.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lotse_config::Secret;
use serde::Serialize;

use super::coverage::{Cover, Coverage, ShiftPlan};
use super::escalations::{Escalation, Reaction};
use super::handling::Handling;
use super::workflows::Workflow;

/// A whole file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spec {
    pub(crate) skills: Vec<Skill>,
    pub(crate) groups: Vec<Group>,
    pub(crate) agents: Vec<Agent>,
    pub(crate) workflow: Option<Workflow>,
    pub(crate) rotas: Vec<Rota>,
    pub(crate) shift_plans: Vec<ShiftPlan>,
    pub(crate) coverage: Vec<Coverage>,
    pub(crate) covers: Vec<Cover>,
    pub(crate) calendars: Vec<Calendar>,
    pub(crate) escalations: Vec<Escalation>,
    pub(crate) policies: Vec<Policy>,
    pub(crate) notification_targets: Vec<NotificationTarget>,
    pub(crate) surveys: Vec<Survey>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Skill {
    pub(crate) name: String,
    pub(crate) description: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) tier: u32,
    pub(crate) required_skills: BTreeMap<String, u32>,
    pub(crate) lead: String,
    pub(crate) escalates_to: String,
    #[serde(flatten)]
    pub(crate) handling: Handling,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Agent {
    pub(crate) name: String,
    pub(crate) groups: BTreeSet<String>,
    pub(crate) tier: u32,
    pub(crate) skills: BTreeMap<String, u32>,
    pub(crate) languages: BTreeMap<String, u32>,
    pub(crate) capacity: u32,
    pub(crate) channel_weights: BTreeMap<String, u32>,
    pub(crate) channel_caps: BTreeMap<String, u32>,
    pub(crate) presence_never_expires: bool,
    pub(crate) retired: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Rota {
    pub(crate) name: String,
    pub(crate) time_zone: String,
    pub(crate) group: String,
    pub(crate) layers: Vec<RotaLayer>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct RotaLayer {
    pub(crate) name: String,
    pub(crate) rotation: Option<Rotation>,
    /// Weekday (1 is Monday), begin, end, agent; instead of a rotation.
    pub(crate) shifts: BTreeSet<(i32, String, String, String)>,
    /// Weekday, begin, end; none for around the clock.
    pub(crate) hours: BTreeSet<(i32, String, String)>,
    pub(crate) shadow: Option<Shadow>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Shadow {
    pub(crate) agent: String,
    pub(crate) mentor: String,
    pub(crate) approval_wanted: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Rotation {
    /// In their order.
    pub(crate) agents: Vec<String>,
    pub(crate) unit: String,
    pub(crate) every: u32,
    pub(crate) hand_over_at: String,
    pub(crate) starts_on: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Calendar {
    pub(crate) name: String,
    pub(crate) time_zone: String,
    /// Empty where `weekly` says it.
    pub(crate) preset: String,
    /// Weekday (1 is Monday), opens, closes.
    pub(crate) weekly: BTreeSet<(i32, String, String)>,
    pub(crate) overrides: BTreeMap<String, Override>,
    /// Names and texts; earlier ones go first.
    pub(crate) holiday_files: Vec<(String, String)>,
    /// Countries and subdivisions; earlier ones go first.
    pub(crate) holiday_regions: Vec<(String, String)>,
    /// RFC 3339; absent when it does not matter since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) effective_at: Option<String>,
    /// What a change means to open tickets: no part of what is compared.
    #[serde(skip)]
    pub(crate) open_tickets: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Override {
    pub(crate) name: String,
    /// Opens, closes; none for a closed day.
    pub(crate) intervals: BTreeSet<(String, String)>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Policy {
    pub(crate) name: String,
    pub(crate) position: u32,
    pub(crate) conditions: Conditions,
    pub(crate) targets: BTreeSet<Target>,
    pub(crate) warn_percents: BTreeSet<u32>,
    pub(crate) no_warnings: bool,
    pub(crate) ends_at: String,
    pub(crate) reply_authors: BTreeSet<String>,
    pub(crate) bot_phase: String,
    /// What a change means to open tickets: no part of what is compared.
    #[serde(skip)]
    pub(crate) open_tickets: String,
    pub(crate) reactions: BTreeSet<Reaction>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Conditions {
    pub(crate) priorities: BTreeSet<String>,
    pub(crate) channels: BTreeSet<String>,
    pub(crate) categories: BTreeSet<String>,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) languages: BTreeSet<String>,
    pub(crate) organisations: BTreeSet<String>,
    pub(crate) attributes: BTreeMap<String, BTreeSet<String>>,
    pub(crate) groups: BTreeSet<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Target {
    pub(crate) metric: String,
    /// Empty for every priority without a target of its own.
    pub(crate) priority: String,
    pub(crate) within: Duration,
    pub(crate) calendar: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct NotificationTarget {
    pub(crate) name: String,
    pub(crate) disabled: bool,
    pub(crate) channel: Channel,
    /// How many secrets there are: what they are is never answered, so it cannot be compared here.
    pub(crate) secrets: usize,
    /// What they shall be.
    #[serde(skip)]
    pub(crate) values: Vec<Secret>,
}

/// Where notices are sent, as far as that is no secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Channel {
    Webhook {
        url: String,
    },
    PagerDuty {
        url: String,
    },
    /// All of its address is secret.
    #[default]
    Slack,
    Smtp {
        host: String,
        port: u32,
        security: String,
        username: String,
        from: String,
        to: Vec<String>,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Survey {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) questions: BTreeMap<String, String>,
    pub(crate) trigger: String,
    pub(crate) delay: Duration,
    pub(crate) sample: f64,
    pub(crate) repeat_after: Duration,
    pub(crate) answer_within: Duration,
    pub(crate) ask_resolved_first_contact: bool,
    pub(crate) active: bool,
}
