//! Periods and steps.

use lotse_clock::Timestamp;
use lotse_journal::Body;
use lotse_proto::common::v1::{AuthorKind, Channel, Priority};
use lotse_proto::insight::v1::{Grain, Point, QueryMetricsRequest, Series};
use lotse_proto::time::from_proto;
use lotse_testkit::{TestDb, on_both_databases};

use crate::desk::{created, says, solved};
use crate::stage::{Stage, ask, instant, migrations, period};

/// Hours and value of each step.
fn steps(series: &Series) -> Vec<(i64, Option<f64>)> {
    let hours = |point: &Point| {
        let limit = |at: &Option<_>| from_proto(at.as_ref().unwrap()).unwrap();
        let length = limit(&point.end_time).millis_since(limit(&point.start_time));
        (length / 3_600_000, point.figure.as_ref().unwrap().value)
    };
    series.points.iter().map(hours).collect()
}

async fn create(stage: &Stage, id: &str, at: &str) {
    let body = Body::TicketCreated(created(Channel::Email, "x", Priority::Normal));
    stage.ticket(id, vec![(instant(at), body)]).await;
}

/// Three tickets around the night of 29 March 2026, when Berlin skips an hour.
async fn spring(db: TestDb) -> Stage {
    let stage = Stage::new(db).await;
    create(&stage, "early", "2026-03-28T23:30:00Z").await;
    create(&stage, "late", "2026-03-29T21:59:59.999Z").await;
    create(&stage, "next", "2026-03-29T22:00:00Z").await;
    stage
        .ticket(
            "early",
            vec![(instant("2026-03-29T12:00:00Z"), solved("ann"))],
        )
        .await;
    stage
}

fn daily(metric: &str) -> QueryMetricsRequest {
    QueryMetricsRequest {
        grain: Grain::Day.into(),
        time_zone: "Europe/Berlin".to_owned(),
        period: period("2026-03-27T23:00:00Z", "2026-03-30T22:00:00Z"),
        ..ask(metric)
    }
}

on_both_databases! {
    migrations = migrations;

    async fn a_day_of_23_hours_holds_its_own_tickets(db: TestDb) {
        let mut stage = spring(db).await;
        let series = stage.query(daily("ticket_volume")).await.unwrap();
        let expected = [(24, None), (23, Some(2.0)), (24, Some(1.0))];
        assert_eq!(steps(&series[0]), expected);
    }

    async fn backlog_stands_at_the_end_of_each_step(db: TestDb) {
        let mut stage = spring(db).await;
        let series = stage.query(daily("backlog")).await.unwrap();
        assert_eq!(steps(&series[0]), [(24, None), (23, Some(1.0)), (24, Some(2.0))]);
        let later = QueryMetricsRequest {
            period: period("2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z"),
            ..daily("backlog")
        };
        let series = stage.query(later).await.unwrap();
        assert_eq!(steps(&series[0]), [(24, Some(2.0))], "what lies before the period counts");
    }

    async fn steps_without_limits_run_from_the_first_ticket_to_the_present(db: TestDb) {
        let mut stage = spring(db).await;
        let request = QueryMetricsRequest { period: None, ..daily("opened_vs_solved") };
        let series = stage.query(request).await.unwrap();
        let [created, solved, difference] = &series[..] else { panic!("{series:?}") };
        // From 29 March to 10 April, 02:00 in Berlin.
        assert_eq!(created.points.len(), 13);
        let first = |series: &Series| steps(series)[..3].to_vec();
        assert_eq!(first(created), [(23, Some(2.0)), (24, Some(1.0)), (24, None)]);
        assert_eq!(first(solved), [(23, Some(1.0)), (24, None), (24, None)]);
        assert_eq!(first(difference), [(23, Some(1.0)), (24, Some(1.0)), (24, None)]);
    }

    async fn each_group_has_every_step(db: TestDb) {
        let mut stage = spring(db).await;
        let request = QueryMetricsRequest {
            grain: Grain::Hour.into(),
            group_by: vec!["channel".to_owned()],
            period: period("2026-03-29T21:00:00Z", "2026-03-30T00:00:00Z"),
            ..daily("ticket_volume")
        };
        let series = stage.query(request).await.unwrap();
        assert_eq!(series.len(), 1);
        assert_eq!(steps(&series[0]), [(1, Some(1.0)), (1, Some(1.0)), (1, None)]);
    }

    async fn a_period_holds_its_start_and_not_its_end(db: TestDb) {
        let mut stage = spring(db).await;
        for (start, end, n) in [
            ("2026-03-29T22:00:00Z", "", 1),
            ("", "2026-03-29T22:00:00Z", 2),
            ("2026-03-28T23:30:00Z", "2026-03-29T21:59:59.999Z", 1),
        ] {
            let request =
                QueryMetricsRequest { period: period(start, end), ..ask("ticket_volume") };
            let series = stage.query(request).await.unwrap();
            assert_eq!(series[0].points[0].figure.as_ref().unwrap().n, n, "{start} {end}");
        }
    }

    async fn late_data_changes_the_period_in_which_it_happened(db: TestDb) {
        let mut stage = spring(db).await;
        let before = stage.query(daily("first_reply_time")).await.unwrap();
        assert_eq!(steps(&before[0]), [(24, None), (23, None), (24, None)]);
        let at = instant("2026-03-29T00:30:00Z");
        stage.ticket("early", vec![(at, says(AuthorKind::Human))]).await;
        let after = stage.query(daily("first_reply_time")).await.unwrap();
        assert_eq!(steps(&after[0]), [(24, None), (23, Some(3_600.0)), (24, None)]);
    }

    async fn many_steps_are_counted_in_one_pass(db: TestDb) {
        let mut stage = spring(db).await;
        let request = QueryMetricsRequest {
            grain: Grain::Hour.into(),
            period: period("2026-02-01T00:00:00Z", "2026-04-25T00:00:00Z"),
            ..ask("ticket_volume")
        };
        let series = stage.query(request).await.unwrap();
        assert_eq!(series[0].points.len(), 1_992);
        let with_value = series[0].points.iter().filter_map(|point| {
            let start = from_proto(point.start_time.as_ref().unwrap()).unwrap();
            point.figure.as_ref().unwrap().value.map(|_| start)
        });
        let expected: [Timestamp; 3] =
            ["2026-03-28T23:00:00Z", "2026-03-29T21:00:00Z", "2026-03-29T22:00:00Z"].map(instant);
        assert_eq!(with_value.collect::<Vec<_>>(), expected);
    }
}
