//! What figures can be grouped and filtered by.

use super::Source;

/// The name before an attribute's key.
pub const ATTRIBUTES: &str = "attributes.";

/// A dimension.
#[derive(Debug)]
pub struct Dimension {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub definition: &'static str,
    /// What its values are.
    pub shape: Shape,
    /// Where a source has it, as SQL; `None` where it has not.
    pub column: fn(Source) -> Option<&'static str>,
}

/// What the values of a dimension are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One of these, stored in lower case and given in upper case.
    Enum(&'static [&'static str]),
    /// Any text.
    Text,
    /// A whole number.
    Number,
    /// Whether something holds: the column is a condition.
    Fact,
    /// Any number of texts: the column holds a JSON list.
    List,
    /// One text per key: the column holds a JSON object.
    Map,
}

/// A dimension with what a question adds to it.
#[derive(Clone, Debug)]
pub struct Field {
    /// As the question names it.
    pub name: String,
    /// What its values are.
    pub shape: Shape,
    /// Of an attribute, its key.
    pub key: Option<String>,
    column: fn(Source) -> Option<&'static str>,
}

impl Field {
    /// The field of that name, such as `channel` or `attributes.made_sla`.
    pub fn find(name: &str) -> Option<Self> {
        let key = name.strip_prefix(ATTRIBUTES);
        let stem = key.map_or(name, |_| "attributes");
        let dimension = dimensions()
            .iter()
            .find(|dimension| dimension.name == stem)?;
        let fits = match key {
            // The keys that intake takes; they are written into SQL as they are.
            Some(key) => {
                (1..=64).contains(&key.len())
                    && key
                        .bytes()
                        .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
            }
            None => dimension.shape != Shape::Map,
        };
        fits.then(|| Self {
            name: name.to_owned(),
            shape: dimension.shape,
            key: key.map(str::to_owned),
            column: dimension.column,
        })
    }

    /// Where a source has it, as SQL.
    pub fn column(&self, source: Source) -> Option<&'static str> {
        (self.column)(source)
    }

    /// A value of it as it is stored; `None` when no such value can be.
    pub fn stored(&self, value: &str) -> Option<String> {
        match self.shape {
            Shape::Enum(values) => {
                let value = value.to_ascii_lowercase();
                values.contains(&value.as_str()).then_some(value)
            }
            Shape::Fact => {
                let value = value.to_ascii_lowercase();
                matches!(value.as_str(), "true" | "false").then_some(value)
            }
            Shape::Number => value.parse::<i64>().ok().map(|number| number.to_string()),
            Shape::Text | Shape::List | Shape::Map => Some(value.to_owned()),
        }
    }

    /// A stored value as callers see it.
    pub fn shown(&self, stored: String) -> String {
        match self.shape {
            Shape::Enum(_) => stored.to_ascii_uppercase(),
            _ => stored,
        }
    }
}

const CHANNELS: &[&str] = &["email", "chat", "phone", "web", "api", "social", "walk_in"];
const PRIORITIES: &[&str] = &["urgent", "high", "normal", "low"];
const STATUSES: &[&str] = &["new", "open", "pending", "on_hold", "solved", "closed"];
const SURVEY_KINDS: &[&str] = &["csat", "ces", "nps"];
const SLA_METRICS: &[&str] = &[
    "first_reply",
    "next_reply",
    "periodic_update",
    "pausable_update",
    "requester_wait",
    "agent_work",
    "total_resolution",
    "idle",
    "group_ownership",
    "pickup",
];

/// All dimensions.
pub const fn dimensions() -> &'static [Dimension] {
    DIMENSIONS
}

/// A dimension that every fact has, most by its ticket.
const fn dimension(
    name: &'static str,
    definition: &'static str,
    shape: Shape,
    column: fn(Source) -> Option<&'static str>,
) -> Dimension {
    Dimension {
        name,
        definition,
        shape,
        column,
    }
}

