//! What the requesters say. Answers lie in the period in which they were first given, with the
//! score of the latest revision; dimensions are the survey's snapshot where it took one.

use super::{Direction, Formula, Measure, Metric, Part, Source};
use crate::domain::figure::Kind;

const fn asked(among: &'static str, kind: Kind) -> Measure {
    Measure::of(
        Source::Answers,
        "COALESCE(a.answered_at, a.invited_at)",
        kind,
    )
    .among(among)
    .observed("a.answered_at IS NOT NULL")
}

const CSAT: &str = "a.kind = 'csat' AND (a.answered_at IS NOT NULL OR NOT a.cancelled)";
const CES: &str = "a.kind = 'ces' AND (a.answered_at IS NOT NULL OR NOT a.cancelled)";
const NPS: &str = "a.kind = 'nps' AND (a.answered_at IS NOT NULL OR NOT a.cancelled)";

pub(super) const METRICS: &[Metric] = &[
    Metric {
        id: "csat",
        aliases: &["customer_satisfaction"],
        definition: "Customer satisfaction: answers of 4 and 5 on a scale from 1 to 5, of all \
                     answers.",
        direction: Direction::Higher,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Share of 4 and 5, the mean score beside it; coverage is answers of \
                         answers and unanswered invitations.",
            formula: Formula::One(
                asked(CSAT, Kind::ScoreShare)
                    .counts("a.score >= 4")
                    .amount("a.score"),
            ),
        }],
    },
    Metric {
        id: "ces",
        aliases: &["customer_effort_score"],
        definition: "Customer effort score 2.0: \"made it easy\" on a scale from 1 to 7.",
        direction: Direction::Higher,
        version: 1,
        parts: &[
            Part {
                name: "share",
                definition: "Share of 5 to 7.",
                formula: Formula::One(
                    asked(CES, Kind::ScoreShare)
                        .counts("a.score >= 5")
                        .amount("a.score"),
                ),
            },
            Part {
                name: "mean",
                definition: "Mean score.",
                formula: Formula::One(asked(CES, Kind::Score).amount("a.score")),
            },
        ],
    },
    Metric {
        id: "nps",
        aliases: &["net_promoter_score"],
        definition: "Net promoter score: promoters (9 and 10) less detractors (0 to 6), of all \
                     answers, passives in the denominator.",
        direction: Direction::Higher,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "From -1 to 1; the numerator is the promoters.",
            formula: Formula::One(
                asked(NPS, Kind::NetPromoter)
                    .counts("a.score >= 9")
                    .amount("CASE WHEN a.score >= 9 THEN 1 WHEN a.score <= 6 THEN -1 ELSE 0 END"),
            ),
        }],
    },
    Metric {
        id: "response_rate",
        aliases: &["survey_response_rate"],
        definition: "Invitations answered, of all that were not withdrawn, in the period of the \
                     invitation; by survey_kind and survey.",
        direction: Direction::Higher,
        version: 1,
        parts: &[Part {
            name: "",
            definition: "Share answered.",
            formula: Formula::One(
                Measure::of(Source::Answers, "a.invited_at", Kind::Share)
                    .among("(a.answered_at IS NOT NULL OR NOT a.cancelled)")
                    .counts("a.answered_at IS NOT NULL"),
            ),
        }],
    },
];
