//! Questions that cannot be answered.

use lotse_proto::insight::v1::{DrillDownRequest, Grain, QueryMetricsRequest};
use lotse_testkit::TestDb;

use crate::stage::{Stage, ask, fields, migrations, period};

async fn stage() -> Stage {
    let db: TestDb = lotse_testkit::sqlite(migrations).await;
    Stage::new(db).await
}

#[tokio::test]
async fn everything_that_is_wrong_is_named_at_once() {
    let mut stage = stage().await;
    let request = QueryMetricsRequest {
        metrics: vec!["csat".to_owned(), "happiness".to_owned()],
        group_by: vec![
            "channel".to_owned(),
            "colour".to_owned(),
            "channel".to_owned(),
        ],
        time_zone: "Mars/Olympus".to_owned(),
        period: period("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"),
        filter: "shape = round OR priority = P3".to_owned(),
        ..ask("")
    };
    let named = fields(&stage.query(request).await.unwrap_err());
    let expected = [
        "metrics[1]",
        "group_by[1]",
        "group_by[2]",
        "filter",
        "filter",
        "time_zone",
        "period.end_time",
    ];
    assert_eq!(named, expected);
}

#[tokio::test]
async fn a_dimension_that_a_metric_lacks_is_refused() {
    let mut stage = stage().await;
    let grouped = QueryMetricsRequest {
        group_by: vec!["policy".to_owned()],
        ..ask("backlog")
    };
    assert_eq!(
        fields(&stage.query(grouped).await.unwrap_err()),
        ["group_by[0]"]
    );
    let filtered = QueryMetricsRequest {
        filter: "survey_kind = CSAT".to_owned(),
        ..ask("FRT")
    };
    assert_eq!(
        fields(&stage.query(filtered).await.unwrap_err()),
        ["filter"]
    );
}

#[tokio::test]
async fn limits_of_a_question_are_kept() {
    let mut stage = stage().await;
    let none = QueryMetricsRequest {
        metrics: vec![],
        ..ask("")
    };
    assert_eq!(fields(&stage.query(none).await.unwrap_err()), ["metrics"]);
    let grain = QueryMetricsRequest {
        grain: 99,
        ..ask("csat")
    };
    assert_eq!(fields(&stage.query(grain).await.unwrap_err()), ["grain"]);
    let hours = QueryMetricsRequest {
        grain: Grain::Hour.into(),
        period: period("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ..ask("csat")
    };
    assert_eq!(fields(&stage.query(hours).await.unwrap_err()), ["period"]);
    let filter = QueryMetricsRequest {
        filter: "channel = ".to_owned(),
        ..ask("csat")
    };
    assert_eq!(fields(&stage.query(filter).await.unwrap_err()), ["filter"]);
}

#[tokio::test]
async fn a_drill_down_that_cannot_be_is_refused_by_field() {
    let mut stage = stage().await;
    let wrong = [
        ("nothing", "", false, "", vec!["metric"]),
        ("csat", "mean", false, "", vec!["part"]),
        ("opened_vs_solved", "difference", false, "", vec!["part"]),
        ("ticket_volume", "", true, "", vec!["numerator_only"]),
        ("csat", "", false, "not a token", vec!["page_token"]),
    ];
    for (metric, part, numerator_only, page_token, expected) in wrong {
        let request = DrillDownRequest {
            metric: metric.to_owned(),
            part: part.to_owned(),
            numerator_only,
            page_token: page_token.to_owned(),
            ..DrillDownRequest::default()
        };
        let refused = stage.client.drill_down(request).await.unwrap_err();
        assert_eq!(fields(&refused), expected, "{metric} {part}");
    }
}
