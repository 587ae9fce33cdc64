//! The catalogue as callers see it.

use lotse_proto::insight::v1::{ListMetricsRequest, Unit};

use crate::stage::{Stage, migrations};

#[tokio::test]
async fn the_catalogue_names_metrics_parts_units_and_dimensions() {
    let mut stage = Stage::new(lotse_testkit::sqlite(migrations).await).await;
    let response = stage
        .client
        .list_metrics(ListMetricsRequest {})
        .await
        .unwrap()
        .into_inner();
    for id in [
        "ticket_volume",
        "opened_vs_solved",
        "merged_tickets",
        "first_reply_time",
        "resolution_time",
        "first_contact_resolution",
        "backlog",
        "transfer_rate",
        "misroute_rate",
        "escalation_rate",
        "reopen_rate",
        "repeat_rate",
        "average_wait_time",
        "sla_compliance",
        "solved_per_agent",
        "csat",
        "ces",
        "nps",
    ] {
        let metric = response
            .metrics
            .iter()
            .find(|metric| metric.id == id)
            .unwrap();
        assert!(!metric.definition.is_empty() && metric.version == 1);
        assert!(
            metric.dimensions.contains(&"attributes.<key>".to_owned()),
            "{id}"
        );
    }
    let frt = response
        .metrics
        .iter()
        .find(|m| m.aliases.contains(&"FRT".to_owned()))
        .unwrap();
    assert_eq!(frt.parts[0].unit(), Unit::Seconds);
    assert!(!frt.dimensions.contains(&"sla_metric".to_owned()));
    let channel = response
        .dimensions
        .iter()
        .find(|d| d.name == "channel")
        .unwrap();
    assert!(channel.values.contains(&"WALK_IN".to_owned()));
}
