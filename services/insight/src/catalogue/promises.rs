//! Whether promises were kept.

use super::{Direction, Formula, Measure, Metric, Part, Source};
use crate::domain::figure::Kind;

pub(super) const METRICS: &[Metric] = &[Metric {
    id: "sla_compliance",
    aliases: &["sla", "sla_met"],
    definition: "SLA clocks met, of met and breached; open and overdue is breached. In the period \
                 in which the clock was met, or was due. By sla_metric and policy; `cycle = 1` for \
                 first cycles, `last_cycle = true` for last ones. Cancelled clocks are neither met \
                 nor breached.",
    direction: Direction::Higher,
    version: 1,
    parts: &[
        Part {
            name: "share",
            definition: "Share met; n is the clocks met or breached; coverage is these of all that \
                         are not cancelled.",
            formula: Formula::One(
                Measure::of(
                    Source::Clocks,
                    "COALESCE(k.decided_at, k.due_at, k.started_at)",
                    Kind::Share,
                )
                .among("k.state IN ('running', 'paused', 'met', 'breached')")
                .observed(
                    "k.state IN ('met', 'breached') OR (k.state = 'running' AND k.due_at < :now)",
                )
                .counts("k.state = 'met'"),
            ),
        },
        Part {
            name: "cancelled",
            definition: "Clocks cancelled, in the period of that.",
            formula: Formula::One(
                Measure::of(Source::Clocks, "k.decided_at", Kind::Count)
                    .among("k.state = 'cancelled'"),
            ),
        },
    ],
}];
