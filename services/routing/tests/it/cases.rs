//! ExplainRouting of one agent at any decision: the case is recomputed from what was kept.

use std::collections::BTreeMap;
use std::time::Duration;

use lotse_journal::Body;
use lotse_proto::common::v1::Channel;
use lotse_proto::journal::v1 as journal;
use lotse_proto::routing::v1 as proto;
use lotse_routing::Config;
use lotse_testkit::TestDb;

use crate::capacity::cap;
use crate::coverage::{cover, shifts};
use crate::stage::{Replica, Stage, agent, created, migrations, skills, solved};

impl Replica {
    pub(crate) async fn case(&self, ticket: &str, decision: &str, agent: &str) -> proto::AgentCase {
        let request = proto::ExplainRoutingRequest {
            ticket_id: ticket.to_owned(),
            decision_id: decision.to_owned(),
            agent_id: agent.to_owned(),
        };
        let told = self.routing().explain_routing(request).await.unwrap();
        told.into_inner().agent_case.unwrap()
    }

    async fn update(&self, agent: proto::Agent, paths: &[&str]) {
        let request = proto::UpdateAgentRequest {
            agent: Some(agent),
            update_mask: Some(prost_types::FieldMask {
                paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            }),
            request_id: String::new(),
        };
        self.agents().update_agent(request).await.unwrap();
    }
}

fn needs_vpn() -> journal::TicketCreated {
    journal::TicketCreated {
        required_skills: vec!["vpn".to_owned()],
        ..created()
    }
}

/// A small sequence of numbers that looks random and is always the same.
struct Dice(u32);

impl Dice {
    fn below(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) % sides
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn the_case_of_an_agent_is_told_as_it_was_at_the_decision(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        stage.skill("vpn").await;
        let able = |name, capacity, level| proto::Agent {
            skills: skills(&[("vpn", level)]),
            ..agent(name, &group, capacity)
        };
        let ana = stage.online(able("Ana", 2, 4)).await;
        let ben = stage.online(able("Ben", 2, 4)).await;
        let novice = stage.online(able("Nils", 2, 1)).await;
        let busy = stage.online(able("Bea", 1, 5)).await;
        let idle = stage.agent(proto::Agent { group_ids: vec![], ..able("Ida", 1, 5) }).await;
        stage.assign(&stage.ticket(created()).await, "", &busy).await.unwrap();
        stage.assign(&stage.ticket(created()).await, "", &ben).await.unwrap();
        stage.suite.settle().await;
        let ticket = stage.ticket(needs_vpn()).await;
        let decision = stage.explain(&ticket).await.decisions[0].clone();
        assert_eq!(decision.agent_id, ana);
        // All of it changes afterwards.
        stage.presence(&ben, proto::Presence::Offline).await;
        let more = proto::Agent { id: novice.clone(), skills: skills(&[("vpn", 5)]), ..proto::Agent::default() };
        stage.update(more, &["skills"]).await;
        stage.suite.advance(Duration::from_secs(3_600)).await;

        let case = stage.case(&ticket, &decision.id, &ben).await;
        assert_eq!((case.verdict.as_str(), case.criterion.as_str()), ("eligible", "spare"));
        assert_eq!(case.words, [
            "Ben was online and held 1 of 2.",
            "Ben could have taken it too: both fit alike (4); Ana had 2 of 2 free, Ben 1 of 2.",
        ]);
        let then = case.then.unwrap();
        assert_eq!((then.presence(), then.load, then.version), (proto::Presence::Online, 1.0, 1));
        let case = stage.case(&ticket, &decision.id, &novice).await;
        assert_eq!((case.verdict.as_str(), case.criterion.as_str()), ("eligible", "fit"));
        assert_eq!(case.then.unwrap().skills, skills(&[("vpn", 1)]));
        let case = stage.case(&ticket, &decision.id, &busy).await;
        assert_eq!((case.verdict.as_str(), case.failed[0].reason.as_str()), ("left_out", "at_capacity"));
        assert_eq!(case.words[1], "Bea was left out: has no room.");
        let case = stage.case(&ticket, &decision.id, &idle).await;
        assert_eq!(case.verdict, "not_member");
        let case = stage.case(&ticket, &decision.id, &ana).await;
        assert_eq!((case.verdict.as_str(), case.decision_id), ("chosen", decision.id));
    }

