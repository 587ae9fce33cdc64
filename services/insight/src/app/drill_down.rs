//! The tickets behind a figure.

use lotse_errors::Violations;
use lotse_grpc::page;

use super::Insight;
use super::question::{check_period, filter, until};
use crate::catalogue::{self, Formula, Measure};
use crate::domain::steps::Period;
use crate::error::Error;
use crate::store::{self, Page, Selection};

/// Asks for the tickets behind a figure.
#[derive(Clone, Debug)]
pub struct DrillDown {
    /// Id or alias of the metric.
    pub metric: String,
    /// The part; empty for the first.
    pub part: String,
    /// The period.
    pub period: Period,
    /// Which facts count.
    pub filter: String,
    /// Only what counts in the numerator.
    pub numerator_only: bool,
    /// Tickets per page; 0 for the default.
    pub page_size: i32,
    /// Where to go on.
    pub page_token: String,
}

impl Insight {
    /// The ids of the tickets, and the token of the next page; empty on the last.
    ///
    /// # Errors
    /// INVALID_ARGUMENT with everything that is wrong with the question, or the database's.
    pub async fn drill_down(&self, asked: &DrillDown) -> Result<(Vec<String>, String), Error> {
        let mut wrong = Violations::new();
        check_period(asked.period, &mut wrong);
        let measure = measure(asked, &mut wrong);
        let metric: Vec<_> = catalogue::metric(&asked.metric).into_iter().collect();
        let condition = filter(&asked.filter, &metric, &mut wrong);
        let (measure, condition) = wrong.finish_with(measure.zip(condition))?;
        let Period { start, end } = match measure.1 {
            true => until(asked.period.end),
            false => asked.period,
        };
        let selection = Selection {
            start,
            end,
            condition,
            now: self.clock.now(),
        };

        let size = page::size(asked.page_size, 100, 1_000)?;
        let scope = scope(asked);
        let after = scope.key::<1>(&asked.page_token)?;
        let page = Page {
            after: after.map(|[after]| after).unwrap_or_default(),
            // One more, to know whether there is a next page.
            size: size + 1,
        };
        let counting = asked.numerator_only && !measure.1;
        let conn = self.db.reader();
        let mut tickets = store::tickets(conn, measure.0, counting, &selection, &page).await?;
        let more = tickets.len() > size as usize;
        tickets.truncate(size as usize);
        let next = match tickets.last() {
            Some(last) if more => scope.token(&[last]),
            _ => String::new(),
        };
        Ok((tickets, next))
    }
}

/// The measure whose tickets are asked for, and whether it is one of standing.
fn measure(asked: &DrillDown, wrong: &mut Violations) -> Option<(&'static Measure, bool)> {
    let Some(metric) = catalogue::metric(&asked.metric) else {
        wrong.add("metric", "is no metric; see ListMetrics");
        return None;
    };
    let Some(part) = metric.part(&asked.part) else {
        wrong.add(
            "part",
            format!("is no part of {}; see ListMetrics", metric.id),
        );
        return None;
    };
    match &part.formula {
        Formula::One(measure) => {
            let counts = measure.counts != "FALSE" || !asked.numerator_only;
            wrong.require("numerator_only", counts, "the figure has no numerator");
            Some((measure, false))
        }
        Formula::Standing { standing, .. } => Some((standing, true)),
        Formula::Difference(..) => {
            wrong.add("part", "is a difference; ask for the parts it is made of");
            None
        }
    }
}

/// What a page token is bound to.
fn scope(asked: &DrillDown) -> page::Scope {
    let DrillDown {
        metric,
        part,
        period,
        filter,
        numerator_only,
        page_size: _,
        page_token: _,
    } = asked;
    let limit = |at: Option<lotse_clock::Timestamp>| {
        at.map(|at| at.as_millis().to_string()).unwrap_or_default()
    };
    let (start, end) = (limit(period.start), limit(period.end));
    let numerator = if *numerator_only { "numerator" } else { "" };
    page::Scope::new(
        "DrillDown",
        &[metric, part, &start, &end, filter, numerator],
    )
}
