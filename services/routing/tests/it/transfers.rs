//! Passing tickets on: what was missing, what is said with it, and when it is enough.

use lotse_errors::ErrorReason;
use lotse_journal::Body;
use lotse_proto::common::v1::TransferReason;
use lotse_proto::journal::v1 as journal;
use lotse_proto::routing::v1 as proto;
use lotse_routing::Config;
use lotse_testkit::TestDb;
use tonic::{Response, Status};

use crate::stage::{Replica, Stage, agent, created, language, migrations, reason, skills};

impl Replica {
    pub(crate) async fn pass_on(
        &self,
        request: proto::TransferTicketRequest,
    ) -> Result<proto::TransferTicketResponse, Status> {
        let done = self.routing().transfer_ticket(request).await;
        done.map(Response::into_inner)
    }

    /// Everything goes to `group`; what is passed on too often to the supervisors.
    async fn supervised(&self, group: &str, supervisors: &str, hop_limit: u32) {
        let workflow = proto::Workflow {
            default_group_id: group.to_owned(),
            supervisor_group_id: supervisors.to_owned(),
            hop_limit,
            ..proto::Workflow::default()
        };
        let request = proto::PutWorkflowRequest {
            workflow: Some(workflow),
            request_id: String::new(),
        };
        self.workflows().put_workflow(request).await.unwrap();
    }

    /// The last transfer of a ticket, as the journal has it.
    pub(crate) async fn last_transfer(&self, ticket: &str) -> journal::TicketTransferred {
        let events = self.events(ticket).await.into_iter().rev();
        let mut transfers = events.filter_map(|body| match body {
            Body::TicketTransferred(moved) => Some(moved),
            _ => None,
        });
        transfers.next().unwrap()
    }
}

/// A transfer to a group's queue, without a word.
pub(crate) fn to_group(
    ticket: &str,
    group: &str,
    reason: TransferReason,
) -> proto::TransferTicketRequest {
    proto::TransferTicketRequest {
        ticket_id: ticket.to_owned(),
        group_id: group.to_owned(),
        reason: reason.into(),
        ..proto::TransferTicketRequest::default()
    }
}

