//! What a policy promises, and which tickets it fits.

use std::collections::BTreeMap;

use lotse_ids::organisation;
use serde::{Deserialize, Serialize};

use super::reaction::Reaction;
use super::vocabulary::{Author, BotPhase, Channel, Metric, Priority, ResolutionEnd};

/// What is known of a ticket and decides which policy fits it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// How soon.
    pub priority: Priority,
    /// Where it came from.
    pub channel: Option<Channel>,
    /// What it is about; empty when not given.
    pub category: String,
    /// Labels.
    pub tags: Vec<String>,
    /// BCP 47; empty when unknown.
    pub language: String,
    /// The caller's own facts.
    pub attributes: BTreeMap<String, String>,
    /// Key of the requester's organisation; empty when not known.
    #[serde(default)]
    pub organisation: String,
    /// The group that has it.
    pub group: Option<String>,
}

/// One version of a policy, as it was put. Also the stored form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyContent {
    /// Unique among policies.
    pub name: String,
    /// The lowest that fits wins; equal positions go by name.
    pub position: u32,
    /// Which tickets it is for.
    pub conditions: Conditions,
    /// What is promised.
    pub targets: Vec<Target>,
    /// Shares of the target at which a clock warns, in percent, ascending.
    pub warn: Vec<u8>,
    /// What ends total_resolution.
    pub ends_at: ResolutionEnd,
    /// Whose public messages are replies.
    pub replies: Vec<Author>,
    /// Whether the bot phase counts for first_reply.
    #[serde(default = "counts")]
    pub bot_phase: BotPhase,
    /// What happens by itself when a clock warns or breaches.
    #[serde(default)]
    pub reactions: Vec<Reaction>,
}

/// What policies said before they could say it.
const fn counts() -> BotPhase {
    BotPhase::Counts
}

/// One promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// What is timed.
    pub metric: Metric,
    /// For this priority; `None` for every priority without a target of its own.
    pub priority: Option<Priority>,
    /// How much time there is, in milliseconds on the calendar.
    pub millis: i64,
    /// The calendar's id; `None` for every hour of every day.
    pub calendar: Option<String>,
}

/// Which tickets a policy is for: every condition that is not empty must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conditions {
    /// Any of these priorities.
    pub priorities: Vec<Priority>,
    /// Any of these channels.
    pub channels: Vec<Channel>,
    /// Any of these categories.
    pub categories: Vec<String>,
    /// At least one of these labels.
    pub tags: Vec<String>,
    /// Any of these language ranges.
    pub languages: Vec<String>,
    /// For each of these keys, any of its values.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// Any of these groups.
    pub groups: Vec<String>,
    /// Any of these organisations, by name.
    pub organisations: Vec<String>,
}

impl Conditions {
    /// Whether a ticket with these facts is one of them.
    pub fn hold(&self, facts: &Facts) -> bool {
        any(&self.priorities, |priority| *priority == facts.priority)
            && any(&self.channels, |channel| Some(*channel) == facts.channel)
            && any(&self.categories, |category| *category == facts.category)
            && any(&self.tags, |tag| facts.tags.contains(tag))
            && any(&self.languages, |range| in_range(&facts.language, range))
            && any(&self.groups, |group| facts.group.as_ref() == Some(group))
            && any(&self.organisations, |name| {
                facts.organisation == organisation::key(name)
            })
            && self.attributes.iter().all(|(key, values)| {
                let value = facts.attributes.get(key).map_or("", String::as_str);
                values.iter().any(|wanted| wanted == value)
            })
    }
}

impl PolicyContent {
    /// What is promised on `metric` to tickets of `priority`.
    pub fn target(&self, metric: Metric, priority: Priority) -> Option<&Target> {
        let of = |wanted| {
            let mut targets = self.targets.iter();
            targets.find(|target| target.metric == metric && target.priority == wanted)
        };
        of(Some(priority)).or_else(|| of(None))
    }
}

/// Whether a condition is not given, or one of its values will do.
fn any<T>(values: &[T], will_do: impl Fn(&T) -> bool) -> bool {
    values.is_empty() || values.iter().any(will_do)
}

/// Basic filtering of RFC 4647, section 3.3.1.
fn in_range(language: &str, range: &str) -> bool {
    let Some(start) = language.get(..range.len()) else {
        return false;
    };
    let rest = &language[range.len()..];
    start.eq_ignore_ascii_case(range) && (rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            priority: Priority::High,
            channel: Some(Channel::Email),
            category: "network".into(),
            tags: vec!["vip".into()],
            language: "de-AT".into(),
            attributes: BTreeMap::from([("site".into(), "north".into())]),
            organisation: organisation::key("Harbour Ltd"),
            group: None,
        }
    }

    #[test]
    fn conditions_hold_only_together() {
        let mut conditions = Conditions::default();
        assert!(conditions.hold(&facts()), "no condition fits everything");
        conditions.priorities = vec![Priority::Urgent, Priority::High];
        conditions.channels = vec![Channel::Email];
        conditions.categories = vec!["network".into()];
        conditions.tags = vec!["beta".into(), "vip".into()];
        conditions.languages = vec!["de".into()];
        conditions.attributes = BTreeMap::from([("site".into(), vec!["north".into()])]);
        assert!(conditions.hold(&facts()));
        conditions.organisations = vec!["Others Inc".into(), " harbour LTD".into()];
        assert!(conditions.hold(&facts()));
        conditions.organisations.pop();
        assert!(!conditions.hold(&facts()), "another organisation");
        conditions.organisations.clear();
        conditions.groups = vec!["grp_1".into()];
        assert!(!conditions.hold(&facts()), "it is in no group yet");
        let group = Some("grp_1".into());
        assert!(conditions.hold(&Facts { group, ..facts() }));
    }

    #[test]
    fn a_language_range_holds_for_its_regions_and_no_other_language() {
        for (language, range, holds) in [
            ("de-AT", "de", true),
            ("DE", "de", true),
            ("de-AT", "de-at", true),
            ("de", "de-AT", false),
            ("den", "de", false),
            ("", "de", false),
            ("日本", "de", false),
        ] {
            assert_eq!(in_range(language, range), holds, "{language} {range}");
        }
    }

    #[test]
    fn an_absent_attribute_is_empty() {
        let mut conditions = Conditions::default();
        conditions
            .attributes
            .insert("plan".into(), vec!["gold".into()]);
        assert!(!conditions.hold(&facts()));
        conditions
            .attributes
            .insert("plan".into(), vec![String::new()]);
        assert!(conditions.hold(&facts()));
    }

    #[test]
    fn a_priority_of_its_own_goes_before_the_others() {
        let target = |priority, millis| Target {
            metric: Metric::FirstReply,
            priority,
            millis,
            calendar: None,
        };
        let content = PolicyContent {
            name: "p".into(),
            position: 1,
            conditions: Conditions::default(),
            targets: vec![target(None, 2), target(Some(Priority::Urgent), 1)],
            warn: vec![],
            ends_at: ResolutionEnd::Solved,
            replies: vec![Author::Human],
            bot_phase: BotPhase::Counts,
            reactions: vec![],
        };
        let millis = |priority| {
            let target = content.target(Metric::FirstReply, priority);
            target.map(|target| target.millis)
        };
        assert_eq!(millis(Priority::Urgent), Some(1));
        assert_eq!(millis(Priority::Low), Some(2));
        assert_eq!(content.target(Metric::Idle, Priority::Low), None);
    }
}
