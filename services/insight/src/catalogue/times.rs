//! How long it takes. Each duration lies in the period in which it ended; what has not ended lies
//! in the period in which it began and lowers the coverage.

use super::{Direction, Formula, Measure, Metric, Part, SOLVED, Source};
use crate::domain::figure::Kind;

pub(super) const METRICS: &[Metric] = &[
    Metric {
        id: "first_reply_time",
        aliases: &["FRT", "first_response_time"],
        definition: "From creation to the first public reply of a human, in the period of that \
                     reply. Bots, rules and the automatic acknowledgement do not reply.",
        direction: Direction::Lower,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Mean time to the first reply; coverage is the tickets replied to, of \
                         these and those never replied to.",
            formula: Formula::One(
                Measure::of(
                    Source::Tickets,
                    "COALESCE(t.first_reply_at, t.created_at)",
                    Kind::Duration,
                )
                .observed("t.first_reply_at IS NOT NULL")
                .amount("t.first_reply_at - t.created_at"),
            ),
        }],
    },
    Metric {
        id: "next_reply_time",
        aliases: &["NRT"],
        definition: "From the oldest unanswered public message of the requester, after the first \
                     cycle, to the next public reply of a human; in the period of the reply.",
        direction: Direction::Lower,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Mean over the later reply cycles; coverage is answered of answered and \
                         waiting.",
            formula: Formula::One(
                CYCLE.among("c.number > 1 AND c.state IN ('waiting', 'answered')"),
            ),
        }],
    },
    Metric {
        id: "average_wait_time",
        aliases: &["AWT", "wait_time"],
        definition: "Over all reply cycles: from the creation, or from the oldest unanswered \
                     public message of the requester, to the next public reply of a human; in the \
                     period of the reply. Cycles that ended without a reply because the ticket was \
                     solved are left out.",
        direction: Direction::Lower,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Mean over the reply cycles, which are n; coverage is answered of answered \
                         and waiting.",
            formula: Formula::One(CYCLE.among("c.state IN ('waiting', 'answered')")),
        }],
    },
    Metric {
        id: "resolution_time",
        aliases: &["ART", "average_resolution_time", "time_to_resolution"],
        definition: "From creation to solved, on the calendar, solved intervals before a reopening \
                     included. Tickets reopened and not yet solved again have no full resolution \
                     time. In the period in which the ticket was solved.",
        direction: Direction::Lower,
        version: 1,
        parts: &[
            Part {
                name: "full",
                definition: "Mean time from creation to the last SOLVED.",
                formula: Formula::One(
                    Measure::of(
                        Source::Tickets,
                        "CASE WHEN t.status IN ('solved', 'closed') \
                         THEN COALESCE(t.solved_at, t.created_at) ELSE t.created_at END",
                        Kind::Duration,
                    )
                    .observed(SOLVED)
                    .amount("t.solved_at - t.created_at"),
                ),
            },
            Part {
                name: "first",
                definition: "Mean time from creation to the first SOLVED.",
                formula: Formula::One(
                    Measure::of(
                        Source::Tickets,
                        "COALESCE(t.first_solved_at, t.created_at)",
                        Kind::Duration,
                    )
                    .observed("t.first_solved_at IS NOT NULL")
                    .amount("t.first_solved_at - t.created_at"),
                ),
            },
        ],
    },
    Metric {
        id: "time_in_group",
        aliases: &["stay_time"],
        definition: "How long a ticket belongs to one group without a break: from entering to \
                     leaving it or being solved; in the period in which it left. Dimensions group \
                     and tier are those of the stay.",
        direction: Direction::Lower,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Mean over the stays, which are n; coverage is stays ended of all.",
            formula: Formula::One(
                Measure::of(
                    Source::Stays,
                    "COALESCE(s.left_at, s.entered_at)",
                    Kind::Duration,
                )
                .observed("s.left_at IS NOT NULL")
                .amount("s.left_at - s.entered_at"),
            ),
        }],
    },
];

const CYCLE: Measure = Measure::of(
    Source::Cycles,
    "COALESCE(c.replied_at, c.started_at)",
    Kind::Duration,
)
.observed("c.replied_at IS NOT NULL")
.amount("c.replied_at - c.started_at");
