//! Reading a question: everything that is wrong with it is found before anything is computed.

use jiff::tz::TimeZone;
use lotse_clock::Timestamp;
use lotse_errors::Violations;

use crate::catalogue::{self, Field, Metric};
use crate::domain::filter::{Filter, Operator, Test};
use crate::domain::steps::{Grain, Period};
use crate::store::Condition;

/// The most metrics of one question.
const MOST_METRICS: usize = 32;
/// The most dimensions of one question.
const MOST_DIMENSIONS: usize = 4;

/// A question as the caller asks it.
#[derive(Clone, Debug)]
pub struct Query {
    /// Ids or aliases of metrics.
    pub metrics: Vec<String>,
    /// Names of dimensions.
    pub group_by: Vec<String>,
    /// The steps in time.
    pub grain: Grain,
    /// IANA name of the time zone; empty for UTC.
    pub time_zone: String,
    /// The period.
    pub period: Period,
    /// Which facts count.
    pub filter: String,
}

/// A question that can be answered.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) metrics: Vec<&'static Metric>,
    pub(super) group_by: Vec<Field>,
    pub(super) grain: Grain,
    pub(super) zone: TimeZone,
    pub(super) period: Period,
    pub(super) condition: Condition,
}

impl Query {
    /// Reads the question; what is wrong is noted.
    pub(super) fn read(&self, wrong: &mut Violations) -> Option<Question> {
        let metrics = metrics(&self.metrics, wrong);
        let group_by = dimensions(&self.group_by, &metrics, wrong);
        let condition = filter(&self.filter, &metrics, wrong);
        let zone = zone(&self.time_zone, wrong);
        check_period(self.period, wrong);
        Some(Question {
            metrics,
            group_by,
            grain: self.grain,
            zone: zone?,
            period: self.period,
            condition: condition?,
        })
    }
}

fn metrics(names: &[String], wrong: &mut Violations) -> Vec<&'static Metric> {
    let fits = (1..=MOST_METRICS).contains(&names.len());
    wrong.require("metrics", fits, "must be 1 to 32 metrics");
    if !fits {
        return Vec::new();
    }
    let mut metrics = Vec::new();
    for (at, name) in names.iter().enumerate() {
        match catalogue::metric(name) {
            Some(metric) => metrics.push(metric),
            None => wrong.add(format!("metrics[{at}]"), "is no metric; see ListMetrics"),
        }
    }
    metrics
}

fn dimensions(names: &[String], metrics: &[&Metric], wrong: &mut Violations) -> Vec<Field> {
    let fits = names.len() <= MOST_DIMENSIONS;
    wrong.require("group_by", fits, "must be at most 4 dimensions");
    let mut fields = Vec::new();
    for (at, name) in names.iter().take(MOST_DIMENSIONS).enumerate() {
        let place = format!("group_by[{at}]");
        if names[..at].contains(name) {
            wrong.add(place, "is there twice");
        } else if let Some(field) = Field::find(name) {
            check_field(&field, metrics, &place, wrong);
            fields.push(field);
        } else {
            wrong.add(place, "is no dimension; see ListMetrics");
        }
    }
    fields
}

/// Notes the metrics that lack a dimension.
fn check_field(field: &Field, metrics: &[&Metric], place: &str, wrong: &mut Violations) {
    for metric in metrics {
        let mut measures = metric.parts.iter().flat_map(|part| part.formula.measures());
        if measures.any(|measure| field.column(measure.source).is_none()) {
            wrong.add(
                place,
                format!("{} has no dimension {}", metric.id, field.name),
            );
        }
    }
}

/// Reads a filter for these metrics.
pub(super) fn filter(text: &str, metrics: &[&Metric], wrong: &mut Violations) -> Option<Condition> {
    let filter = wrong.take("filter", Filter::parse(text))?;
    for test in filter.tests() {
        if let Some(field) = Field::find(&test.field) {
            check_field(&field, metrics, "filter", wrong);
        }
    }
    condition(&filter, wrong)
}

fn condition(filter: &Filter, wrong: &mut Violations) -> Option<Condition> {
    match filter {
        Filter::All(parts) => conditions(parts, wrong).map(Condition::All),
        Filter::Any(parts) => conditions(parts, wrong).map(Condition::Any),
        Filter::Not(part) => Some(Condition::Not(Box::new(condition(part, wrong)?))),
        Filter::Test(test) => tested(test, wrong),
    }
}

fn conditions(parts: &[Filter], wrong: &mut Violations) -> Option<Vec<Condition>> {
    let parts: Vec<_> = parts.iter().map(|part| condition(part, wrong)).collect();
    parts.into_iter().collect()
}

fn tested(test: &Test, wrong: &mut Violations) -> Option<Condition> {
    let Test {
        field,
        operator,
        value,
    } = test;
    let Some(field) = Field::find(field) else {
        wrong.add(
            "filter",
            format!("{field} is no dimension; see ListMetrics"),
        );
        return None;
    };
    if *operator == Operator::Has && value == "*" {
        return Some(Condition::Test(field, *operator, None));
    }
    let Some(stored) = field.stored(value) else {
        wrong.add("filter", format!("{} cannot be {value}", field.name));
        return None;
    };
    Some(Condition::Test(field, *operator, Some(stored)))
}

fn zone(name: &str, wrong: &mut Violations) -> Option<TimeZone> {
    if name.is_empty() {
        return Some(TimeZone::UTC);
    }
    let zone = TimeZone::get(name).ok();
    wrong.require("time_zone", zone.is_some(), "is no IANA time zone");
    zone
}

/// Notes a period that ends before it starts.
pub(super) fn check_period(period: Period, wrong: &mut Violations) {
    if let Period {
        start: Some(start),
        end: Some(end),
    } = period
    {
        wrong.require(
            "period.end_time",
            start < end,
            "must be later than the start",
        );
    }
}

/// The end of a period for facts that lie before it, such as a backlog.
pub(super) fn until(end: Option<Timestamp>) -> Period {
    Period { start: None, end }
}
