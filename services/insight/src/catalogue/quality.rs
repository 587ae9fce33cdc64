//! Whether it was right the first time.

use super::{Direction, Formula, Measure, Metric, Part, Source};
use crate::domain::figure::Kind;

/// Tickets anybody had to do with, in the period in which they first had (see
/// [`crate::facts::ticket`]).
const HANDLED: Measure =
    Measure::of(Source::Tickets, "t.handled_at", Kind::Share).among("t.handled_at IS NOT NULL");

const FIRST_SOLVED: Measure = Measure::of(Source::Tickets, "t.first_solved_at", Kind::Share)
    .among("t.first_solved_at IS NOT NULL");

/// A ticket imported as closed may be reopened without ever having been solved.
const ENDED: Measure = Measure::of(
    Source::Tickets,
    "COALESCE(t.first_solved_at, t.first_reopened_at)",
    Kind::Share,
)
.among("(t.first_solved_at IS NOT NULL OR t.reopenings > 0)");

pub(super) const METRICS: &[Metric] = &[
    Metric {
        id: "first_contact_resolution",
        aliases: &["FCR"],
        definition: "Tickets solved in the first interaction, of all solved, in the period in \
                     which they were first solved. The first interaction is one public human reply \
                     before that; by chat, telephone or at the desk it is the session, which ends \
                     when the ticket has to wait for anybody. Not when the ticket was transferred \
                     or escalated, or within 7 days reopened or repeated by another ticket. Younger \
                     solves can still change.",
        direction: Direction::Higher,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Share solved in the first interaction.",
            formula: Formula::One(
                FIRST_SOLVED
                    .counts(
                        "(t.replies_before_solved = 1 OR (t.channel IN ('chat', 'phone', 'walk_in') \
                           AND t.waits_before_solved = 0)) \
                         AND (t.first_transferred_at IS NULL \
                           OR t.first_transferred_at > t.first_solved_at + 7 * :day) \
                         AND (t.first_escalated_at IS NULL \
                           OR t.first_escalated_at > t.first_solved_at + 7 * :day) \
                         AND (t.first_reopened_at IS NULL \
                           OR t.first_reopened_at > t.first_solved_at + 7 * :day) \
                         AND NOT EXISTS (SELECT 1 FROM insight_tickets AS r \
                           WHERE r.repeat_of = t.ticket_id \
                           AND r.created_at <= t.first_solved_at + 7 * :day)",
                    )
                    .unsettled("t.first_solved_at + 7 * :day >= :now"),
            ),
        }],
    },
    Metric {
        id: "one_touch",
        aliases: &["one_touch_rate"],
        definition: "Tickets solved with exactly one public human reply, of all solved, in the \
                     period in which they were first solved.",
        direction: Direction::Higher,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Share with exactly one reply.",
            formula: Formula::One(FIRST_SOLVED.counts("t.replies = 1")),
        }],
    },
    Metric {
        id: "transfer_rate",
        aliases: &["reassignment_rate"],
        definition: "Tickets with at least one transfer, those within a group included, of all \
                     handled: given to an agent, answered in public, transferred, escalated or \
                     solved. In the period in which the ticket was first handled.",
        direction: Direction::Lower,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Share transferred.",
            formula: Formula::One(HANDLED.counts("t.transfers > 0")),
        }],
    },
    Metric {
        id: "hops",
        aliases: &["transfers", "reassignments"],
        definition: "Transfers of handled tickets, in the period in which the ticket was first \
                     handled.",
        direction: Direction::Lower,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Sum of transfers; mean per handled ticket; numerator the tickets \
                         transferred.",
            formula: Formula::One(
                Measure { kind: Kind::Sum, ..HANDLED }
                    .counts("t.transfers > 0")
                    .amount("t.transfers"),
            ),
        }],
    },
    Metric {
        id: "misroute_rate",
        aliases: &[],
        definition: "Tickets with at least one transfer for a wrong skill, a wrong language, a \
                     wrong tier or no reason, of all handled. In the period in which the ticket \
                     was first handled.",
        direction: Direction::Lower,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Share misrouted.",
            formula: Formula::One(HANDLED.counts("t.misroutes > 0")),
        }],
    },
    Metric {
        id: "escalation_rate",
        aliases: &[],
        definition: "Tickets escalated at least once, of all handled. In the period in which the \
                     ticket was first handled.",
        direction: Direction::Lower,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Share escalated.",
            formula: Formula::One(HANDLED.counts("t.escalations > 0")),
        }],
    },
    Metric {
        id: "reopen_rate",
        aliases: &["reopened_rate"],
        definition: "Tickets reopened at least once, of all that were ever solved (or reopened \
                     after a closing without solution). In the period in which the ticket was \
                     first solved.",
        direction: Direction::Lower,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Share reopened.",
            formula: Formula::One(ENDED.counts("t.reopenings > 0")),
        }],
    },
    Metric {
        id: "reopenings",
        aliases: &["reopens"],
        definition: "Reopenings of the tickets that reopen_rate rests on, in the same period.",
        direction: Direction::Lower,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Sum of reopenings; mean per ticket; numerator the tickets reopened.",
            formula: Formula::One(
                Measure { kind: Kind::Sum, ..ENDED }
                    .counts("t.reopenings > 0")
                    .amount("t.reopenings"),
            ),
        }],
    },
    Metric {
        id: "repeat_rate",
        aliases: &["repeat_tickets"],
        definition: "Tickets that repeat another one of the same requester about the same problem \
                     within 14 days, of all created, in the period of their creation. The \
                     numerator is the number of repeat tickets.",
        direction: Direction::Lower,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Share of repeats.",
            formula: Formula::One(
                Measure::of(Source::Tickets, "t.created_at", Kind::Share)
                    .counts("t.repeat_of IS NOT NULL"),
            ),
        }],
    },
];
