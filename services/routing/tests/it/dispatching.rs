//! The index behind automatic assignment: pairs, rows that others change, replicas that come and go.

use std::time::Duration;

use lotse_journal::Body;
use lotse_proto::routing::v1 as proto;
use lotse_routing::Config;
use lotse_testkit::{Backend, TestDb, eventually};

use crate::stage::{Replica, Stage, agent, created, migrations, new_ticket, skills, solved};

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn tickets_that_wait_together_are_given_out_together(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        stage.skill("vpn").await;
        let expert = proto::Agent { skills: skills(&[("vpn", 5)]), ..agent("Anna", &group, 1) };
        let expert = stage.agent(proto::Agent { presence_never_expires: true, ..expert }).await;
        let other = proto::Agent { presence_never_expires: true, ..agent("Bruno", &group, 4) };
        let other = stage.agent(other).await;
        let easy = stage.ticket(created()).await;
        let hard = lotse_proto::journal::v1::TicketCreated {
            required_skills: vec!["vpn".to_owned()],
            ..created()
        };
        let hard = stage.ticket(hard).await;
        // The best for the first is Anna, who has most room; but the second can go to nobody else.
        stage.presence(&other, proto::Presence::Online).await;
        let held = [stage.ticket(created()).await, stage.ticket(created()).await];
        stage.assign(&easy, &group, "").await.unwrap();
        stage.suite.settle().await;
        assert_eq!(stage.get_agent(&other).await.load, 3.0, "{held:?}");
        stage.presence(&expert, proto::Presence::Online).await;
        stage.suite.settle().await;
        assert_eq!(stage.route(&hard).await.agent_id, expert);
        assert_eq!(stage.route(&easy).await.agent_id, other);
    }

    async fn room_that_a_person_makes_is_taken_at_once(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 1)).await;
        let first = stage.ticket(created()).await;
        let second = stage.ticket(created()).await;
        assert_eq!(stage.route(&first).await.agent_id, anna);
        let bruno = stage.agent(agent("Bruno", &group, 1)).await;
        // Bruno is not there, and gets it all the same: the journal does not say who had it.
        stage.assign(&first, &group, &bruno).await.unwrap();
        stage.suite.settle().await;
        assert_eq!(stage.route(&second).await.agent_id, anna);
    }

    async fn a_long_queue_is_given_away_when_people_come(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let mut tickets = Vec::new();
        for _ in 0..150 {
            let ticket = new_ticket(stage.clock.now());
            stage.journal(&ticket, vec![Body::TicketCreated(created())]).await;
            tickets.push(ticket);
        }
        stage.suite.settle().await;
        assert_eq!(stage.board().await.waiting.len(), 150);
        for name in ["Anna", "Bruno", "Clara"] {
            stage.online(agent(name, &group, 40)).await;
        }
        stage.suite.settle().await;
        let board = stage.board().await;
        assert_eq!(board.waiting.len(), 30);
        assert!(board.agents.iter().all(|agent| agent.load == 40.0), "{:?}", board.agents);
        // Each was told once why it waits, and given away once.
        let mut given = 0;
        for ticket in &tickets {
            match &stage.events(ticket).await[..] {
                [Body::TicketQueued(_)] => {}
                [Body::TicketQueued(_), Body::TicketAssigned(_)] => given += 1,
                events => panic!("{events:?}"),
            }
        }
        assert_eq!(given, 120);
    }

    async fn what_one_replica_leaves_another_goes_on_with(db: TestDb) {
        if db.kind() == Backend::Sqlite {
            return;
        }
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 9)).await;
        let other = stage.db.connect_again().await;
        let other = Replica::new(other, stage.clock.clone(), Config::default()).await;
        let replicas = [&stage.replica, &other];
        for gone in 0..2 {
            let ticket = new_ticket(stage.clock.now());
            stage.journal(&ticket, vec![Body::TicketCreated(created())]).await;
            eventually(Duration::from_secs(60), || async {
                for replica in &replicas[gone..] {
                    replica.suite.settle().await;
                }
                stage.get_agent(&anna).await.load == 1.0
            })
            .await;
            stage.journal(&ticket, vec![solved()]).await;
            eventually(Duration::from_secs(60), || async {
                for replica in &replicas[gone..] {
                    replica.suite.settle().await;
                }
                stage.get_agent(&anna).await.load == 0.0
            })
            .await;
            for job in replicas[gone].suite.jobs() {
                job.stop().await;
            }
        }
    }
}
