//! The catalogue: every metric, once, its definition in words beside its formula in SQL.
//!
//! A formula names columns of its [`Source`]. It is the same text on SQLite and PostgreSQL; `:now`
//! stands for the present instant, `:day` for a day. All instants and amounts of time are
//! milliseconds.

mod dimension;
mod promises;
mod quality;
mod surveys;
mod times;
mod volume;

pub use dimension::{ATTRIBUTES, Dimension, Field, Shape, dimensions};

use crate::domain::figure::Kind;

/// Solved, or solved when it was closed; see [`crate::facts::ticket::Ticket::is_solved`].
const SOLVED: &str = "t.status IN ('solved', 'closed') AND t.solved_at IS NOT NULL";

/// A metric.
#[derive(Debug)]
pub struct Metric {
    /// Its id.
    pub id: &'static str,
    /// Other names of the field for it.
    pub aliases: &'static [&'static str],
    /// What is measured, of what, and which instant puts it into a period.
    pub definition: &'static str,
    /// Which way is better.
    pub direction: Direction,
    /// Version of the definition.
    pub version: u32,
    /// Its figures, at least one.
    pub parts: &'static [Part],
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More.
    Higher,
    /// Less.
    Lower,
    /// Neither.
    Neutral,
}

/// One figure of a metric.
#[derive(Debug)]
pub struct Part {
    /// Its name; empty when it is the only one.
    pub name: &'static str,
    /// What its value says.
    pub definition: &'static str,
    /// How it is computed.
    pub formula: Formula,
}

/// How a figure is computed.
#[derive(Debug)]
pub enum Formula {
    /// By one measure.
    One(Measure),
    /// Counts of the first less counts of the second.
    Difference(Measure, Measure),
    /// How many stand at the end of each step: all that `came` until then less all that `left`.
    Standing {
        /// What comes; its observations are what is known at all.
        came: Measure,
        /// What leaves.
        left: Measure,
        /// What has come before `:now` and not left, for drilling down.
        standing: Measure,
    },
}

/// What is counted, when and how.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// The facts it runs over.
    pub source: Source,
    /// The instant that puts a fact into a period.
    pub at: &'static str,
    /// Which facts could be observed.
    pub among: &'static str,
    /// Which of them are observed.
    pub observed: &'static str,
    /// Which of them count.
    pub counts: &'static str,
    /// Which of them can still change.
    pub unsettled: &'static str,
    /// The amount of each, an integer.
    pub amount: Option<&'static str>,
    /// Who owns each.
    pub owner: Option<&'static str>,
    /// What the figure's value says.
    pub kind: Kind,
}

/// Tables that measures run over, with the ticket's row beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `t`: tickets.
    Tickets,
    /// `t`: tickets, where the agent is the one who solved it.
    Solved,
    /// `e`: episodes, from creation or reopening until solved or closed.
    Episodes,
    /// `c`: reply cycles.
    Cycles,
    /// `s`: stays in a group.
    Stays,
    /// `k`: SLA clocks.
    Clocks,
    /// `a`: invitations and answers.
    Answers,
}

impl Source {
    /// What stands after FROM.
    pub const fn tables(self) -> &'static str {
        match self {
            Self::Tickets | Self::Solved => "insight_tickets AS t",
            Self::Episodes => {
                "insight_episodes AS e JOIN insight_tickets AS t ON t.ticket_id = e.ticket_id"
            }
            Self::Cycles => {
                "insight_cycles AS c JOIN insight_tickets AS t ON t.ticket_id = c.ticket_id"
            }
            Self::Stays => {
                "insight_stays AS s JOIN insight_tickets AS t ON t.ticket_id = s.ticket_id"
            }
            Self::Clocks => {
                "insight_clocks AS k JOIN insight_tickets AS t ON t.ticket_id = k.ticket_id"
            }
            // An answer may belong to no ticket.
            Self::Answers => {
                "insight_answers AS a LEFT JOIN insight_tickets AS t ON t.ticket_id = a.ticket_id"
            }
        }
    }

    /// The ticket of each fact.
    pub const fn ticket(self) -> &'static str {
        match self {
            Self::Answers => "a.ticket_id",
            _ => "t.ticket_id",
        }
    }
}