    async fn a_waiting_tickets_case_is_told_as_of_now_and_a_persons_without_comparing(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        stage.skill("vpn").await;
        let ana = stage.online(agent("Ana", &group, 1)).await;
        let ticket = stage.ticket(needs_vpn()).await;
        let case = stage.case(&ticket, "", &ana).await;
        assert_eq!((case.verdict.as_str(), case.decision_id.as_str()), ("left_out", ""));
        assert_eq!(case.words[1], "Ana was left out: lacks vpn at level 1 or more.");
        stage.assign(&ticket, "", &ana).await.unwrap();
        let case = stage.case(&ticket, "", &ana).await;
        assert_eq!(case.verdict, "by_hand");
        assert_eq!(case.words[1], "A person decided; nobody was compared.");
    }

    async fn a_case_is_told_by_the_shifts_and_covers_of_the_decision(db: TestDb) {
        let (stage, desk) = Stage::with_group(db).await;
        let night = stage.group("night", 1).await;
        let anna = stage.online(agent("Anna", &desk, 3)).await;
        let nils = stage.online(agent("Nils", &night, 3)).await;
        let nora = stage.online(agent("Nora", &night, 1)).await;
        stage.put_shifts(shifts("Anna")).await.unwrap();
        stage.put_cover(cover(stage.clock.now())).await.unwrap();
        stage.assign(&stage.ticket(created()).await, "", &nora).await.unwrap();
        stage.suite.settle().await;
        let covered = stage.ticket(created()).await;
        let then = stage.explain(&covered).await.decisions[0].clone();
        assert_eq!(then.agent_id, nils);
        // To 03:13: the cover is over, and Anna is in her shift.
        stage.suite.advance(Duration::from_secs(5 * 3_600)).await;
        let own = stage.ticket(created()).await;
        let now = stage.explain(&own).await.decisions[0].clone();
        assert_eq!(now.agent_id, anna);

        let case = stage.case(&covered, &then.id, &anna).await;
        assert_eq!((case.verdict.as_str(), case.failed[0].reason.as_str()), ("left_out", "off_shift"));
        assert_eq!(case.words[1], "Anna was left out: is in no shift.");
        let case = stage.case(&covered, &then.id, &nora).await;
        assert_eq!((case.verdict.as_str(), case.failed[0].reason.as_str()), ("left_out", "at_capacity"));
        let stood_in = |name: &str| format!(
            "{name} answered for group \"desk\" (tier 1) as an agent of group \"night\" (tier 1), which \
             covered it until 2023-11-15 02:13 UTC."
        );
        assert_eq!(case.words[1..], [stood_in("Nora"), "Nora was left out: has no room.".to_owned()]);
        let case = stage.case(&covered, &then.id, &nils).await;
        assert_eq!(case.verdict, "chosen");
        assert_eq!(case.words[1..], [stood_in("Nils"), "Nils got the ticket.".to_owned()]);
        // Without the cover those of the other group have nothing to do with it.
        let case = stage.case(&own, &now.id, &nils).await;
        assert_eq!(case.verdict, "not_member");
        assert_eq!(case.words[1..], ["Nils did not work in group \"desk\" (tier 1)."]);
    }

