//! What happens to tickets that come back.

use std::time::Duration;

use lotse_proto::journal::v1 as journal;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::to_proto;
use lotse_routing::Config;
use lotse_testkit::TestDb;

use crate::stage::{Stage, agent, created, migrations, reopened, solved};

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_reopened_ticket_goes_back_to_its_agent(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 2)).await;
        let ticket = stage.ticket(created()).await;
        stage.journal(&ticket, vec![solved()]).await;
        // Somebody with more room and longer idle comes in between.
        stage.online(agent("Bruno", &group, 9)).await;
        stage.suite.advance(Duration::from_secs(3_600)).await;
        stage.journal(&ticket, vec![reopened()]).await;
        stage.suite.settle().await;
        let explained = stage.explain(&ticket).await;
        assert_eq!(explained.route.unwrap().agent_id, anna);
        assert_eq!(explained.decisions.last().unwrap().reason, "same_agent");
        assert_eq!(stage.get_agent(&anna).await.load, 1.0);
    }

    async fn a_reopened_ticket_whose_agent_is_full_goes_to_another_with_its_original_age(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 1)).await;
        let began = stage.clock.now();
        let ticket = stage.ticket(created()).await;
        stage.journal(&ticket, vec![solved()]).await;
        let other = stage.ticket(created()).await;
        assert_eq!(stage.route(&other).await.agent_id, anna);
        stage.suite.advance(Duration::from_secs(60)).await;
        stage.journal(&ticket, vec![reopened()]).await;
        stage.suite.settle().await;
        let route = stage.route(&ticket).await;
        assert_eq!((route.state(), route.queued_at), (proto::RouteState::Waiting, Some(to_proto(began))));
        let bruno = stage.online(agent("Bruno", &group, 1)).await;
        stage.suite.settle().await;
        assert_eq!(stage.route(&ticket).await.agent_id, bruno);
    }

    async fn a_ticket_that_is_reopened_too_late_is_anybodys(db: TestDb) {
        let config = Config { same_agent_minutes: 60, ..Config::default() };
        let stage = Stage::with(db, config).await;
        let group = stage.group("desk", 1).await;
        stage.default_group(&group).await;
        let anna = stage.online(agent("Anna", &group, 2)).await;
        let (soon, late) = (stage.ticket(created()).await, stage.ticket(created()).await);
        stage.journal(&soon, vec![solved()]).await;
        stage.journal(&late, vec![solved()]).await;
        stage.suite.settle().await;
        let bruno = stage.online(agent("Bruno", &group, 9)).await;
        stage.suite.advance(Duration::from_secs(3_600)).await;
        stage.journal(&soon, vec![reopened()]).await;
        stage.suite.advance(Duration::from_millis(1)).await;
        stage.journal(&late, vec![reopened()]).await;
        stage.suite.settle().await;
        assert_eq!(stage.route(&soon).await.agent_id, anna);
        assert_eq!(stage.route(&late).await.agent_id, bruno);
    }

    async fn a_ticket_that_repeats_another_goes_to_whoever_solved_that(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 2)).await;
        let first = stage.ticket(created()).await;
        stage.journal(&first, vec![solved()]).await;
        stage.suite.settle().await;
        stage.online(agent("Bruno", &group, 9)).await;
        let repeats = [
            journal::TicketCreated { repeat_of: first.clone(), ..created() },
            journal::TicketCreated { follow_up_of: first.clone(), ..created() },
        ];
        for repeat in repeats {
            let ticket = stage.ticket(repeat).await;
            let explained = stage.explain(&ticket).await;
            assert_eq!(explained.route.unwrap().agent_id, anna);
            let decision = &explained.decisions[0];
            assert_eq!(decision.reason, "solved_before");
            assert!(decision.words.iter().any(|words| words.contains("having solved the ticket that it repeats")));
        }
        // With no room it is anybody's.
        let third = stage.ticket(journal::TicketCreated { repeat_of: first, ..created() }).await;
        assert_eq!(stage.explain(&third).await.decisions[0].reason, "only_candidate");
    }
}
