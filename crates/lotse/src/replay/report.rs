//! What came out: asked of the services, never of the files.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use anyhow::{Context as _, Result};
use lotse_proto::insight::v1::{Figure, QueryMetricsRequest};
use lotse_proto::intake::v1::StreamEventsRequest;
use serde::Serialize;

use super::calls::Calls;
use super::log::SetAside;
use super::setting::Setting;

/// The totals of a replay.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Tickets created.
    pub tickets: u64,
    /// Rows of the log that became at least one journaled change.
    pub events: u64,
    /// Transfers.
    pub reassignments: u64,
    /// Tickets with at least one transfer.
    pub transferred: u64,
    /// Tickets reopened at least once.
    pub reopened: u64,
    /// Reopenings.
    pub reopenings: u64,
    /// Tickets closed in time by the log's own flag.
    pub logged_sla_met: u64,
    /// Tickets by their final priority.
    pub by_priority: BTreeMap<&'static str, u64>,
    /// Tickets without a transfer and without a reopening.
    pub no_transfer_no_reopen: u64,
    /// Tickets solved.
    pub solved: u64,
    /// Tickets solved for which the log has a time of resolution.
    pub resolved: u64,
    /// Creation to last solution of those, nearest rank.
    pub resolution_hours: Percentiles,
    /// Share of tickets whose SLA clock agrees with the log's own flag, by the priority whose target
    /// judged it.
    pub sla_agreement: BTreeMap<&'static str, f64>,
    /// Rows that were set aside.
    pub(crate) set_aside: Vec<SetAside>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Rows per second.
    pub events_per_second: f64,
}

/// Hours, absent where nothing was measured.
#[derive(Debug, Default, Serialize)]
pub struct Percentiles {
    /// The median.
    pub p50: Option<f64>,
    /// Nine in ten are at most this.
    pub p90: Option<f64>,
}

impl Report {
    /// Notes how long it took.
    pub(crate) fn timed(&mut self, took: Duration) {
        self.seconds = took.as_secs_f64();
        self.events_per_second = self.events as f64 / self.seconds;
    }
}

const PRIORITIES: [(&str, &str); 4] = [
    ("P1", "URGENT"),
    ("P2", "HIGH"),
    ("P3", "NORMAL"),
    ("P4", "LOW"),
];

/// Asks for all totals.
pub(crate) async fn ask(calls: &Calls, setting: &Setting) -> Result<Report> {
    let resolution = figure(
        calls,
        "resolution_time",
        "full",
        "attributes.resolved_at = \"logged\"",
    )
    .await?;
    let hops = figure(calls, "hops", "", "").await?;
    let mut report = Report {
        tickets: count(calls, "").await?,
        events: rows_journaled(calls).await?,
        reassignments: hops.sum.unwrap_or_default() as u64,
        transferred: numerator(&figure(calls, "transfer_rate", "", "").await?),
        reopened: numerator(&figure(calls, "reopen_rate", "", "").await?),
        reopenings: figure(calls, "reopenings", "", "")
            .await?
            .sum
            .unwrap_or_default() as u64,
        logged_sla_met: count(calls, "attributes.made_sla = \"true\"").await?,
        no_transfer_no_reopen: count(calls, "transferred = false AND reopened = false").await?,
        solved: count(calls, "solved = true").await?,
        resolved: resolution.n.unsigned_abs(),
        resolution_hours: Percentiles {
            p50: resolution.p50.map(hours),
            p90: resolution.p90.map(hours),
        },
        ..Report::default()
    };
    for (name, priority) in PRIORITIES {
        let tickets = count(calls, &format!("priority = {priority}")).await?;
        report.by_priority.insert(name, tickets);
    }
    for (name, policy) in &setting.policies {
        if let Some(share) = agreement(calls, policy).await? {
            report.sla_agreement.insert(*name, share);
        }
    }
    Ok(report)
}

/// The share of clocks that say what the log's flag says: met where it is set, breached where not.
async fn agreement(calls: &Calls, policy: &str) -> Result<Option<f64>> {
    let of = |flag: bool| {
        format!("policy = \"{policy}\" AND attributes.made_sla = \"{flag}\" AND last_cycle = true")
    };
    let made = figure(calls, "sla_compliance", "share", &of(true)).await?;
    let missed = figure(calls, "sla_compliance", "share", &of(false)).await?;
    let agree = numerator(&made) + missed.n.unsigned_abs() - numerator(&missed);
    let all = made.n + missed.n;
    Ok((all > 0).then(|| agree as f64 / all as f64))
}

async fn count(calls: &Calls, filter: &str) -> Result<u64> {
    Ok(figure(calls, "ticket_volume", "", filter)
        .await?
        .n
        .unsigned_abs())
}

/// One figure over all time.
async fn figure(calls: &Calls, metric: &str, part: &str, filter: &str) -> Result<Figure> {
    let request = QueryMetricsRequest {
        metrics: vec![metric.to_owned()],
        filter: filter.to_owned(),
        ..QueryMetricsRequest::default()
    };
    let response = calls
        .insight
        .clone()
        .query_metrics(request)
        .await?
        .into_inner();
    let mut series = response.series.into_iter();
    let series = series.find(|series| part.is_empty() || series.part == part);
    let point = series.and_then(|series| series.points.into_iter().next());
    point
        .and_then(|point| point.figure)
        .with_context(|| format!("no figure for {metric}"))
}

fn numerator(figure: &Figure) -> u64 {
    figure.numerator.unwrap_or_default().unsigned_abs()
}

fn hours(seconds: f64) -> f64 {
    seconds / 3_600.0
}

/// The rows whose commands are the cause of at least one journaled change, by the journal's feed.
async fn rows_journaled(calls: &Calls) -> Result<u64> {
    let request = StreamEventsRequest {
        end_when_caught_up: true,
        ..StreamEventsRequest::default()
    };
    let mut feed = calls
        .events
        .clone()
        .stream_events(request)
        .await?
        .into_inner();
    let mut lines = HashSet::new();
    while let Some(item) = feed.message().await? {
        let cause = item.event.map(|event| event.cause).unwrap_or_default();
        // A request id of ours: `line:ticket:command`. Causes of consumers have two parts.
        if let [line, _, _] = cause.split(':').collect::<Vec<_>>()[..]
            && line != "0"
        {
            lines.insert(line.to_owned());
        }
    }
    Ok(lines.len() as u64)
}
