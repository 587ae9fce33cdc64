//! Tickets moved from those who have too many, or are not there, to those who have room.

use lotse_journal::Body;
use lotse_proto::common::v1::{AuthorKind, TransferReason};
use lotse_proto::journal::v1::{MessageAdded, TicketTransferred};
use lotse_proto::routing::v1 as proto;
use lotse_testkit::TestDb;
use tonic::{Code, Status};

use crate::stage::{Stage, agent, created, migrations};

async fn suggest(stage: &Stage) -> proto::SuggestRebalanceResponse {
    let request = proto::SuggestRebalanceRequest::default();
    let answer = stage.routing().suggest_rebalance(request).await;
    answer.unwrap().into_inner()
}

async fn apply(
    stage: &Stage,
    moves: Vec<proto::Move>,
    request_id: &str,
) -> Result<Vec<proto::MoveResult>, Status> {
    let request = proto::ApplyRebalanceRequest {
        moves,
        note: String::new(),
        request_id: request_id.to_owned(),
    };
    let answer = stage.routing().apply_rebalance(request).await?;
    Ok(answer.into_inner().results)
}

async fn load(stage: &Stage, agent: &str) -> f64 {
    stage.get_agent(agent).await.load
}

/// Four tickets, all with the first of two agents, because the second came late.
async fn crowded(db: TestDb) -> (Stage, String, String, Vec<String>) {
    let (stage, group) = Stage::with_group(db).await;
    let first = stage.online(agent("first", &group, 4)).await;
    let mut tickets = Vec::new();
    for _ in 0..4 {
        tickets.push(stage.ticket(created()).await);
    }
    let second = stage.online(agent("second", &group, 4)).await;
    stage.suite.settle().await;
    (stage, first, second, tickets)
}

fn answered() -> Body {
    Body::MessageAdded(MessageAdded {
        author_kind: AuthorKind::Human.into(),
        ..MessageAdded::default()
    })
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn suggested_moves_even_out_the_loads_and_are_done_once(db: TestDb) {
        let (stage, first, second, _) = crowded(db).await;
        let suggested = suggest(&stage).await;
        assert_eq!(suggested.moves.len(), 2);
        for one in &suggested.moves {
            assert_eq!((&one.from_agent_id, &one.to_agent_id), (&first, &second));
            assert_eq!(one.reason(), TransferReason::Capacity);
            assert!(one.words.contains("first") && one.words.contains("second"), "{}", one.words);
        }
        let effects: Vec<_> = suggested.effects.iter()
            .map(|effect| (effect.load_before, effect.load_after, effect.capacity))
            .collect();
        assert_eq!(effects, [(4.0, 2.0, 4), (0.0, 2.0, 4)]);

        for _ in 0..2 {
            let results = apply(&stage, suggested.moves.clone(), "evening").await.unwrap();
            assert!(results.iter().all(|one| one.outcome() == proto::MoveOutcome::Moved
                && one.agent_id == second), "{results:?}");
        }
        stage.suite.settle().await;
        assert_eq!((load(&stage, &first).await, load(&stage, &second).await), (2.0, 2.0));
        let moved = &suggested.moves[0].ticket_id;
        let transfers: Vec<TicketTransferred> = stage.events(moved).await.into_iter()
            .filter_map(|body| match body { Body::TicketTransferred(it) => Some(it), _ => None })
            .collect();
        assert_eq!(transfers.len(), 1, "done twice: {transfers:?}");
        assert!(!transfers[0].misroute && transfers[0].reason() == TransferReason::Capacity);
        assert_eq!(suggest(&stage).await.moves, [], "it is even now");
    }

    async fn what_an_agent_has_begun_to_answer_stays(db: TestDb) {
        let (stage, first, _, tickets) = crowded(db).await;
        let suggested = suggest(&stage).await.moves;
        for ticket in &tickets {
            stage.journal(ticket, vec![answered()]).await;
        }
        stage.suite.settle().await;
        let board = stage.board().await;
        let of_first = board.agents.iter().find(|one| one.agent_id == first).unwrap();
        assert_eq!((of_first.assigned, of_first.untouched), (4, 0));
        assert_eq!(suggest(&stage).await.moves, []);
        let results = apply(&stage, suggested, "").await.unwrap();
        assert!(results.iter().all(|one| one.outcome() == proto::MoveOutcome::Begun), "{results:?}");
        assert_eq!(load(&stage, &first).await, 4.0);
    }

    async fn tickets_of_an_agent_who_has_gone_are_taken_over(db: TestDb) {
        let (stage, first, second, tickets) = crowded(db).await;
        stage.presence(&first, proto::Presence::Offline).await;
        let suggested = suggest(&stage).await.moves;
        assert_eq!(suggested.len(), 4);
        assert!(suggested.iter().all(|one| one.reason() == TransferReason::ShiftEnd));
        apply(&stage, suggested, "home").await.unwrap();
        for ticket in &tickets {
            assert_eq!(stage.route(ticket).await.agent_id, second);
        }
        assert_eq!((load(&stage, &first).await, load(&stage, &second).await), (0.0, 4.0));
    }

    async fn moves_that_no_longer_hold_are_left_and_named(db: TestDb) {
        let (stage, first, second, tickets) = crowded(db).await;
        let mut suggested = suggest(&stage).await.moves;
        // One has been passed on meanwhile, one's new agent has gone, one never was.
        let group = stage.board().await.groups[0].group_id.clone();
        stage.assign(&suggested[0].ticket_id, &group, &second).await.unwrap();
        stage.presence(&second, proto::Presence::Away).await;
        suggested.push(proto::Move {
            ticket_id: crate::stage::new_ticket(stage.clock.now()),
            ..suggested[1].clone()
        });
        let outcomes: Vec<_> = apply(&stage, suggested, "").await.unwrap()
            .iter().map(proto::MoveResult::outcome).collect();
        use proto::MoveOutcome::{Changed, NotEligible, NotFound};
        assert_eq!(outcomes, [Changed, NotEligible, NotFound]);
        assert_eq!((load(&stage, &first).await, load(&stage, &second).await), (3.0, 1.0));
        assert_eq!(tickets.len(), 4);
    }

    async fn wrong_moves_are_refused_as_a_whole_with_every_field_named(db: TestDb) {
        let (stage, ..) = crowded(db).await;
        let wrong = proto::Move {
            ticket_id: "mine".to_owned(),
            reason: TransferReason::WrongSkill.into(),
            ..suggest(&stage).await.moves[0].clone()
        };
        let refused = apply(&stage, vec![wrong.clone(), wrong], "").await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        for field in ["moves[0].ticket_id", "moves[0].reason", "moves[1].ticket_id"] {
            assert!(refused.message().contains(field) || format!("{refused:?}").contains(field), "{refused:?}");
        }
        let none = apply(&stage, vec![], "").await.unwrap_err();
        assert_eq!(none.code(), Code::InvalidArgument);
    }
}
