//! A demo's day leaves what it promises, as callers of the API see it.

use std::collections::BTreeSet;

use lotse::demo::Demo;
use lotse_client::Channel;
use lotse_clock::BusinessClock;
use lotse_db::meta;
use lotse_proto::common::v1::{ClockState, SurveyKind, TicketStatus};
use lotse_proto::insight::v1::QueryMetricsRequest;
use lotse_proto::insight::v1::insight_service_client::InsightServiceClient;
use lotse_proto::intake::v1::ticket_service_client::TicketServiceClient;
use lotse_proto::intake::v1::{ListTicketsRequest, Ticket};
use lotse_proto::routing::v1::routing_service_client::RoutingServiceClient;
use lotse_proto::routing::v1::workflow_service_client::WorkflowServiceClient;
use lotse_proto::routing::v1::{GetQueueStateRequest, Group, PutGroupRequest};
use lotse_proto::sla::v1::alert_service_client::AlertServiceClient;
use lotse_proto::sla::v1::sla_service_client::SlaServiceClient;
use lotse_proto::sla::v1::{
    Alert, AlertState, AlertStepKind, Clock, GetAlertRequest, ListAlertsRequest, ListClocksRequest,
};
use lotse_proto::survey::v1::survey_service_client::SurveyServiceClient;
use lotse_proto::survey::v1::{Answer, ListAnswersRequest};

use crate::stage::{Stage, Store};

async fn tickets(channel: &Channel) -> Vec<Ticket> {
    let mut client = TicketServiceClient::new(channel.clone());
    let request = ListTicketsRequest {
        page_size: 500,
        ..ListTicketsRequest::default()
    };
    let page = client.list_tickets(request).await.unwrap().into_inner();
    assert_eq!(page.next_page_token, "", "a day fits on a page");
    page.tickets
}

async fn answers(channel: &Channel) -> Vec<Answer> {
    let mut client = SurveyServiceClient::new(channel.clone());
    let request = ListAnswersRequest {
        page_size: 500,
        ..ListAnswersRequest::default()
    };
    client
        .list_answers(request)
        .await
        .unwrap()
        .into_inner()
        .answers
}

/// The newest clocks that run, or have run out unanswered, by their share of the target.
async fn urgent(channel: &Channel) -> Vec<Clock> {
    let mut client = SlaServiceClient::new(channel.clone());
    let request = ListClocksRequest {
        states: vec![ClockState::Running.into(), ClockState::Breached.into()],
        latest_only: true,
        page_size: 1_000,
        ..ListClocksRequest::default()
    };
    let clocks = client
        .list_clocks(request)
        .await
        .unwrap()
        .into_inner()
        .clocks;
    clocks
        .into_iter()
        .filter(|clock| clock.fulfilled_at.is_none())
        .collect()
}

/// All alerts with their histories, the newest first.
async fn alerts(channel: &Channel) -> Vec<Alert> {
    let mut client = AlertServiceClient::new(channel.clone());
    let request = ListAlertsRequest {
        page_size: 1_000,
        ..ListAlertsRequest::default()
    };
    let listed = client.list_alerts(request).await.unwrap().into_inner();
    assert_eq!(listed.next_page_token, "", "a day fits on a page");
    let mut alerts = Vec::new();
    for alert in listed.alerts {
        let request = GetAlertRequest { alert_id: alert.id };
        let got = client.get_alert(request).await.unwrap().into_inner();
        alerts.extend(got.alert);
    }
    alerts
}

/// What happened to an alert and to whom, without its opening.
fn history(alert: &Alert) -> Vec<(AlertStepKind, &str)> {
    let steps = alert.steps.iter().skip(1);
    let step = steps.map(|step| {
        let told = step.agents.first().map(|told| told.agent_id.as_str());
        (step.kind(), told.unwrap_or(&step.agent_id))
    });
    step.collect()
}

/// The numerator and the denominator of a share.
async fn share(channel: &Channel, metric: &str) -> (i64, i64) {
    let mut client = InsightServiceClient::new(channel.clone());
    let request = QueryMetricsRequest {
        metrics: vec![metric.to_owned()],
        ..QueryMetricsRequest::default()
    };
    let response = client.query_metrics(request).await.unwrap().into_inner();
    let figure = response.series[0].points[0].figure.unwrap();
    (figure.numerator.unwrap(), figure.n)
}