impl Measure {
    /// Everything in `source`, at the instant `at`.
    const fn of(source: Source, at: &'static str, kind: Kind) -> Self {
        Self {
            source,
            at,
            among: "TRUE",
            observed: "TRUE",
            counts: "FALSE",
            unsettled: "FALSE",
            amount: None,
            owner: None,
            kind,
        }
    }

    const fn among(self, among: &'static str) -> Self {
        Self { among, ..self }
    }

    const fn observed(self, observed: &'static str) -> Self {
        Self { observed, ..self }
    }

    const fn counts(self, counts: &'static str) -> Self {
        Self { counts, ..self }
    }

    const fn unsettled(self, unsettled: &'static str) -> Self {
        Self { unsettled, ..self }
    }

    const fn amount(self, amount: &'static str) -> Self {
        Self {
            amount: Some(amount),
            ..self
        }
    }

    const fn owner(self, owner: &'static str) -> Self {
        Self {
            owner: Some(owner),
            ..self
        }
    }
}

impl Formula {
    /// The measures it needs.
    pub fn measures(&self) -> Vec<&Measure> {
        match self {
            Self::One(measure) => vec![measure],
            Self::Difference(first, second) => vec![first, second],
            Self::Standing {
                came,
                left,
                standing,
            } => vec![came, left, standing],
        }
    }

    /// What the figure's value says.
    pub fn kind(&self) -> Kind {
        match self {
            Self::One(measure) => measure.kind,
            Self::Difference(..) | Self::Standing { .. } => Kind::Count,
        }
    }
}

impl Metric {
    /// The dimensions that all its parts have.
    pub fn dimensions(&self) -> impl Iterator<Item = &'static Dimension> {
        dimensions().iter().filter(|dimension| {
            let parts = self.parts.iter();
            parts
                .flat_map(|part| part.formula.measures())
                .all(|measure| (dimension.column)(measure.source).is_some())
        })
    }

    /// The part of that name; the first one when it is empty.
    pub fn part(&self, name: &str) -> Option<&'static Part> {
        match name {
            "" => self.parts.first(),
            _ => self.parts.iter().find(|part| part.name == name),
        }
    }
}

/// All metrics.
pub fn metrics() -> impl Iterator<Item = &'static Metric> {
    [
        volume::METRICS,
        times::METRICS,
        quality::METRICS,
        promises::METRICS,
        surveys::METRICS,
    ]
    .into_iter()
    .flatten()
}

/// The metric of that id or alias, whatever its case.
pub fn metric(name: &str) -> Option<&'static Metric> {
    metrics().find(|metric| {
        let mut names = std::iter::once(&metric.id).chain(metric.aliases);
        names.any(|known| known.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_means_one_metric() {
        let names: Vec<&str> = metrics()
            .flat_map(|metric| std::iter::once(&metric.id).chain(metric.aliases).copied())
            .collect();
        let distinct: BTreeSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
        assert_eq!(metric("frt").unwrap().id, "first_reply_time");
        assert!(metric("first_reply").is_none());
    }

    #[test]
    fn parts_have_names_when_there_are_several_and_metrics_have_dimensions() {
        for metric in metrics() {
            let names: BTreeSet<&str> = metric.parts.iter().map(|part| part.name).collect();
            assert_eq!(names.len(), metric.parts.len(), "{}", metric.id);
            assert_eq!(metric.parts.len() > 1, !names.contains(""), "{}", metric.id);
            assert!(
                metric
                    .dimensions()
                    .any(|dimension| dimension.name == "channel")
            );
        }
    }
}
