//! Questions and answers as messages.

use lotse_clock::Timestamp;
use lotse_errors::Violations;
use lotse_proto::insight::v1 as proto;
use lotse_proto::time::{from_proto, to_proto};

use crate::app::{Answer, Point, Series};
use crate::domain::figure::Figure;
use crate::domain::steps::{Grain, Period};

/// The grain; an unknown one is noted.
pub(super) fn grain(grain: i32, wrong: &mut Violations) -> Grain {
    match proto::Grain::try_from(grain) {
        Ok(proto::Grain::Unspecified | proto::Grain::None) => Grain::None,
        Ok(proto::Grain::Hour) => Grain::Hour,
        Ok(proto::Grain::Day) => Grain::Day,
        Ok(proto::Grain::Week) => Grain::Week,
        Ok(proto::Grain::Month) => Grain::Month,
        Err(_) => {
            wrong.add("grain", "is no grain");
            Grain::None
        }
    }
}

/// The period; limits that are no instants are noted.
pub(super) fn period(period: Option<&proto::Period>, wrong: &mut Violations) -> Period {
    let mut limit = |field, at: Option<&prost_types::Timestamp>| {
        at.and_then(|at| wrong.take(field, from_proto(at)))
    };
    let Some(proto::Period {
        start_time,
        end_time,
    }) = period
    else {
        return Period::default();
    };
    Period {
        start: limit("period.start_time", start_time.as_ref()),
        end: limit("period.end_time", end_time.as_ref()),
    }
}

/// The answer.
pub(super) fn response(answer: Answer) -> proto::QueryMetricsResponse {
    let Answer {
        series: list,
        computed_at,
    } = answer;
    proto::QueryMetricsResponse {
        series: list.into_iter().map(series).collect(),
        computed_at: Some(to_proto(computed_at)),
    }
}

fn series(series: Series) -> proto::Series {
    let Series {
        metric,
        part,
        group,
        points,
    } = series;
    let value = |(dimension, value)| proto::GroupValue { dimension, value };
    proto::Series {
        metric: metric.id.to_owned(),
        part: part.name.to_owned(),
        group: group.into_iter().map(value).collect(),
        points: points.into_iter().map(point).collect(),
    }
}

fn point(point: Point) -> proto::Point {
    let Point {
        period: Period { start, end },
        figure,
    } = point;
    let limit = |at: Option<Timestamp>| at.map(to_proto);
    proto::Point {
        start_time: limit(start),
        end_time: limit(end),
        figure: Some(message(&figure)),
    }
}

fn message(figure: &Figure) -> proto::Figure {
    let provisional = figure.provisional();
    let Figure {
        value,
        n,
        numerator,
        sum,
        interval,
        mean,
        ranks,
        coverage,
        provisional_n,
    } = *figure;
    let [p50, p90, p95] = ranks;
    proto::Figure {
        value,
        n,
        numerator,
        sum,
        low: interval.map(|(low, _)| low),
        high: interval.map(|(_, high)| high),
        mean,
        p50,
        p90,
        p95,
        coverage,
        provisional,
        provisional_n,
    }
}