#[tokio::test]
async fn a_demo_refuses_a_database_that_is_used_and_takes_up_its_own_again() {
    let store = Store::new().await;
    let first = Demo::open(&store.db).await.unwrap().clock().now();
    let store = store.again().await;
    let again = Demo::open(&store.db).await.unwrap().clock().now();
    assert!(first < again, "a little after where it stood");

    let replay = Store::new().await;
    let noted = replay
        .db
        .in_tx(|tx| async move { meta::set_manual_clock(&tx, first).await });
    noted.await.unwrap();
    let error = Demo::open(&replay.db).await.err().unwrap().to_string();
    assert!(error.contains("holds a replay"), "{error}");

    let used = Store::new().await;
    let stage = Stage::new(&used.db, BusinessClock::system()).await;
    let mut workflow = WorkflowServiceClient::new(stage.channel.clone());
    let group = Group {
        name: "Support".to_owned(),
        ..Group::default()
    };
    let request = PutGroupRequest {
        group: Some(group),
        ..PutGroupRequest::default()
    };
    workflow.put_group(request).await.unwrap();
    let error = Demo::open(&used.db).await.err().unwrap().to_string();
    assert!(error.contains("real time"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demos_day_has_everything_that_a_console_shows() {
    let store = Store::new().await;
    let demo = Demo::open(&store.db).await.unwrap();
    let stage = Stage::new(&store.db, demo.clock()).await;
    let channel = &stage.channel;
    demo.fill_in(&stage.parts, channel, stage.jobs.clone())
        .await
        .unwrap();

    let tickets = tickets(channel).await;
    assert!(
        (280..500).contains(&tickets.len()),
        "{} tickets",
        tickets.len()
    );
    let channels: BTreeSet<i32> = tickets.iter().map(|ticket| ticket.channel).collect();
    let languages: BTreeSet<&str> = tickets
        .iter()
        .map(|ticket| ticket.language.as_str())
        .collect();
    assert_eq!(channels.len(), 4);
    assert_eq!(languages, BTreeSet::from(["de", "en", "es"]));
    let unsolved = tickets
        .iter()
        .filter(|ticket| !matches!(ticket.status(), TicketStatus::Solved | TicketStatus::Closed));
    let unsolved = unsolved.count();
    assert!((5..90).contains(&unsolved), "{unsolved} unsolved");
    assert!(
        tickets.iter().any(|ticket| ticket.reopen_count > 0),
        "reopened"
    );

    let happened = [
        "transfer_rate",
        "misroute_rate",
        "escalation_rate",
        "reopen_rate",
        "repeat_rate",
        "sla_compliance",
    ];
    for metric in happened {
        let (numerator, n) = share(channel, metric).await;
        assert!(
            0 < numerator && numerator < n,
            "{metric}: {numerator} of {n}"
        );
    }
    let answers = answers(channel).await;
    for kind in [SurveyKind::Csat, SurveyKind::Ces, SurveyKind::Nps] {
        assert!(
            answers.iter().any(|answer| answer.kind() == kind),
            "{kind:?}"
        );
    }
    let csat = |scores: [i32; 2]| {
        answers.iter().any(|answer| {
            answer.kind() == SurveyKind::Csat
                && scores.contains(&answer.score)
                && !answer.comment.is_empty()
        })
    };
    assert!(
        csat([4, 5]) && csat([1, 2]),
        "good and bad answers with comments"
    );

    let urgent = urgent(channel).await;
    let within = |from: f64, to: f64| {
        urgent
            .iter()
            .filter(|clock| (from..to).contains(&clock.share))
            .count()
    };
    assert!(within(0.5, 0.9) > 0, "amber");
    assert!(within(0.9, 99.0) > 0, "red");

    let alerts = alerts(channel).await;
    let open = alerts
        .iter()
        .filter(|alert| alert.state() != AlertState::Resolved);
    let open: Vec<_> = open.collect();
    assert!((1..12).contains(&open.len()), "{} open alerts", open.len());
    let climbed = open.iter().find(|alert| {
        let second = alert.told_agent_ids.get(1);
        alert.level == 2 && alert.state() == AlertState::Open && second.is_some()
    });
    assert!(
        climbed.is_some(),
        "nobody took care, a second agent is told"
    );
    // The whole of it: the first does not answer, another one takes care, and it is over.
    let founding = alerts.iter().filter(|alert| {
        use AlertStepKind::{Acknowledged, Notified, Resolved};
        matches!(
            history(alert)[..],
            [(Notified, first), (Notified, second), (Acknowledged, by), (Resolved, _)]
                if first != second && second == by
        )
    });
    let (founding, all) = (founding.count(), alerts.len());
    assert!(founding > 2, "{founding} of {all} alerts");

    let mut routing = RoutingServiceClient::new(channel.clone());
    let board = routing
        .get_queue_state(GetQueueStateRequest::default())
        .await
        .unwrap();
    let board = board.into_inner();
    assert_eq!(board.agents.len(), 12);
    for agent in &board.agents {
        assert!(agent.load <= f64::from(agent.capacity), "{}", agent.name);
    }
}
