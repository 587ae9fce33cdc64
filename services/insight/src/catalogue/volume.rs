//! How much there is.

use super::{Direction, Formula, Measure, Metric, Part, SOLVED, Source};
use crate::domain::figure::Kind;

const CREATED: Measure = Measure::of(Source::Tickets, "t.created_at", Kind::Count);

const LAST_SOLVED: Measure = Measure::of(Source::Tickets, "t.solved_at", Kind::Count).among(SOLVED);

pub(super) const METRICS: &[Metric] = &[
    Metric {
        id: "ticket_volume",
        aliases: &["tickets", "volume"],
        definition: "Tickets created, in the period of their creation; by channel and category \
                     for the distribution.",
        direction: Direction::Neutral,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Tickets created.",
            formula: Formula::One(CREATED),
        }],
    },
    Metric {
        id: "opened_vs_solved",
        aliases: &["created_vs_solved"],
        definition: "Tickets created, tickets solved and their difference. A ticket counts as \
                     solved once, in the period in which it was last solved, and not while it is \
                     reopened.",
        direction: Direction::Neutral,
        version: 1,
        parts: &[
            Part {
                name: "created",
                definition: "Tickets created.",
                formula: Formula::One(CREATED),
            },
            Part {
                name: "solved",
                definition: "Tickets solved.",
                formula: Formula::One(LAST_SOLVED),
            },
            Part {
                name: "difference",
                definition: "Created less solved; n is both together.",
                formula: Formula::Difference(CREATED, LAST_SOLVED),
            },
        ],
    },
    Metric {
        id: "merged_tickets",
        aliases: &["merges"],
        definition: "Tickets that went into another one, in the period of the merge. They count as \
                     created, and as neither solved nor backlog from then on, even if they were \
                     solved before.",
        direction: Direction::Neutral,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Tickets merged into others.",
            formula: Formula::One(Measure::of(Source::Tickets, "t.merged_at", Kind::Count)),
        }],
    },
    Metric {
        id: "backlog",
        aliases: &["unsolved_tickets"],
        definition: "Unsolved tickets (NEW, OPEN, PENDING, ON_HOLD) just before the end of each \
                     step of the period, or now where it has no end: created or reopened before, \
                     and not solved or closed until then. n is the tickets created until then, so \
                     an empty backlog is 0 and only a time before the first ticket has no value.",
        direction: Direction::Lower,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Unsolved tickets; numerator the same; coverage does not apply.",
            formula: Formula::Standing {
                came: Measure::of(Source::Episodes, "e.opened_at", Kind::Count)
                    .observed("e.number = 0"),
                left: Measure::of(Source::Episodes, "e.ended_at", Kind::Count),
                standing: Measure::of(Source::Episodes, "e.opened_at", Kind::Count)
                    .among("(e.ended_at IS NULL OR e.ended_at >= :end)"),
            },
        }],
    },
    Metric {
        id: "solved_per_agent",
        aliases: &["agent_productivity"],
        definition: "Tickets last solved in the period per agent who solved any. Tickets solved \
                     by nobody in particular are left out. By agent: each agent's own number.",
        direction: Direction::Higher,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Mean number of tickets per agent; n is the agents, sum the tickets.",
            formula: Formula::One(
                Measure::of(Source::Solved, "t.solved_at", Kind::PerOwner)
                    .among(SOLVED)
                    .observed("t.solved_by IS NOT NULL")
                    .owner("t.solved_by"),
            ),
        }],
    },
];