fn summary() -> proto::HandOverSummary {
    proto::HandOverSummary {
        known: "the tunnel drops every hour".to_owned(),
        tried: "another profile".to_owned(),
        asked: "a look at the gateway's log".to_owned(),
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn the_next_agent_has_the_skill_that_was_missing(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        stage.skill("vpn").await;
        let able = |name, level| proto::Agent { skills: skills(&[("vpn", level)]), ..agent(name, &group, 4) };
        let anna = stage.online(able("Anna", 2)).await;
        let ticket = stage.ticket(created()).await;
        assert_eq!(stage.route(&ticket).await.agent_id, anna);
        stage.online(agent("Bruno", &group, 9)).await;
        stage.online(able("Clara", 2)).await;
        let dora = stage.online(proto::Agent { capacity: 1, ..able("Dora", 3) }).await;
        let put_by = stage.explain(&ticket).await.decisions[0].id.clone();
        // No group named: somebody of its own has it.
        let passed = stage.pass_on(proto::TransferTicketRequest {
            missing_skill: "vpn".to_owned(),
            ..to_group(&ticket, "", TransferReason::WrongSkill)
        }).await.unwrap();
        assert_eq!(passed.words.last().unwrap(), "It needs the skill vpn from now on.");
        stage.suite.settle().await;
        let route = stage.route(&ticket).await;
        assert_eq!((route.agent_id, route.group_id), (dora, group));
        let event = stage.last_transfer(&ticket).await;
        assert_eq!((event.missing_skill.as_str(), event.decision_id), ("vpn", put_by));
    }

    async fn a_skill_that_nobody_here_has_leads_the_ticket_to_where_it_is_asked_for(db: TestDb) {
        let (stage, desk) = Stage::with_group(db).await;
        stage.skill("vpn").await;
        let network = stage.group("network", 1).await;
        let rule = proto::WorkflowRule {
            name: "tunnels".to_owned(),
            group_id: network.clone(),
            skills: vec!["vpn".to_owned()],
            ..proto::WorkflowRule::default()
        };
        stage.put_rules(vec![rule], &desk).await;
        let ticket = stage.ticket(created()).await;
        assert_eq!(stage.route(&ticket).await.group_id, desk);
        let passed = stage.pass_on(proto::TransferTicketRequest {
            missing_skill: "vpn".to_owned(),
            ..to_group(&ticket, "", TransferReason::WrongSkill)
        }).await.unwrap();
        assert_eq!(passed.route.unwrap().group_id, network);
    }

    async fn the_next_agent_speaks_the_language_that_was_missing(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let german = proto::Agent { languages: language("de"), ..agent("Anna", &group, 9) };
        stage.online(german).await;
        let ticket = stage.ticket(journal::TicketCreated { language: "de".to_owned(), ..created() }).await;
        let finnish = proto::Agent { languages: language("fi"), ..agent("Aino", &group, 1) };
        let aino = stage.online(finnish).await;
        stage.pass_on(proto::TransferTicketRequest {
            missing_language: "fi".to_owned(),
            ..to_group(&ticket, "", TransferReason::WrongLanguage)
        }).await.unwrap();
        stage.suite.settle().await;
        assert_eq!(stage.route(&ticket).await.agent_id, aino);
        assert_eq!(stage.last_transfer(&ticket).await.missing_language, "fi");
    }

    async fn what_is_missing_must_fit_the_reason_and_exist(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let ticket = stage.ticket(created()).await;
        let missing = |skill: &str, reason| proto::TransferTicketRequest {
            missing_skill: skill.to_owned(),
            ..to_group(&ticket, &group, reason)
        };
        let refused = stage.pass_on(missing("vpn", TransferReason::WrongSkill)).await;
        assert_eq!(reason(refused), ErrorReason::ResourceNotFound);
        stage.skill("vpn").await;
        let refused = stage.pass_on(missing("vpn", TransferReason::Capacity)).await.unwrap_err();
        assert_eq!(refused.message(), "missing_skill: goes with WRONG_SKILL only");
        let nowhere = to_group(&ticket, "", TransferReason::WrongSkill);
        assert_eq!(reason(stage.pass_on(nowhere).await), ErrorReason::InvalidField);
    }

    async fn a_ticket_of_another_level_goes_to_the_next_one(db: TestDb) {
        let (stage, desk) = Stage::with_group(db).await;
        let second = stage.group("second line", 2).await;
        let ticket = stage.ticket(created()).await;
        stage.assign(&ticket, &desk, "").await.unwrap();
        let up = stage.pass_on(to_group(&ticket, "", TransferReason::WrongTier)).await.unwrap();
        assert_eq!((up.route.unwrap().group_id, up.misroute), (second, true));
        let refused = stage.pass_on(to_group(&ticket, "", TransferReason::WrongTier)).await;
        assert_eq!(reason(refused), ErrorReason::NoNextTier);
    }

    async fn a_summary_reaches_the_next_agent_and_never_the_journal(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.agent(agent("Anna", &group, 3)).await;
        let ticket = stage.ticket(created()).await;
        assert_eq!(stage.hand_overs(&ticket).await, []);
        let request = proto::TransferTicketRequest {
            agent_id: anna.clone(),
            summary: Some(summary()),
            ..to_group(&ticket, "", TransferReason::RequesterAsked)
        };
        let route = stage.pass_on(request).await.unwrap().route.unwrap();
        let [handed] = <[_; 1]>::try_from(stage.hand_overs(&ticket).await).unwrap();
        assert_eq!((&handed.summary, &handed.to_agent_id), (&Some(summary()), &anna));
        assert_eq!((handed.escalation, handed.reason()), (false, TransferReason::RequesterAsked));
        assert_eq!(route.hand_over_id, handed.decision_id);
        let decision = stage.explain(&ticket).await.decisions.pop().unwrap();
        assert_eq!((decision.id, decision.summary), (handed.decision_id, Some(summary())));
        let events = format!("{:?}", stage.all_events().await);
        assert!(!events.contains("tunnel") && !events.contains("gateway"), "{events}");
    }

    async fn where_a_summary_is_required_a_transfer_without_a_word_is_refused(db: TestDb) {
        let config = Config { transfer_summary: true, ..Config::default() };
        let stage = Stage::with(db, config).await;
        let group = stage.group("desk", 1).await;
        let ticket = stage.ticket(created()).await;
        let silent = to_group(&ticket, &group, TransferReason::Capacity);
        let refused = stage.pass_on(silent.clone()).await.unwrap_err();
        assert_eq!(refused.message(), "summary: must say something, or the note");
        let noted = proto::TransferTicketRequest { note: "all busy".to_owned(), ..silent.clone() };
        stage.pass_on(noted).await.unwrap();
        stage.pass_on(proto::TransferTicketRequest { summary: Some(summary()), ..silent }).await.unwrap();
    }

    async fn an_escalation_climbs_level_by_level_and_counts_apart(db: TestDb) {
        let (stage, _) = Stage::with_group(db).await;
        let second = stage.group("second line", 2).await;
        let third = stage.group("third line", 3).await;
        let ticket = stage.ticket(created()).await;
        let up = || proto::EscalateTicketRequest {
            ticket_id: ticket.clone(),
            hand_over: Some(summary()),
            ..proto::EscalateTicketRequest::default()
        };
        for (from_tier, to) in [(1, &second), (2, &third)] {
            let done = stage.routing().escalate_ticket(up()).await.unwrap().into_inner();
            let route = done.route.unwrap();
            assert_eq!((done.from_tier, &route.group_id, route.transfers), (from_tier, to, 0));
        }
        assert_eq!(reason(stage.routing().escalate_ticket(up()).await), ErrorReason::NoNextTier);
        let said = stage.hand_overs(&ticket).await;
        assert_eq!(said.iter().map(|one| &one.to_group_id).collect::<Vec<_>>(), [&third, &second]);
        assert!(said.iter().all(|one| one.escalation && one.summary == Some(summary())));
        // Down again is a transfer, with a reason, and no ping-pong: nobody had passed it on.
        let down = stage.pass_on(to_group(&ticket, &second, TransferReason::WrongTier)).await.unwrap();
        let route = down.route.unwrap();
        assert_eq!((route.transfers, route.escalations, down.guard.as_str()), (1, 2, ""));
    }

    async fn without_supervisors_a_guard_only_flags(db: TestDb) {
        let (stage, desk) = Stage::with_group(db).await;
        let network = stage.group("network", 1).await;
        let ticket = stage.ticket(created()).await;
        let first = stage.pass_on(to_group(&ticket, &network, TransferReason::WrongSkill)).await.unwrap();
        assert_eq!(first.guard, "");
        let back = stage.pass_on(to_group(&ticket, &desk, TransferReason::WrongSkill)).await.unwrap();
        assert_eq!((back.guard.as_str(), back.route.unwrap().group_id), ("ping_pong", desk.clone()));
        assert_eq!(stage.last_transfer(&ticket).await.guard, "ping_pong");
        let decision = stage.explain(&ticket).await.decisions.pop().unwrap();
        assert_eq!((decision.guard.as_str(), decision.wanted_group_id.as_str()), ("ping_pong", ""));
        assert_eq!(
            decision.words.last().unwrap(),
            "Note that it would go back to where it just came from, and there was no supervisor to decide.",
        );
    }

    async fn a_ticket_sent_back_and_forth_goes_to_the_supervisors_who_send_it_anywhere(db: TestDb) {
        let stage = Stage::new(db).await;
        let desk = stage.group("desk", 1).await;
        let network = stage.group("network", 1).await;
        let leads = stage.group("leads", 1).await;
        stage.skill("vpn").await;
        stage.supervised(&desk, &leads, 2).await;
        let lead = stage.online(agent("Lea", &leads, 5)).await;
        let anna = stage.online(agent("Anna", &desk, 5)).await;
        let ticket = stage.ticket(created()).await;
        let first = proto::TransferTicketRequest {
            missing_skill: "vpn".to_owned(),
            ..to_group(&ticket, &network, TransferReason::WrongSkill)
        };
        assert_eq!(stage.pass_on(first).await.unwrap().guard, "");
        let back = proto::TransferTicketRequest {
            agent_id: anna.clone(),
            ..to_group(&ticket, &desk, TransferReason::WrongSkill)
        };
        let back = stage.pass_on(back).await.unwrap();
        let route = back.route.unwrap();
        assert_eq!((back.guard.as_str(), &route.group_id, route.state()), ("ping_pong", &leads, proto::RouteState::Waiting));
        assert_eq!(back.words.last().unwrap(), "It was meant for Anna in group \"desk\" (tier 1), but it \
            would go back to where it just came from: supervisors decide where it goes.");
        let event = stage.last_transfer(&ticket).await;
        assert_eq!((event.guard.as_str(), &event.to_group_id), ("ping_pong", &leads));
        let decision = stage.explain(&ticket).await.decisions.pop().unwrap();
        assert_eq!((&decision.wanted_group_id, &decision.wanted_agent_id), (&desk, &anna));
        // Who decides where it goes need not be able to answer it.
        stage.suite.settle().await;
        assert_eq!(stage.route(&ticket).await.agent_id, lead);
        let sent = stage.pass_on(to_group(&ticket, &desk, TransferReason::WrongSkill)).await.unwrap();
        assert_eq!((sent.guard.as_str(), sent.hop, &sent.route.unwrap().group_id), ("", 3, &desk));
        // Beyond the limit every further one is theirs again, except an escalation.
        let on = stage.pass_on(to_group(&ticket, &network, TransferReason::Capacity)).await.unwrap();
        assert_eq!((on.guard.as_str(), &on.route.unwrap().group_id), ("hop_limit", &leads));
        let second = stage.group("second line", 2).await;
        let up = proto::EscalateTicketRequest {
            ticket_id: ticket.clone(),
            summary: "nobody wants it".to_owned(),
            ..proto::EscalateTicketRequest::default()
        };
        let up = stage.routing().escalate_ticket(up).await.unwrap().into_inner();
        assert_eq!(up.route.unwrap().group_id, second);
    }

    async fn history_is_told_as_it_was_whatever_the_guards_say(db: TestDb) {
        let stage = Stage::new(db).await;
        let desk = stage.group("desk", 1).await;
        let network = stage.group("network", 1).await;
        let leads = stage.group("leads", 1).await;
        stage.supervised(&desk, &leads, 1).await;
        let ticket = stage.ticket(created()).await;
        let at = Some(lotse_proto::time::to_proto(stage.clock.now()));
        stage.suite.advance(std::time::Duration::from_secs(60)).await;
        for (to, guard) in [(&network, ""), (&desk, "ping_pong")] {
            let told = proto::TransferTicketRequest {
                occurred_at: at,
                ..to_group(&ticket, to, TransferReason::Capacity)
            };
            let told = stage.pass_on(told).await.unwrap();
            assert_eq!((told.guard.as_str(), &told.route.unwrap().group_id), (guard, to));
        }
    }
}
