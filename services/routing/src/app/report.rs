//! How often routing was wrong, and where.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use lotse_ids::GroupId;

use super::App;
use crate::error::Error;
use crate::store::report::{self, After, Counts, Dimension, Filter, Key, Span, Undone};

/// Destinations told of a row.
const DESTINATIONS: usize = 5;

/// How often routing was wrong.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) total: Counts,
    /// The most misroutes first.
    pub(crate) rows: Vec<Row>,
}

/// One part of it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) key: Key,
    pub(crate) counts: Counts,
    /// Where misrouted tickets went instead, the most first.
    pub(crate) destinations: Vec<(GroupId, u64)>,
}

impl Row {
    /// What rows are ordered by.
    pub(crate) fn rank(&self) -> (Reverse<u64>, &Key) {
        (Reverse(self.counts.misrouted), &self.key)
    }
}

impl App {
    /// What became of the decisions of a span.
    pub(crate) async fn report(&self, span: Span, dimension: Dimension) -> Result<Report, Error> {
        let conn = self.db.reader();
        let total = report::total(conn, span).await?;
        let mut went: BTreeMap<Key, Vec<(GroupId, u64)>> = BTreeMap::new();
        for (key, group, tickets) in report::destinations(conn, span, dimension).await? {
            went.entry(key).or_default().push((group, tickets));
        }
        let parts = report::by(conn, span, dimension).await?;
        let mut rows: Vec<Row> = parts
            .into_iter()
            .map(|(key, counts)| {
                let mut destinations = went.remove(&key).unwrap_or_default();
                destinations.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
                destinations.truncate(DESTINATIONS);
                // Of all tickets, so many lacked this.
                let handled = if dimension.is_lack() {
                    total.handled
                } else {
                    counts.handled
                };
                Row {
                    key,
                    counts: Counts { handled, ..counts },
                    destinations,
                }
            })
            .collect();
        rows.sort_by(|a, b| a.rank().cmp(&b.rank()));
        Ok(Report { total, rows })
    }

    /// A page of the transfers behind a report.
    pub(crate) async fn undone(
        &self,
        span: Span,
        filter: &Filter,
        after: Option<&After>,
        limit: u32,
    ) -> Result<Vec<Undone>, Error> {
        let conn = self.db.reader();
        Ok(report::list(conn, span, filter, after, limit.into()).await?)
    }
}
