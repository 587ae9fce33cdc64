//! The catalogue as messages.

use lotse_proto::insight::v1 as proto;

use crate::catalogue::{self, Dimension, Direction, Metric, Part, Shape};
use crate::domain::figure::Kind;

/// All of it.
pub(super) fn response() -> proto::ListMetricsResponse {
    proto::ListMetricsResponse {
        metrics: catalogue::metrics().map(metric).collect(),
        dimensions: catalogue::dimensions().iter().map(dimension).collect(),
    }
}

fn metric(metric: &Metric) -> proto::Metric {
    let dimensions = metric.dimensions().map(name).collect();
    let Metric {
        id,
        aliases,
        definition,
        direction,
        version,
        parts,
    } = metric;
    proto::Metric {
        id: (*id).to_owned(),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        definition: (*definition).to_owned(),
        parts: parts.iter().map(part).collect(),
        direction: match direction {
            Direction::Higher => proto::Direction::HigherIsBetter,
            Direction::Lower => proto::Direction::LowerIsBetter,
            Direction::Neutral => proto::Direction::Neutral,
        }
        .into(),
        version: *version,
        dimensions,
    }
}

fn part(part: &Part) -> proto::MetricPart {
    let Part {
        name,
        definition,
        formula,
    } = part;
    proto::MetricPart {
        name: (*name).to_owned(),
        definition: (*definition).to_owned(),
        unit: unit(formula.kind()).into(),
    }
}

fn unit(kind: Kind) -> proto::Unit {
    match kind {
        Kind::Count | Kind::Sum | Kind::PerOwner => proto::Unit::Count,
        Kind::Share | Kind::ScoreShare => proto::Unit::Share,
        Kind::Duration => proto::Unit::Seconds,
        Kind::Score => proto::Unit::Score,
        Kind::NetPromoter => proto::Unit::NetShare,
    }
}

fn name(dimension: &Dimension) -> String {
    match dimension.shape {
        Shape::Map => format!("{}.<key>", dimension.name),
        _ => dimension.name.to_owned(),
    }
}

fn dimension(dimension: &Dimension) -> proto::Dimension {
    let values: &[&str] = match dimension.shape {
        Shape::Enum(values) => values,
        Shape::Fact => &["false", "true"],
        Shape::Text | Shape::Number | Shape::List | Shape::Map => &[],
    };
    let upper = matches!(dimension.shape, Shape::Enum(_));
    let shown = |value: &&str| {
        if upper {
            value.to_uppercase()
        } else {
            (*value).to_owned()
        }
    };
    proto::Dimension {
        name: name(dimension),
        definition: dimension.definition.to_owned(),
        values: values.iter().map(shown).collect(),
    }
}
