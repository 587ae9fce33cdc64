//! Automatic assignment: who gets what, and when.

use std::time::Duration;

use lotse_journal::Body;
use lotse_proto::common::v1::{Channel, ClockState, Priority, TicketStatus};
use lotse_proto::journal::v1 as journal;
use lotse_proto::journal::v1::ticket_status_changed::Change;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::to_proto;
use lotse_routing::{Config, Mode};
use lotse_testkit::TestDb;

use crate::stage::{Stage, agent, created, language, migrations, skills, solved, status};

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn skill_and_language_decide_before_load(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        stage.skill("vpn").await;
        let unskilled = proto::Agent { languages: language("de"), ..agent("Anna", &group, 9) };
        stage.online(unskilled).await;
        let foreign = proto::Agent {
            skills: skills(&[("vpn", 5)]),
            languages: language("fr"),
            ..agent("Bruno", &group, 9)
        };
        stage.online(foreign).await;
        let fitting = proto::Agent {
            skills: skills(&[("vpn", 3)]),
            languages: language("de-AT"),
            ..agent("Clara", &group, 2)
        };
        let clara = stage.online(fitting).await;
        let ticket = stage.ticket(journal::TicketCreated {
            required_skills: vec!["vpn".to_owned()],
            language: "de".to_owned(),
            language_confidence: 1.0,
            ..created()
        }).await;
        let route = stage.route(&ticket).await;
        assert_eq!((route.state(), route.agent_id), (proto::RouteState::Assigned, clara));
        let events = stage.events(&ticket).await;
        let [Body::TicketAssigned(assigned)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((assigned.first, assigned.manual, assigned.tier), (true, false, 1));
        assert_eq!(assigned.decision_id, stage.explain(&ticket).await.decisions[0].id);
    }

    async fn an_assignment_names_the_event_it_answers(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        stage.online(agent("Anna", &group, 1)).await;
        let ticket = stage.ticket(created()).await;
        let events = stage.recorded(&ticket).await;
        let [came, assigned] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((&assigned.cause, assigned.principal.as_str()), (&came.reference(), "routing"));
    }

    async fn equal_agents_share_the_load(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        for name in ["Anna", "Bruno", "Clara"] {
            stage.online(agent(name, &group, 10)).await;
        }
        for _ in 0..6 {
            stage.ticket(created()).await;
        }
        let loads: Vec<f64> = stage.board().await.agents.iter().map(|agent| agent.load).collect();
        assert_eq!(loads, [2.0, 2.0, 2.0]);
    }

    async fn a_ticket_that_nobody_can_take_waits_and_says_why(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        stage.agent(agent("Anna", &group, 3)).await;
        let ticket = stage.ticket(created()).await;
        assert_eq!(stage.route(&ticket).await.state(), proto::RouteState::Waiting);
        let events = stage.events(&ticket).await;
        let [Body::TicketQueued(queued)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((queued.reason.as_str(), &queued.group_id), ("nobody_online", &group));
        let board = stage.board().await;
        assert_eq!(board.waiting[0].ticket_id, ticket);
        assert_eq!(board.waiting[0].reason, "nobody_online");
        assert_eq!((board.groups[0].waiting, board.groups[0].agents_online), (1, 0));
        // Looking again and again changes nothing.
        stage.suite.advance(Duration::from_secs(3_600)).await;
        assert_eq!(stage.events(&ticket).await.len(), 1);
    }

    async fn a_waiting_ticket_is_assigned_in_the_instant_somebody_comes_online(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.agent(agent("Anna", &group, 3)).await;
        let ticket = stage.ticket(created()).await;
        stage.suite.advance(Duration::from_secs(600)).await;
        let instant = stage.clock.now();
        stage.presence(&anna, proto::Presence::Online).await;
        stage.suite.settle().await;
        assert_eq!(stage.clock.now(), instant);
        let route = stage.route(&ticket).await;
        assert_eq!((route.agent_id, route.assigned_at), (anna, Some(to_proto(instant))));
        assert_eq!(route.queued_at, Some(to_proto(instant - Duration::from_secs(600))));
    }

    async fn a_waiting_ticket_is_assigned_in_the_instant_capacity_is_freed(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 1)).await;
        let first = stage.ticket(created()).await;
        let second = stage.ticket(created()).await;
        assert_eq!(stage.board().await.waiting[0].reason, "all_busy");
        stage.suite.advance(Duration::from_secs(60)).await;
        stage.journal(&first, vec![solved()]).await;
        stage.suite.settle().await;
        let route = stage.route(&second).await;
        assert_eq!((route.agent_id, route.assigned_at), (anna.clone(), Some(to_proto(stage.clock.now()))));
        assert_eq!(stage.get_agent(&anna).await.load, 1.0);
        let events = stage.events(&first).await;
        let Some(Body::TicketReleased(released)) = events.last() else { panic!("{events:?}") };
        assert_eq!((&released.agent_id, &released.group_id), (&anna, &group));
    }

    async fn a_merged_ticket_frees_its_agent_and_waits_for_nobody(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 1)).await;
        let first = stage.ticket(created()).await;
        let second = stage.ticket(created()).await;
        let third = stage.ticket(created()).await;
        let into_ticket_id = third.clone();
        let merged = Body::TicketMerged(journal::TicketMerged { into_ticket_id });
        // One that waits and one that somebody has.
        stage.journal(&second, vec![merged.clone()]).await;
        stage.journal(&first, vec![merged.clone()]).await;
        stage.suite.settle().await;
        assert_eq!(stage.route(&third).await.agent_id, anna);
        assert_eq!(stage.get_agent(&anna).await.load, 1.0);
        assert_eq!(stage.board().await.waiting, []);
        let events = stage.events(&first).await;
        let Some(Body::TicketReleased(released)) = events.last() else { panic!("{events:?}") };
        assert_eq!((&released.agent_id, &released.group_id), (&anna, &group));
    }

    async fn a_pending_ticket_frees_its_configured_share(db: TestDb) {
        let config = Config { pending_share: 0.25, ..Config::default() };
        let stage = Stage::with(db, config).await;
        let group = stage.group("desk", 1).await;
        stage.default_group(&group).await;
        let anna = stage.online(agent("Anna", &group, 1)).await;
        let first = stage.ticket(created()).await;
        let second = stage.ticket(created()).await;
        stage.journal(&first, vec![status(TicketStatus::Pending, Change::Waited)]).await;
        stage.suite.settle().await;
        // Three quarters of a place are not room for a whole ticket.
        assert_eq!(stage.get_agent(&anna).await.load, 0.25);
        assert_eq!(stage.route(&second).await.state(), proto::RouteState::Waiting);
        stage.journal(&first, vec![solved()]).await;
        stage.suite.settle().await;
        assert_eq!(stage.get_agent(&anna).await.load, 1.0);
        assert_eq!(stage.route(&second).await.agent_id, anna);
    }

    async fn a_ticket_assigned_while_pending_gives_back_exactly_what_it_took(db: TestDb) {
        let config = Config { pending_share: 0.25, ..Config::default() };
        let stage = Stage::with(db, config).await;
        let group = stage.group("desk", 1).await;
        stage.default_group(&group).await;
        let anna = stage.agent(agent("Anna", &group, 1)).await;
        let ticket = stage.ticket(created()).await;
        stage.journal(&ticket, vec![status(TicketStatus::Pending, Change::Waited)]).await;
        stage.presence(&anna, proto::Presence::Online).await;
        stage.suite.settle().await;
        assert_eq!(stage.get_agent(&anna).await.load, 0.25);
        stage.journal(&ticket, vec![solved()]).await;
        stage.suite.settle().await;
        assert_eq!(stage.get_agent(&anna).await.load, 0.0);
    }

    async fn the_queue_goes_by_priority_then_deadline_then_age(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.agent(agent("Anna", &group, 1)).await;
        let mut tickets = Vec::new();
        for priority in [Priority::Normal, Priority::Normal, Priority::Normal, Priority::High] {
            let ticket = journal::TicketCreated { priority: priority.into(), ..created() };
            tickets.push(stage.ticket(ticket).await);
            stage.suite.advance(Duration::from_secs(1)).await;
        }
        let due = journal::ClockChanged {
            clock_id: "clk_1".to_owned(),
            state: ClockState::Running.into(),
            due_at: Some(to_proto(stage.clock.now() + Duration::from_secs(60))),
            ..journal::ClockChanged::default()
        };
        stage.journal(&tickets[2], vec![Body::ClockChanged(due)]).await;
        stage.suite.settle().await;
        let order = [3, 2, 0, 1].map(|at: usize| tickets[at].clone());
        let waiting: Vec<_> = stage.board().await.waiting.into_iter().map(|one| one.ticket_id).collect();
        assert_eq!(waiting, order);
        stage.presence(&anna, proto::Presence::Online).await;
        stage.suite.settle().await;
        for ticket in order {
            assert_eq!(stage.route(&ticket).await.agent_id, anna);
            stage.journal(&ticket, vec![solved()]).await;
            stage.suite.settle().await;
        }
    }

    async fn workflow_rules_lead_to_their_groups(db: TestDb) {
        let stage = Stage::new(db).await;
        let ticket = stage.ticket(created()).await;
        assert_eq!(stage.explain(&ticket).await.current.unwrap().reason, "no_workflow");
        stage.group("desk", 1).await;
        let chat = stage.group("chat", 1).await;
        let rule = proto::WorkflowRule {
            name: "chats".to_owned(),
            group_id: "chat".to_owned(),
            channels: vec![Channel::Chat.into()],
            ..proto::WorkflowRule::default()
        };
        let workflow = proto::Workflow {
            rules: vec![rule],
            default_group_id: "desk".to_owned(),
            ..proto::Workflow::default()
        };
        let request = proto::PutWorkflowRequest { workflow: Some(workflow), request_id: String::new() };
        stage.workflows().put_workflow(request).await.unwrap();
        stage.suite.settle().await;
        let desk = stage.explain(&ticket).await;
        assert_eq!(desk.decisions.last().unwrap().workflow_rule, "default");
        let asked = journal::TicketCreated { channel: Channel::Chat.into(), ..created() };
        let chatted = stage.ticket(asked).await;
        let explained = stage.explain(&chatted).await;
        assert_eq!(explained.route.unwrap().group_id, chat);
        assert_eq!(explained.decisions[0].workflow_rule, "chats");
        assert_eq!(explained.decisions[0].workflow_version, 1);
    }

    async fn in_recorded_mode_nothing_is_assigned_by_itself(db: TestDb) {
        let config = Config { mode: Mode::Recorded, ..Config::default() };
        let stage = Stage::with(db, config).await;
        let group = stage.group("desk", 1).await;
        stage.default_group(&group).await;
        let anna = stage.online(agent("Anna", &group, 5)).await;
        let ticket = stage.ticket(created()).await;
        assert_eq!(stage.events(&ticket).await, []);
        stage.assign(&ticket, &group, &anna).await.unwrap();
        stage.journal(&ticket, vec![solved()]).await;
        stage.suite.settle().await;
        assert_eq!(stage.get_agent(&anna).await.load, 0.0);
        assert_eq!(stage.board().await.mode(), proto::RoutingMode::Recorded);
    }
}
