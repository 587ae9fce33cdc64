//! Workflows tried on what really came in.

use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_errors::ErrorReason;
use lotse_proto::common::v1::{Channel, TransferReason};
use lotse_proto::journal::v1 as journal;
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::simulate_workflow_request::Candidate;
use lotse_proto::time::to_proto;
use lotse_testkit::TestDb;
use tonic::{Response, Status};

use crate::capacity::{cap, weight};
use crate::offers::by;
use crate::stage::{Stage, agent, created, migrations, reason, solved};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// Tickets of a category to a group, the others to the first.
fn by_category(groups: &[String]) -> proto::Workflow {
    let rules = groups.iter().enumerate().skip(1);
    proto::Workflow {
        rules: rules
            .map(|(at, group)| proto::WorkflowRule {
                name: format!("category {at}"),
                group_id: group.clone(),
                categories: vec![at.to_string()],
                ..proto::WorkflowRule::default()
            })
            .collect(),
        default_group_id: groups[0].clone(),
        ..proto::Workflow::default()
    }
}

fn of_category(category: usize) -> journal::TicketCreated {
    journal::TicketCreated {
        category: category.to_string(),
        ..created()
    }
}

impl Stage {
    /// Two groups of two agents each, and a workflow by categories.
    async fn desk(&self) -> Vec<String> {
        let mut groups = Vec::new();
        for name in ["desk", "network"] {
            let group = self.group(name, 1).await;
            for nth in 1..=2 {
                self.online(agent(&format!("{name} {nth}"), &group, 2))
                    .await;
            }
            groups.push(group);
        }
        self.put_workflow(by_category(&groups)).await.unwrap();
        groups
    }

    pub(crate) async fn simulate(
        &self,
        from: Timestamp,
        candidate: Candidate,
    ) -> Result<proto::SimulateWorkflowResponse, Status> {
        let request = proto::SimulateWorkflowRequest {
            candidate: Some(candidate),
            from: Some(to_proto(from)),
            until: Some(to_proto(self.clock.now())),
            ..proto::SimulateWorkflowRequest::default()
        };
        let answer = self.routing().simulate_workflow(request).await;
        answer.map(Response::into_inner)
    }

    pub(crate) async fn solve(&self, ticket: &str) {
        self.journal(ticket, vec![solved()]).await;
        self.suite.settle().await;
    }

