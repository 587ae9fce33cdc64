//! WatchAssignments.

use std::collections::BTreeSet;

use futures::StreamExt as _;
use lotse_errors::ErrorReason;
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::assignment_change::Change;
use lotse_testkit::TestDb;
use sea_orm::{ConnectionTrait as _, DbErr};

use crate::stage::{Stage, agent, created, migrations, reason, solved};

/// Everything until the stream ends, and the last token.
async fn drain(
    stage: &Stage,
    request: proto::WatchAssignmentsRequest,
) -> (Vec<proto::AssignmentChange>, String) {
    let request = proto::WatchAssignmentsRequest {
        end_when_caught_up: true,
        ..request
    };
    let watched = stage.routing().watch_assignments(request).await;
    let mut stream = watched.unwrap().into_inner();
    let (mut seen, mut token) = (Vec::new(), String::new());
    while let Some(item) = stream.next().await {
        let item = item.unwrap();
        seen.extend(item.change);
        token = item.resume_token;
    }
    (seen, token)
}

fn from(token: &str) -> proto::WatchAssignmentsRequest {
    proto::WatchAssignmentsRequest {
        resume_token: token.to_owned(),
        ..proto::WatchAssignmentsRequest::default()
    }
}

fn name(change: &proto::AssignmentChange) -> &'static str {
    match change.change.as_ref().unwrap() {
        Change::Queued(_) => "queued",
        Change::Assigned(_) => "assigned",
        Change::Transferred(_) => "transferred",
        Change::Escalated(_) => "escalated",
        Change::Released(_) => "released",
        Change::OfferChanged(_) => "offer",
        Change::WrapUpEnded(_) => "wrapped up",
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_tickets_way_is_told_in_order_and_goes_on_behind_the_token(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let ticket = stage.ticket(created()).await;
        let (told, token) = drain(&stage, from("")).await;
        assert_eq!(told.iter().map(name).collect::<Vec<_>>(), ["queued"]);
        assert_eq!(told[0].ticket_id, ticket);

        stage.online(agent("ann", &group, 1)).await;
        stage.suite.settle().await;
        stage.journal(&ticket, vec![solved()]).await;
        stage.suite.settle().await;
        let (told, _) = drain(&stage, from(&token)).await;
        assert_eq!(told.iter().map(name).collect::<Vec<_>>(), ["assigned", "released"]);
        assert!(told.iter().all(|one| one.ticket_id == ticket && one.recorded_at.is_some()));
    }

    async fn a_watch_cut_after_every_item_misses_nothing_and_repeats_nothing(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        for name in ["ann", "ben"] {
            stage.online(agent(name, &group, 2)).await;
        }
        for _ in 0..6 {
            stage.ticket(created()).await;
        }
        let (all, _) = drain(&stage, from("")).await;
        let (mut seen, mut token) = (Vec::new(), String::new());
        while seen.len() < all.len() {
            let watched = stage.routing().watch_assignments(from(&token)).await;
            let mut stream = watched.unwrap().into_inner();
            let item = stream.next().await.unwrap().unwrap();
            token = item.resume_token;
            seen.extend(item.change);
        }
        let key = |one: &proto::AssignmentChange| (one.ticket_id.clone(), name(one));
        assert_eq!(seen.iter().map(key).collect::<BTreeSet<_>>().len(), seen.len(), "nothing twice");
        assert_eq!(seen.iter().map(key).collect::<Vec<_>>(), all.iter().map(key).collect::<Vec<_>>());
        assert_eq!(all.len(), 6, "four assigned, two queued");
    }

    async fn only_what_concerns_the_agent_is_told(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let ann = stage.online(agent("ann", &group, 1)).await;
        let ticket = stage.ticket(created()).await;
        let ben = stage.online(agent("ben", &group, 1)).await;
        stage.ticket(created()).await;
        let of = |agent: &str| proto::WatchAssignmentsRequest {
            agent_ids: vec![agent.to_owned()],
            ..proto::WatchAssignmentsRequest::default()
        };
        let (told, _) = drain(&stage, of(&ann)).await;
        assert_eq!(told.iter().map(|one| one.ticket_id.clone()).collect::<Vec<_>>(), std::slice::from_ref(&ticket));
        let transfer = proto::TransferTicketRequest {
            ticket_id: ticket.clone(),
            agent_id: ben.clone(),
            ..proto::TransferTicketRequest::default()
        };
        stage.routing().transfer_ticket(transfer).await.unwrap();
        for agent in [&ann, &ben] {
            let (told, _) = drain(&stage, of(agent)).await;
            let is_it = |one: &proto::AssignmentChange| one.ticket_id == ticket && name(one) == "transferred";
            assert!(told.iter().any(is_it), "{told:?}");
        }
    }

    async fn a_token_of_another_incarnation_and_a_wrong_filter_are_refused(db: TestDb) {
        let (stage, _) = Stage::with_group(db).await;
        stage.ticket(created()).await;
        let (_, token) = drain(&stage, from("")).await;
        let wrong = proto::WatchAssignmentsRequest {
            resume_token: "nonsense".to_owned(),
            agent_ids: vec!["ann".to_owned()],
            from_now: true,
            ..proto::WatchAssignmentsRequest::default()
        };
        let refused = stage.routing().watch_assignments(wrong).await;
        assert_eq!(reason(refused.map(drop)), ErrorReason::InvalidField);
        // A restored dump lacks what came after it: here, everything.
        stage.db.db().in_tx(|tx| async move {
            tx.execute_unprepared("DELETE FROM journal").await?;
            Ok::<_, DbErr>(())
        })
        .await
        .unwrap();
        let refused = stage.routing().watch_assignments(from(&token)).await;
        assert_eq!(reason(refused.map(drop)), ErrorReason::StaleResumeToken);
    }
}
