//! The report of misroutes: which decisions were undone, and what they lacked.

use std::time::Duration;

use lotse_errors::ErrorReason;
use lotse_proto::common::v1::TransferReason;
use lotse_proto::journal::v1 as journal;
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::MisrouteDimension;
use lotse_proto::time::to_proto;
use lotse_testkit::TestDb;

use crate::stage::{Replica, Stage, agent, created, migrations, reason};
use crate::transfers::to_group;

impl Replica {
    fn since(&self, back: Duration) -> Option<prost_types::Timestamp> {
        let now = self.clock.now().as_millis();
        let back = i64::try_from(back.as_millis()).unwrap();
        Some(to_proto(lotse_clock::Timestamp::from_millis(now - back)))
    }

    pub(crate) async fn report(
        &self,
        dimension: MisrouteDimension,
    ) -> proto::ReportMisroutesResponse {
        let request = proto::ReportMisroutesRequest {
            from: self.since(Duration::from_secs(86_400)),
            dimension: dimension.into(),
            ..proto::ReportMisroutesRequest::default()
        };
        self.routing()
            .report_misroutes(request)
            .await
            .unwrap()
            .into_inner()
    }

    async fn list(&self, request: proto::ListMisroutesRequest) -> proto::ListMisroutesResponse {
        let request = proto::ListMisroutesRequest {
            from: self.since(Duration::from_secs(86_400)),
            ..request
        };
        self.routing()
            .list_misroutes(request)
            .await
            .unwrap()
            .into_inner()
    }
}

pub(crate) fn counts(figures: Option<&proto::MisrouteFigures>) -> (u64, u64, u64) {
    let figures = figures.unwrap();
    (figures.handled, figures.transferred, figures.misrouted)
}

/// Two groups; rule "mail" leads to the desk, all else to the network; Ann and Nora take all.
struct Team {
    stage: Stage,
    desk: String,
    network: String,
}

impl Team {
    async fn new(db: TestDb) -> Self {
        let stage = Stage::new(db).await;
        let desk = stage.group("desk", 1).await;
        let network = stage.group("network", 1).await;
        let mail = proto::WorkflowRule {
            name: "mail".to_owned(),
            group_id: desk.clone(),
            categories: vec!["mail".to_owned()],
            ..proto::WorkflowRule::default()
        };
        stage.put_rules(vec![mail], &network).await;
        stage.skill("vpn").await;
        stage.online(agent("Ann", &desk, 50)).await;
        stage.online(agent("Nora", &network, 50)).await;
        Self {
            stage,
            desk,
            network,
        }
    }

    async fn mail(&self) -> String {
        let created = journal::TicketCreated {
            category: "mail".to_owned(),
            ..created()
        };
        self.stage.ticket(created).await
    }