    async fn whoever_was_on_a_break_is_told_as_such_also_when_it_is_over(db: TestDb) {
        let (stage, desk) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &desk, 3)).await;
        let ben = stage.online(agent("Ben", &desk, 3)).await;
        stage.put_shifts(shifts("Anna")).await.unwrap();
        // To 02:13: Anna is online, but on her break.
        stage.suite.advance(Duration::from_secs(4 * 3_600)).await;
        let ticket = stage.ticket(created()).await;
        let then = stage.explain(&ticket).await.decisions[0].clone();
        assert_eq!(then.agent_id, ben);
        assert!(then.words.contains(&"Left out: 1 is on a break.".to_owned()), "{:?}", then.words);
        stage.suite.advance(Duration::from_secs(3_600)).await;
        let case = stage.case(&ticket, &then.id, &anna).await;
        assert_eq!((case.verdict.as_str(), case.failed[0].reason.as_str()), ("left_out", "on_break"));
        assert_eq!(case.words, ["Anna was online and held 0 of 3.", "Anna was left out: is on a break."]);
    }

    async fn a_case_tells_of_the_channel_that_the_ticket_came_by(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let ana = stage.online(agent("Ana", &group, 5)).await;
        let capped = proto::Agent {
            channel_caps: vec![cap(Channel::Email, 1)],
            ..agent("Ben", &group, 5)
        };
        let ben = stage.online(capped).await;
        let cid = stage.online(agent("Cid", &group, 5)).await;
        stage.on(&cid, &[(Channel::Email, proto::Presence::Away)]).await;
        stage.assign(&stage.ticket(created()).await, "", &ben).await.unwrap();
        stage.suite.settle().await;
        let ticket = stage.ticket(created()).await;
        let decision = stage.explain(&ticket).await.decisions[0].clone();
        assert_eq!(decision.agent_id, ana);
        let case = stage.case(&ticket, &decision.id, &ben).await;
        assert_eq!(case.failed[0].reason, "at_channel_cap");
        assert_eq!(case.words[1], "The ticket came by the channel email: Ben held 1 of at most 1 there.");
        let case = stage.case(&ticket, &decision.id, &cid).await;
        assert_eq!(case.failed[0].reason, "not_on_channel");
        assert_eq!(case.words[1], "The ticket came by the channel email: Cid was away there.");
    }

    async fn every_agents_recomputed_case_agrees_with_what_the_decision_counted(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        stage.skill("vpn").await;
        let mut dice = Dice(7);
        let mut team = Vec::new();
        for n in 0..6 {
            let level = dice.below(4);
            let skills = if level > 0 { skills(&[("vpn", level)]) } else { Vec::new() };
            let one = agent(&format!("agent {n}"), &group, 1 + dice.below(3));
            team.push(stage.online(proto::Agent { skills, ..one }).await);
        }
        let mut tickets: Vec<String> = Vec::new();
        for _ in 0..12 {
            let who = &team[dice.below(6) as usize];
            match dice.below(5) {
                0 => stage.presence(who, proto::Presence::Away).await,
                1 => stage.presence(who, proto::Presence::Online).await,
                2 => if let Some(done) = tickets.first() {
                    stage.journal(done, vec![solved()]).await;
                },
                3 => {
                    let level = skills(&[("vpn", 1 + dice.below(5))]);
                    let more = proto::Agent { id: who.clone(), skills: level, ..proto::Agent::default() };
                    stage.update(more, &["skills"]).await;
                }
                _ => {}
            }
            let facts = if dice.below(2) == 0 { needs_vpn() } else { created() };
            tickets.push(stage.ticket(facts).await);
        }
        for ticket in &tickets {
            for decision in stage.explain(ticket).await.decisions {
                let (mut eligible, mut left_out) = (0, BTreeMap::new());
                for agent in &team {
                    let case = stage.case(ticket, &decision.id, agent).await;
                    match case.verdict.as_str() {
                        "chosen" => {
                            assert_eq!(decision.agent_id, *agent);
                            eligible += 1;
                        }
                        "eligible" => eligible += 1,
                        "left_out" => {
                            let first = &case.failed[0];
                            *left_out.entry((first.reason.clone(), first.detail.clone())).or_insert(0) += 1;
                        }
                        other => panic!("{other}: {case:?} of {decision:?}"),
                    }
                }
                assert_eq!(eligible, decision.eligible, "{decision:?}");
                let counted = decision.rejections.iter();
                let counted = counted.map(|one| ((one.reason.clone(), one.detail.clone()), one.agents));
                assert_eq!(left_out, counted.collect(), "{decision:?}");
            }
        }
    }

    async fn what_is_not_kept_any_more_is_said_so(db: TestDb) {
        let config = Config { keep_agents_days: 10, keep_decisions_days: 100, ..Config::default() };
        let stage = Stage::with(db, config).await;
        let group = stage.group("desk", 1).await;
        stage.default_group(&group).await;
        let ana = stage.online(agent("Ana", &group, 3)).await;
        let day = Duration::from_secs(86_400);
        let first = stage.ticket(created()).await;
        stage.suite.advance(day).await;
        stage.presence(&ana, proto::Presence::Away).await;
        let second = stage.ticket(created()).await;
        stage.suite.advance(day * 5).await;
        for (ticket, kept) in [(&first, true), (&second, true)] {
            assert_eq!(stage.case(ticket, "", &ana).await.then.is_some(), kept);
        }
        let decision = stage.explain(&first).await.decisions[0].id.clone();
        stage.presence(&ana, proto::Presence::Online).await;
        stage.suite.settle().await;
        stage.suite.advance(day * 11).await;
        let case = stage.case(&first, &decision, &ana).await;
        assert_eq!(case.verdict, "not_kept");
        assert_eq!(case.words, [
            "What routing knew of Ana then is not kept any more; the record of the decision is.",
        ]);
        // Decisions about what is done go some time later; what is open keeps its own.
        stage.journal(&first, vec![Body::TicketStatusChanged(journal::TicketStatusChanged {
            to: lotse_proto::common::v1::TicketStatus::Solved.into(),
            ..journal::TicketStatusChanged::default()
        })]).await;
        stage.suite.advance(day * 100).await;
        assert_eq!(stage.explain(&first).await.decisions, []);
        assert!(!stage.explain(&second).await.decisions.is_empty());
    }
}
