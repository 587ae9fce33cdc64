//! What happens to tickets that come back.

use std::time::Duration;

use lotse_proto::routing::v1 as proto;
use lotse_proto::time::to_proto;
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
}
