//! Many who assign at once: no agent over capacity, no ticket with two owners.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use lotse_journal::Body;
use lotse_proto::common::v1::Priority;
use lotse_proto::journal::v1::TicketCreated;
use lotse_proto::routing::v1 as proto;
use lotse_routing::Config;
use lotse_testkit::{Backend, TestDb, eventually};

use crate::stage::{Replica, Stage, agent, created, migrations, new_ticket, reopened, solved};

const AGENTS: usize = 5;
const CAPACITY: u32 = 4;
const ASSIGNERS: usize = 16;
const DEADLINE: Duration = Duration::from_secs(60);

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn sixteen_who_assign_at_once_exceed_no_capacity_and_give_no_ticket_two_owners(db: TestDb) {
        let stage = Stage::new(db).await;
        let group = stage.group("desk", 1).await;
        stage.default_group(&group).await;
        let mut agents = Vec::new();
        for n in 0..AGENTS {
            agents.push(stage.online(agent(&format!("agent {n}"), &group, CAPACITY)).await);
        }
        // More than there is room for, in every bucket.
        let mut tickets = Vec::new();
        for _ in 0..40 {
            let ticket = new_ticket(stage.clock.now());
            stage.journal(&ticket, vec![Body::TicketCreated(created())]).await;
            tickets.push(ticket);
        }
        // Replicas of their own, each with its own connections where the database takes several.
        let mut replicas = vec![Replica::new(stage.db.db(), stage.clock.clone(), Config::default()).await];
        if stage.db.kind() == Backend::Postgres {
            let other = stage.db.connect_again().await;
            replicas.push(Replica::new(other, stage.clock.clone(), Config::default()).await);
        }
        // All read the journal and look at the queue, whatever the others do.
        let assigners = (0..ASSIGNERS).map(|n| replicas[n % replicas.len()].suite.settle());
        join_all(assigners).await;
        eventually(DEADLINE, || async {
            settle_all(&replicas).await;
            stage.board().await.waiting.len() == 40 - AGENTS * CAPACITY as usize
        })
        .await;

        let mut held: BTreeMap<String, u32> = BTreeMap::new();
        let mut waiting = 0;
        for ticket in &tickets {
            let route = stage.route(ticket).await;
            let assigned: Vec<_> = stage.events(ticket).await.into_iter()
                .filter(|body| matches!(body, Body::TicketAssigned(_)))
                .collect();
            match route.state() {
                proto::RouteState::Assigned => {
                    assert_eq!(assigned.len(), 1, "one owner: {assigned:?}");
                    *held.entry(route.agent_id).or_default() += 1;
                }
                _ => {
                    assert_eq!(assigned, []);
                    waiting += 1;
                }
            }
        }
        assert_eq!(waiting, 40 - AGENTS * CAPACITY as usize, "nobody stays free beside a waiting ticket");
        for id in &agents {
            let agent = stage.get_agent(id).await;
            assert_eq!((held[id], agent.load), (CAPACITY, f64::from(CAPACITY)));
        }
    }

    async fn capacity_holds_while_tickets_come_and_go_under_sixteen_who_assign(db: TestDb) {
        let stage = Stage::new(db).await;
        let group = stage.group("desk", 1).await;
        stage.default_group(&group).await;
        for n in 0..3 {
            stage.online(agent(&format!("agent {n}"), &group, 1)).await;
        }
        // Their plans differ, because between two looks other tickets have come, in front and
        // behind, and agents have become free.
        let mut replicas = Vec::new();
        for _ in 0..ASSIGNERS {
            let db = match stage.db.kind() {
                Backend::Postgres => stage.db.connect_again().await,
                Backend::Sqlite => stage.db.db(),
            };
            replicas.push(Replica::new(db, stage.clock.clone(), Config::default()).await);
        }
        let busy = replicas.iter().enumerate().map(|(n, replica)| async move {
            for round in 0..6 {
                let priority = if (n + round) % 2 == 0 { Priority::Urgent } else { Priority::Low };
                let ticket = new_ticket(replica.clock.now());
                let created = TicketCreated { priority: priority.into(), ..created() };
                replica.journal(&ticket, vec![Body::TicketCreated(created)]).await;
                replica.suite.settle().await;
                for agent in replica.board().await.agents {
                    assert!(agent.load <= 1.0, "{agent:?}");
                }
                replica.journal(&ticket, vec![solved()]).await;
            }
        });
        join_all(busy).await;
        eventually(DEADLINE, || async {
            settle_all(&replicas).await;
            let board = stage.board().await;
            board.agents.iter().all(|agent| agent.load == 0.0)
        })
        .await;
    }

    async fn loads_stay_exact_while_people_and_routing_work_on_the_same_tickets(db: TestDb) {
        let stage = Stage::new(db).await;
        let group = stage.group("desk", 1).await;
        stage.default_group(&group).await;
        let mut agents = Vec::new();
        for n in 0..3 {
            agents.push(stage.online(agent(&format!("agent {n}"), &group, 2)).await);
        }
        let mut tickets = Vec::new();
        for _ in 0..12 {
            tickets.push(stage.ticket(created()).await);
        }
        let (stage, agents, tickets) = (&stage, &agents, &tickets);
        let people = (0..ASSIGNERS).map(|n| async move {
            for round in 0..4 {
                let ticket = &tickets[(n * 5 + round * 7) % tickets.len()];
                match (n + round) % 4 {
                    0 => stage.journal(ticket, vec![solved()]).await,
                    1 => stage.journal(ticket, vec![reopened()]).await,
                    _ => drop(stage.assign(ticket, &group_of(stage).await, &agents[n % 3]).await.unwrap()),
                }
            }
        });
        let routing = async {
            for _ in 0..8 {
                stage.suite.settle().await;
            }
        };
        futures::join!(join_all(people), routing);
        stage.suite.settle().await;

        let mut held: BTreeMap<String, f64> = BTreeMap::new();
        for ticket in tickets {
            let route = stage.route(ticket).await;
            if route.state() == proto::RouteState::Assigned {
                *held.entry(route.agent_id).or_default() += 1.0;
            }
        }
        for agent in agents {
            let load = stage.get_agent(agent).await.load;
            assert_eq!(load, held.get(agent).copied().unwrap_or_default(), "{agent}");
        }
    }
}

/// Replicas share the journal's buckets by leases, which move while replicas come: what one leaves
/// another takes, after a while.
async fn settle_all(replicas: &[Replica]) {
    for replica in replicas {
        replica.suite.settle().await;
    }
}

async fn group_of(stage: &Stage) -> String {
    stage.board().await.groups[0].group_id.clone()
}
