//! What people decide: assign, transfer, escalate.

use std::time::Duration;

use lotse_errors::ErrorReason;
use lotse_journal::Body;
use lotse_proto::common::v1::{TicketStatus, TransferReason};
use lotse_proto::journal::v1::ticket_status_changed::Change;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::to_proto;
use lotse_testkit::TestDb;
use tonic::{Code, Response};

use crate::stage::{Stage, agent, created, migrations, new_ticket, reason, solved, status};

impl Stage {
    async fn transfer(
        &self,
        ticket: &str,
        group: &str,
        reason: TransferReason,
    ) -> proto::TransferTicketResponse {
        let request = proto::TransferTicketRequest {
            ticket_id: ticket.to_owned(),
            group_id: group.to_owned(),
            reason: reason.into(),
            note: "knows more about it".to_owned(),
            ..proto::TransferTicketRequest::default()
        };
        self.routing()
            .transfer_ticket(request)
            .await
            .unwrap()
            .into_inner()
    }

    async fn escalate(
        &self,
        ticket: &str,
        group: &str,
    ) -> Result<proto::EscalateTicketResponse, tonic::Status> {
        let request = proto::EscalateTicketRequest {
            ticket_id: ticket.to_owned(),
            group_id: group.to_owned(),
            summary: "restarted twice, still dark".to_owned(),
            ..proto::EscalateTicketRequest::default()
        };
        self.routing()
            .escalate_ticket(request)
            .await
            .map(Response::into_inner)
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn assigning_right_after_creation_needs_no_wait_for_routing(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.agent(agent("Anna", &group, 2)).await;
        let ticket = new_ticket(stage.clock.now());
        stage.journal(&ticket, vec![Body::TicketCreated(created())]).await;
        // Routing's jobs have not run.
        let assigned = stage.assign(&ticket, "", &anna).await.unwrap();
        let route = assigned.route.unwrap();
        assert_eq!((route.agent_id, route.group_id, route.tier), (anna.clone(), group, 1));
        stage.suite.settle().await;
        assert_eq!(stage.get_agent(&anna).await.load, 1.0);
        assert_eq!(stage.events(&ticket).await.len(), 1);
    }

    async fn a_ticket_that_does_not_exist_is_not_found(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let nobody = new_ticket(stage.clock.now());
        let refused = stage.assign(&nobody, &group, "").await;
        assert_eq!(reason(refused), ErrorReason::ResourceNotFound);
        let request = proto::ExplainRoutingRequest { ticket_id: nobody, ..Default::default() };
        let refused = stage.routing().explain_routing(request).await;
        assert_eq!(reason(refused), ErrorReason::ResourceNotFound);
    }

    async fn assigning_above_capacity_is_done_and_flagged(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 1)).await;
        let first = stage.ticket(created()).await;
        let second = stage.ticket(created()).await;
        assert_eq!(stage.route(&first).await.agent_id, anna);
        let assigned = stage.assign(&second, "", &anna).await.unwrap();
        assert!(assigned.over_capacity);
        assert_eq!(stage.get_agent(&anna).await.load, 2.0);
        let events = stage.events(&second).await;
        let Some(Body::TicketAssigned(event)) = events.last() else { panic!("{events:?}") };
        assert!(event.manual && event.over_capacity);
        let decision = stage.explain(&second).await.decisions.pop().unwrap();
        assert!(decision.over_capacity);
        assert_eq!(decision.words.last().unwrap(), "This put the agent over their capacity.");
        // Nothing more comes by itself.
        let third = stage.ticket(created()).await;
        assert_eq!(stage.route(&third).await.state(), proto::RouteState::Waiting);
    }

    async fn assigning_to_a_group_lets_routing_choose_the_agent(db: TestDb) {
        let (stage, _) = Stage::with_group(db).await;
        let network = stage.group("network", 1).await;
        let nora = stage.online(agent("Nora", &network, 1)).await;
        let ticket = stage.ticket(created()).await;
        let assigned = stage.assign(&ticket, &network, "").await.unwrap().route.unwrap();
        assert_eq!((assigned.state(), assigned.group_id.as_str()), (proto::RouteState::Waiting, network.as_str()));
        stage.suite.settle().await;
        assert_eq!(stage.route(&ticket).await.agent_id, nora);
    }

    async fn the_same_request_id_assigns_once_and_answers_alike(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.agent(agent("Anna", &group, 3)).await;
        let ticket = stage.ticket(created()).await;
        let request = proto::AssignTicketRequest {
            ticket_id: ticket.clone(),
            agent_id: anna.clone(),
            request_id: "once".to_owned(),
            ..proto::AssignTicketRequest::default()
        };
        let first = stage.routing().assign_ticket(request.clone()).await.unwrap().into_inner();
        let again = stage.routing().assign_ticket(request.clone()).await.unwrap().into_inner();
        assert_eq!(first, again);
        assert_eq!(stage.get_agent(&anna).await.load, 1.0);
        let other = proto::AssignTicketRequest { note: "other".to_owned(), ..request };
        let refused = stage.routing().assign_ticket(other).await;
        assert_eq!(reason(refused), ErrorReason::RequestIdReused);
    }

    async fn a_stale_etag_is_refused(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.agent(agent("Anna", &group, 3)).await;
        let ticket = stage.ticket(created()).await;
        let seen = stage.board().await.waiting[0].etag.clone();
        stage.assign(&ticket, "", &anna).await.unwrap();
        let request = proto::AssignTicketRequest {
            ticket_id: ticket,
            agent_id: anna,
            etag: seen,
            ..proto::AssignTicketRequest::default()
        };
        let refused = stage.routing().assign_ticket(request).await;
        assert_eq!(reason(refused), ErrorReason::StaleEtag);
    }

    async fn every_transfer_counts_within_the_same_group_too(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let network = stage.group("network", 1).await;
        let anna = stage.agent(agent("Anna", &group, 3)).await;
        let ticket = stage.ticket(created()).await;
        stage.assign(&ticket, "", &anna).await.unwrap();
        let first = stage.transfer(&ticket, &group, TransferReason::Capacity).await;
        assert_eq!((first.hop, first.misroute), (1, false));
        let second = stage.transfer(&ticket, &network, TransferReason::WrongSkill).await;
        assert_eq!((second.hop, second.misroute), (2, true));
        let third = stage.transfer(&ticket, &group, TransferReason::Unspecified).await;
        assert_eq!((third.hop, third.misroute), (3, true));
        let hops: Vec<_> = stage.events(&ticket).await.into_iter().filter_map(|body| match body {
            Body::TicketTransferred(moved) => Some((moved.hop, moved.reason(), moved.misroute)),
            _ => None,
        }).collect();
        assert_eq!(hops, [
            (1, TransferReason::Capacity, false),
            (2, TransferReason::WrongSkill, true),
            (3, TransferReason::Unexplained, true),
        ]);
        assert_eq!(stage.get_agent(&anna).await.load, 0.0);
        assert_eq!(stage.route(&ticket).await.transfers, 3);
    }

    async fn a_ticket_transferred_to_a_queue_goes_to_somebody_else(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 5)).await;
        let ticket = stage.ticket(created()).await;
        assert_eq!(stage.route(&ticket).await.agent_id, anna);
        stage.transfer(&ticket, &group, TransferReason::WrongLanguage).await;
        stage.suite.settle().await;
        let explained = stage.explain(&ticket).await;
        assert_eq!(explained.route.unwrap().state(), proto::RouteState::Waiting);
        assert_eq!(explained.current.unwrap().reason, "nobody_eligible");
        let bruno = stage.online(agent("Bruno", &group, 1)).await;
        stage.suite.settle().await;
        assert_eq!(stage.route(&ticket).await.agent_id, bruno);
    }

    async fn notes_stay_out_of_the_journal(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let ticket = stage.ticket(created()).await;
        stage.transfer(&ticket, &group, TransferReason::Capacity).await;
        let decision = stage.explain(&ticket).await.decisions.pop().unwrap();
        assert_eq!((decision.note.as_str(), decision.principal.as_str()), ("knows more about it", "local"));
        assert_eq!(decision.transfer_reason(), TransferReason::Capacity);
        let events = format!("{:?}", stage.events(&ticket).await);
        assert!(!events.contains("knows more"), "{events}");
    }

    async fn an_escalation_goes_to_the_next_tier_and_is_no_transfer(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        stage.group("third line", 3).await;
        let second = stage.group("second line", 2).await;
        let anna = stage.online(agent("Anna", &group, 1)).await;
        let senta = stage.online(agent("Senta", &second, 1)).await;
        let ticket = stage.ticket(created()).await;
        let escalated = stage.escalate(&ticket, "").await.unwrap();
        let route = escalated.route.unwrap();
        assert_eq!((escalated.from_tier, route.tier, route.group_id), (1, 2, second.clone()));
        assert_eq!((route.transfers, route.escalations), (0, 1));
        stage.suite.settle().await;
        assert_eq!(stage.route(&ticket).await.agent_id, senta);
        assert_eq!(stage.get_agent(&anna).await.load, 0.0);
        let events = stage.events(&ticket).await;
        let [Body::TicketAssigned(_), Body::TicketEscalated(up), Body::TicketAssigned(to)] = events.as_slice()
            else { panic!("{events:?}") };
        assert_eq!((up.from_tier, up.to_tier, &up.from_agent_id), (1, 2, &anna));
        assert_eq!((&up.from_group_id, &up.to_group_id), (&group, &second));
        assert!(!to.first);
    }

    async fn an_escalation_needs_something_above(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let side = stage.group("side", 1).await;
        let ticket = stage.ticket(created()).await;
        stage.assign(&ticket, &group, "").await.unwrap();
        assert_eq!(reason(stage.escalate(&ticket, "").await), ErrorReason::NoNextTier);
        assert_eq!(reason(stage.escalate(&ticket, &side).await), ErrorReason::InvalidField);
        let request = proto::EscalateTicketRequest { ticket_id: ticket, ..Default::default() };
        let refused = stage.routing().escalate_ticket(request).await;
        assert_eq!(refused.unwrap_err().message(), "summary: must not be empty");
    }

    async fn a_retired_agent_gets_nothing_by_hand_either(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let gone = stage.agent(proto::Agent { retired: true, ..agent("Gustav", &group, 3) }).await;
        let ticket = stage.ticket(created()).await;
        assert_eq!(reason(stage.assign(&ticket, "", &gone).await), ErrorReason::AgentNotEligible);
    }

    async fn a_solved_ticket_may_change_hands_and_a_closed_one_not(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.agent(agent("Anna", &group, 3)).await;
        let ticket = stage.ticket(created()).await;
        stage.journal(&ticket, vec![solved()]).await;
        stage.suite.settle().await;
        let route = stage.assign(&ticket, "", &anna).await.unwrap().route.unwrap();
        assert_eq!(route.state(), proto::RouteState::Done);
        assert_eq!(stage.get_agent(&anna).await.load, 0.0);
        stage.journal(&ticket, vec![status(TicketStatus::Closed, Change::Closed)]).await;
        stage.suite.settle().await;
        assert_eq!(reason(stage.assign(&ticket, &group, "").await), ErrorReason::IllegalTransition);
    }

    async fn the_past_is_told_with_its_time_and_the_future_refused(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let ticket = stage.ticket(created()).await;
        let came = stage.clock.now();
        stage.suite.advance(Duration::from_secs(3_600)).await;
        let at = came + Duration::from_secs(60);
        let request = proto::AssignTicketRequest {
            ticket_id: ticket,
            group_id: group.clone(),
            agent_id: stage.agent(agent("Anna", &group, 3)).await,
            occurred_at: Some(to_proto(at)),
            ..proto::AssignTicketRequest::default()
        };
        let assigned = stage.routing().assign_ticket(request.clone()).await.unwrap().into_inner();
        assert_eq!(assigned.route.unwrap().assigned_at, Some(to_proto(at)));
        for wrong in [stage.clock.now() + Duration::from_secs(1), came - Duration::from_secs(1)] {
            let request = proto::AssignTicketRequest { occurred_at: Some(to_proto(wrong)), ..request.clone() };
            let refused = stage.routing().assign_ticket(request).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
            assert!(refused.message().starts_with("occurred_at: "), "{refused:?}");
        }
    }
}