const DIMENSIONS: &[Dimension] = &[
    dimension(
        "channel",
        "Where the ticket came from.",
        Shape::Enum(CHANNELS),
        |source| {
            Some(match source {
                Source::Answers => "COALESCE(a.channel, t.channel)",
                _ => "t.channel",
            })
        },
    ),
    dimension(
        "category",
        "What the ticket is about, the latest.",
        Shape::Text,
        |source| {
            Some(match source {
                Source::Answers => "COALESCE(a.category, t.category)",
                _ => "t.category",
            })
        },
    ),
    dimension(
        "priority",
        "The ticket's latest priority.",
        Shape::Enum(PRIORITIES),
        |_| Some("t.priority"),
    ),
    dimension(
        "status",
        "The ticket's present status.",
        Shape::Enum(STATUSES),
        |_| Some("t.status"),
    ),
    dimension(
        "language",
        "The ticket's latest language, BCP 47.",
        Shape::Text,
        |source| {
            Some(match source {
                Source::Answers => "COALESCE(a.language, t.language)",
                _ => "t.language",
            })
        },
    ),
    dimension(
        "tag",
        "Each of the ticket's latest tags.",
        Shape::List,
        |_| Some("t.tags"),
    ),
    dimension(
        "attributes",
        "As `attributes.<key>`: the caller's own facts about the ticket, the latest.",
        Shape::Map,
        |_| Some("t.attributes"),
    ),
    dimension(
        "agent",
        "Id of the agent who has the ticket or had it last; of those solved, who solved it; of \
         an answer, whom it is about.",
        Shape::Text,
        |source| {
            Some(match source {
                Source::Solved => "t.solved_by",
                Source::Answers => "COALESCE(a.agent_id, t.agent_id)",
                _ => "t.agent_id",
            })
        },
    ),
    dimension(
        "group",
        "Id of the group that has the ticket or had it last; of a stay, the group it is in; of \
         an answer, the one it is about.",
        Shape::Text,
        |source| {
            Some(match source {
                Source::Stays => "s.group_id",
                Source::Answers => "COALESCE(a.group_id, t.group_id)",
                _ => "t.group_id",
            })
        },
    ),
    dimension(
        "tier",
        "Support level of that group, from 1.",
        Shape::Number,
        |source| {
            Some(match source {
                Source::Stays => "s.tier",
                _ => "t.tier",
            })
        },
    ),
    dimension(
        "first_group",
        "Id of the first group the ticket was given to.",
        Shape::Text,
        |_| Some("t.first_group_id"),
    ),
    dimension(
        "transferred",
        "Whether it was transferred.",
        Shape::Fact,
        |_| Some("COALESCE(t.transfers, 0) > 0"),
    ),
    dimension(
        "misrouted",
        "Whether a transfer was a misroute.",
        Shape::Fact,
        |_| Some("COALESCE(t.misroutes, 0) > 0"),
    ),
    dimension(
        "escalated",
        "Whether it was escalated.",
        Shape::Fact,
        |_| Some("COALESCE(t.escalations, 0) > 0"),
    ),
    dimension("reopened", "Whether it was reopened.", Shape::Fact, |_| {
        Some("COALESCE(t.reopenings, 0) > 0")
    }),
    dimension(
        "repeat",
        "Whether it repeats another ticket.",
        Shape::Fact,
        |_| Some("t.repeat_of IS NOT NULL"),
    ),
    dimension(
        "solved",
        "Whether it is solved, or was when it was closed.",
        Shape::Fact,
        |_| Some("COALESCE(t.status, '') IN ('solved', 'closed') AND t.solved_at IS NOT NULL"),
    ),
    dimension("closed", "Whether it is closed.", Shape::Fact, |_| {
        Some("COALESCE(t.status, '') = 'closed'")
    }),
    dimension(
        "merged",
        "Whether it went into another ticket.",
        Shape::Fact,
        |_| Some("t.merged_at IS NOT NULL"),
    ),
    Dimension {
        name: "sla_metric",
        definition: "What the SLA clock measures.",
        shape: Shape::Enum(SLA_METRICS),
        column: |source| matches!(source, Source::Clocks).then_some("k.metric"),
    },
    Dimension {
        name: "policy",
        definition: "Id of the SLA clock's policy.",
        shape: Shape::Text,
        column: |source| matches!(source, Source::Clocks).then_some("k.policy_id"),
    },
    Dimension {
        name: "cycle",
        definition: "The how-manieth SLA clock of its metric on the ticket, from 1.",
        shape: Shape::Number,
        column: |source| matches!(source, Source::Clocks).then_some("k.cycle"),
    },
    Dimension {
        name: "last_cycle",
        definition: "Whether it is the last SLA clock of its metric on the ticket.",
        shape: Shape::Fact,
        column: |source| {
            matches!(source, Source::Clocks).then_some(
                "NOT EXISTS (SELECT 1 FROM insight_clocks AS later \
                 WHERE later.ticket_id = k.ticket_id AND later.metric = k.metric \
                 AND later.cycle > k.cycle)",
            )
        },
    },
    Dimension {
        name: "survey_kind",
        definition: "What the survey asks.",
        shape: Shape::Enum(SURVEY_KINDS),
        column: |source| matches!(source, Source::Answers).then_some("a.kind"),
    },
    Dimension {
        name: "survey",
        definition: "Id of the survey.",
        shape: Shape::Text,
        column: |source| matches!(source, Source::Answers).then_some("a.survey_id"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_need_a_key_that_intake_would_take() {
        assert_eq!(
            Field::find("attributes.made_sla").unwrap().key.as_deref(),
            Some("made_sla")
        );
        for name in [
            "attributes",
            "attributes.",
            "attributes.a b",
            "attributes.x'",
            "colour",
        ] {
            assert!(Field::find(name).is_none(), "{name}");
        }
    }

    #[test]
    fn values_are_stored_in_lower_case_and_shown_in_upper_case() {
        let priority = Field::find("priority").unwrap();
        assert_eq!(priority.stored("NORMAL").as_deref(), Some("normal"));
        assert_eq!(priority.shown("normal".to_owned()), "NORMAL");
        assert_eq!(priority.stored("P3"), None);
        assert_eq!(Field::find("transferred").unwrap().stored("perhaps"), None);
        assert_eq!(
            Field::find("tier").unwrap().stored("02").as_deref(),
            Some("2")
        );
        assert_eq!(
            Field::find("category").unwrap().stored("A b").as_deref(),
            Some("A b")
        );
    }
}