    /// Forty tickets of both categories, one every minute, each solved after a few; returns when it
    /// began.
    async fn quiet_hour(&self) -> Timestamp {
        self.suite.advance(MINUTE).await;
        let from = self.clock.now();
        let mut open: Vec<(usize, String)> = Vec::new();
        for minute in 0..40_usize {
            let (due, rest) = open.into_iter().partition(|(due, _)| *due <= minute);
            open = rest;
            let due: Vec<(usize, String)> = due;
            for (_, ticket) in due {
                self.solve(&ticket).await;
            }
            let ticket = self.ticket(of_category(minute % 3 / 2)).await;
            open.push((minute + 2 + minute * 7 % 5, ticket));
            self.suite.advance(MINUTE).await;
        }
        for (_, ticket) in open {
            self.solve(&ticket).await;
            self.suite.advance(MINUTE).await;
        }
        from
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn the_workflow_in_force_gives_every_ticket_of_a_quiet_hour_to_whom_it_really_went(db: TestDb) {
        let stage = Stage::new(db).await;
        stage.desk().await;
        let from = stage.quiet_hour().await;
        let answer = stage.simulate(from, Candidate::Version(1)).await.unwrap();
        assert_eq!((answer.tickets, answer.as_it_was), (40, 40));
        assert_eq!((answer.elsewhere, answer.in_force_version), (0, 1));
        assert_eq!(answer.in_force, answer.candidate);
        let outcome = answer.in_force.unwrap();
        assert_eq!((outcome.assigned, outcome.unrouted, outcome.transferred), (40, 0, 0));
        let by_agents: u32 = outcome.agents.iter().map(|agent| agent.assigned).sum();
        assert_eq!(by_agents, 40);
        let busy = outcome.groups.iter().all(|group| group.utilisation > 0.0 && group.utilisation < 1.0);
        assert!(busy, "{:?}", outcome.groups);
        let again = stage.simulate(from, Candidate::Version(1)).await.unwrap();
        assert_eq!(again.in_force.unwrap(), outcome, "the same question has the same answer");
    }

    async fn a_workflow_that_sends_tickets_to_the_wrong_group_is_found_out(db: TestDb) {
        let stage = Stage::new(db).await;
        let groups = stage.desk().await;
        let from = stage.quiet_hour().await;
        let all_to_desk = proto::Workflow { default_group_id: groups[0].clone(), ..Default::default() };
        let answer = stage.simulate(from, Candidate::Workflow(all_to_desk)).await.unwrap();
        let (real, other) = (answer.in_force.unwrap(), answer.candidate.unwrap());
        assert_eq!((real.transferred, other.transferred), (0, answer.elsewhere));
        assert_eq!(answer.elsewhere, 13, "every third ticket is of the network");
        assert_eq!((other.transfers, other.assigned), (13, 40));
        let example = &answer.examples[0];
        assert_eq!(
            [&example.in_force_group_id, &example.candidate_group_id, &example.solved_group_id],
            [&groups[1], &groups[0], &groups[1]]
        );
        let desk = other.groups.iter().find(|group| group.group_id == groups[0]).unwrap();
        assert_eq!((desk.first, desk.wrong), (40, 13));
        // Nothing was put.
        let request = proto::GetWorkflowRequest { version: 0 };
        let in_force = stage.workflows().get_workflow(request).await.unwrap().into_inner();
        assert_eq!(in_force.workflow.unwrap().version, 1);
    }

    async fn a_workflow_that_knew_better_would_have_saved_the_transfers(db: TestDb) {
        let stage = Stage::new(db).await;
        let groups = stage.desk().await;
        let all_to_desk = proto::Workflow { default_group_id: groups[0].clone(), ..Default::default() };
        stage.put_workflow(all_to_desk).await.unwrap();
        stage.suite.advance(MINUTE).await;
        let from = stage.clock.now();
        for _ in 0..3 {
            let ticket = stage.ticket(of_category(1)).await;
            stage.suite.advance(MINUTE).await;
            let request = proto::TransferTicketRequest {
                ticket_id: ticket.clone(),
                group_id: groups[1].clone(),
                reason: TransferReason::WrongSkill.into(),
                ..Default::default()
            };
            stage.routing().transfer_ticket(request).await.unwrap();
            stage.suite.settle().await;
            stage.suite.advance(5 * MINUTE).await;
            stage.solve(&ticket).await;
            stage.suite.advance(MINUTE).await;
        }
        let answer = stage.simulate(from, Candidate::Version(1)).await.unwrap();
        assert_eq!(answer.in_force.unwrap().transferred, 3);
        assert_eq!(answer.candidate.unwrap().transferred, 0);
        assert_eq!(answer.as_it_was, 3);
    }

    async fn channels_weigh_and_close_as_they_did(db: TestDb) {
        let stage = Stage::new(db).await;
        let group = stage.group("desk", 1).await;
        stage.default_group(&group).await;
        let anna = stage.online(proto::Agent {
            channel_weights: vec![weight(Channel::Web, 2_000)],
            channel_caps: vec![cap(Channel::Email, 1)],
            ..agent("Anna", &group, 3)
        }).await;
        let bob = stage.online(agent("Bob", &group, 3)).await;
        stage.suite.advance(MINUTE).await;
        let from = stage.clock.now();
        for round in 0..8 {
            if round == 4 {
                stage.on(&bob, &[(Channel::Web, proto::Presence::Away)]).await;
            }
            let mut tickets = Vec::new();
            for channel in [Channel::Web, Channel::Email, Channel::Email] {
                tickets.push(stage.ticket(by(channel)).await);
                stage.suite.advance(MINUTE).await;
            }
            for ticket in tickets {
                stage.solve(&ticket).await;
                stage.suite.advance(MINUTE).await;
            }
        }
        let answer = stage.simulate(from, Candidate::Version(1)).await.unwrap();
        assert_eq!((answer.tickets, answer.as_it_was), (24, 24));
        let agents = answer.in_force.unwrap().agents;
        let got = |id: &str| agents.iter().find(|agent| agent.agent_id == id).unwrap().assigned;
        assert!(got(&anna) > 4 && got(&bob) > 4, "{agents:?}");
    }

    async fn what_cannot_be_simulated_is_refused_with_all_that_is_wrong(db: TestDb) {
        let stage = Stage::new(db).await;
        let groups = stage.desk().await;
        let from = stage.quiet_hour().await;
        let nowhere = proto::Workflow { default_group_id: "nowhere".to_owned(), ..Default::default() };
        let refused = stage.simulate(from, Candidate::Workflow(nowhere)).await.unwrap_err();
        assert!(refused.message().contains("workflow.default_group_id"), "{refused:?}");
        assert_eq!(reason(stage.simulate(from, Candidate::Version(7)).await), ErrorReason::ResourceNotFound);
        let request = proto::SimulateWorkflowRequest {
            candidate: Some(Candidate::Workflow(by_category(&groups))),
            from: Some(to_proto(from)),
            until: Some(to_proto(stage.clock.now())),
            max_tickets: 39,
            ..Default::default()
        };
        let refused = stage.routing().simulate_workflow(request.clone()).await.unwrap_err();
        assert!(refused.message().contains("max_tickets"), "{refused:?}");
        let just = proto::SimulateWorkflowRequest { max_tickets: 40, ..request };
        let answer = stage.routing().simulate_workflow(just).await.unwrap().into_inner();
        assert_eq!(answer.tickets, 40);
        let refused = stage.routing().simulate_workflow(proto::SimulateWorkflowRequest::default()).await;
        let refused = refused.unwrap_err();
        for field in ["workflow", "from", "until"] {
            assert!(refused.message().contains(field), "{field} in {refused:?}");
        }
    }
}
