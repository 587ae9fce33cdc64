//! How it goes: insight's figures.

use std::time::Duration;

use lotse_client::Channel;
use lotse_clock::Timestamp;
use lotse_proto::insight::v1 as insight;
use lotse_proto::insight::v1::insight_service_client::InsightServiceClient;
use lotse_proto::time;
use tonic::Status;

use crate::console::snapshot::{Figure, Kpis};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Longer than any day, so that today's midnight is within.
const OVER_A_DAY: Duration = Duration::from_secs(26 * 3600);

/// Asks insight.
pub(crate) async fn ask(
    insight: &Channel,
    now: Timestamp,
    time_zone: &str,
) -> Result<Kpis, Status> {
    let mut client = InsightServiceClient::new(insight.clone());
    let since = |span| insight::Period {
        start_time: Some(time::to_proto(now - span)),
        end_time: None,
    };
    let today = insight::QueryMetricsRequest {
        metrics: vec!["opened_vs_solved".to_owned()],
        grain: insight::Grain::Day.into(),
        time_zone: time_zone.to_owned(),
        period: Some(since(OVER_A_DAY)),
        ..Default::default()
    };
    let day = insight::QueryMetricsRequest {
        metrics: [
            "backlog",
            "first_reply_time",
            "resolution_time",
            "first_contact_resolution",
            "transfer_rate",
            "escalation_rate",
            "sla_compliance",
        ]
        .map(str::to_owned)
        .to_vec(),
        period: Some(since(DAY)),
        ..Default::default()
    };
    let today = client.query_metrics(today).await?.into_inner();
    let day = client.query_metrics(day).await?.into_inner();
    Ok(Kpis {
        created: last(&today, "opened_vs_solved", "created"),
        solved: last(&today, "opened_vs_solved", "solved"),
        backlog: last(&day, "backlog", ""),
        first_reply: last(&day, "first_reply_time", ""),
        resolution: last(&day, "resolution_time", "full"),
        first_contact: last(&day, "first_contact_resolution", ""),
        transfers: last(&day, "transfer_rate", ""),
        escalations: last(&day, "escalation_rate", ""),
        sla: last(&day, "sla_compliance", "share"),
    })
}

/// The figure of the last step: today, or the only one.
fn last(answer: &insight::QueryMetricsResponse, metric: &str, part: &str) -> Figure {
    let mut series = answer.series.iter();
    let series = series.find(|series| series.metric == metric && series.part == part);
    let point = series.and_then(|series| series.points.last());
    let Some(figure) = point.and_then(|point| point.figure.as_ref()) else {
        return Figure::default();
    };
    Figure {
        value: figure.value,
        n: figure.n,
        p50: figure.p50,
        p90: figure.p90,
        provisional: figure.provisional,
    }
}