    async fn pass(&self, ticket: &str, to: &str, reason: TransferReason, skill: &str) {
        let request = proto::TransferTicketRequest {
            missing_skill: skill.to_owned(),
            ..to_group(ticket, to, reason)
        };
        self.stage.pass_on(request).await.unwrap();
        self.stage.suite.settle().await;
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_transfer_counts_against_the_decision_that_it_undid(db: TestDb) {
        let team = Team::new(db).await;
        let (stage, desk, network) = (&team.stage, &team.desk, &team.network);
        let wrong = team.mail().await;
        let busy = team.mail().await;
        team.mail().await;
        stage.ticket(created()).await;
        team.pass(&wrong, network, TransferReason::WrongSkill, "vpn").await;
        team.pass(&busy, network, TransferReason::Capacity, "").await;
        // Nobody in the network knows it, so it still waits: passed on once more from there.
        team.pass(&wrong, desk, TransferReason::Unexplained, "").await;

        let report = stage.report(MisrouteDimension::Rule).await;
        assert_eq!(counts(report.total.as_ref()), (4, 2, 1));
        let rows: Vec<_> = report.rows.iter().map(|row| {
            (row.workflow_rule.as_str(), row.workflow_version, counts(row.figures.as_ref()))
        }).collect();
        assert_eq!(rows, [("", 0, (2, 1, 1)), ("mail", 1, (3, 2, 1)), ("default", 1, (1, 0, 0))]);
        let mail = &report.rows[1];
        let to_network = proto::Destination { group_id: network.clone(), tickets: 1 };
        assert_eq!(mail.destinations, [to_network]);
        let rate = mail.figures.as_ref().unwrap().misroute_rate.unwrap();
        assert!((rate.value - 1.0 / 3.0).abs() < 1e-9 && rate.low > 0.0 && rate.high < 1.0, "{rate:?}");

        let report = stage.report(MisrouteDimension::Group).await;
        let rows: Vec<_> = report.rows.iter()
            .map(|row| (&row.group_id, counts(row.figures.as_ref())))
            .collect();
        let mut expected = [(network, (3, 1, 1)), (desk, (3, 2, 1))];
        expected.sort();
        assert_eq!(rows, expected);
        let report = stage.report(MisrouteDimension::MissingSkill).await;
        let [row] = report.rows.as_slice() else { panic!("{report:?}") };
        assert_eq!((row.missing_skill.as_str(), counts(row.figures.as_ref())), ("vpn", (4, 1, 1)));
        assert_eq!(stage.report(MisrouteDimension::MissingLanguage).await.rows, []);
    }

    async fn a_report_leads_to_its_tickets_page_by_page(db: TestDb) {
        let team = Team::new(db).await;
        let (stage, network) = (&team.stage, &team.network);
        let mut sent = Vec::new();
        for n in 0..5 {
            let ticket = team.mail().await;
            let why = if n == 0 { TransferReason::ShiftEnd } else { TransferReason::WrongTier };
            team.pass(&ticket, network, why, "").await;
            stage.suite.advance(Duration::from_secs(1)).await;
            sent.push(ticket);
        }
        let mut request = proto::ListMisroutesRequest {
            workflow_rule: "mail".to_owned(),
            workflow_version: 1,
            group_id: team.desk.clone(),
            page_size: 3,
            ..proto::ListMisroutesRequest::default()
        };
        let first = stage.list(request.clone()).await;
        request.page_token = first.next_page_token.clone();
        // The span is part of what a token is bound to: it must be the same.
        let second = stage.list(request.clone()).await;
        assert_eq!(second.next_page_token, "");
        let all: Vec<_> = first.misroutes.iter().chain(&second.misroutes).collect();
        assert_eq!(all.iter().map(|one| &one.ticket_id).collect::<Vec<_>>(), sent[1..].iter().collect::<Vec<_>>());
        let explained = stage.explain(&sent[1]).await;
        assert_eq!(all[0].decision_id, explained.decisions[0].id);
        assert_eq!((all[0].reason(), all[0].misroute), (TransferReason::WrongTier, true));
        let others = proto::ListMisroutesRequest { workflow_rule: "default".to_owned(), ..Default::default() };
        assert_eq!(stage.list(others).await.misroutes, []);
        let everything = proto::ListMisroutesRequest { all_transfers: true, ..Default::default() };
        assert_eq!(stage.list(everything).await.misroutes.len(), 5);
    }

    async fn a_report_without_a_span_is_refused(db: TestDb) {
        let stage = Stage::new(db).await;
        let refused = stage.routing().report_misroutes(proto::ReportMisroutesRequest::default()).await;
        assert_eq!(reason(refused), ErrorReason::InvalidField);
        let damaged = proto::ListMisroutesRequest {
            from: stage.since(Duration::from_secs(1)),
            page_token: "x".to_owned(),
            ..Default::default()
        };
        let refused = stage.routing().list_misroutes(damaged).await;
        assert_eq!(reason(refused), ErrorReason::InvalidPageToken);
    }
}
