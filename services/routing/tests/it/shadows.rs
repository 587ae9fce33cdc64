//! Shadows on duty, and the approval of their replies.

use lotse_errors::ErrorReason;
use lotse_journal::Body;
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::duty_service_client::DutyServiceClient;
use lotse_proto::routing::v1::rota_layer::Plan;
use lotse_proto::routing::v1::who_is_on_duty_request::Duty;
use lotse_testkit::TestDb;

use crate::stage::{Stage, agent, created, migrations, reason};

const NOTE: &str = "msg_01h455vb4pex5vsknk084sn00q";

/// Mona has the desk for a day, then Nils, and Sam learns from Mona.
fn rota() -> proto::Rota {
    let rotation = proto::Rotation {
        agent_ids: vec!["Mona".to_owned(), "Nils".to_owned()],
        unit: proto::RotationUnit::Days.into(),
        starts_on: "2023-11-14".to_owned(),
        ..proto::Rotation::default()
    };
    let shadow = proto::Shadow {
        agent_id: "Sam".to_owned(),
        mentor_agent_id: "Mona".to_owned(),
        approval_wanted: true,
    };
    proto::Rota {
        name: "desk".to_owned(),
        time_zone: "Etc/UTC".to_owned(),
        group_id: "desk".to_owned(),
        layers: vec![proto::RotaLayer {
            name: "first".to_owned(),
            plan: Some(Plan::Rotation(rotation)),
            shadow: Some(shadow),
            ..proto::RotaLayer::default()
        }],
        ..proto::Rota::default()
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_shadow_replies_once_the_mentor_approves(db: TestDb) {
        let (stage, desk) = Stage::with_group(db).await;
        let mut ids = Vec::new();
        for name in ["Mona", "Nils", "Sam"] {
            ids.push(stage.agent(agent(name, &desk, 1)).await);
        }
        let [mona, nils, sam] = ids.as_slice() else { panic!("three") };
        let mut duty = DutyServiceClient::new(stage.suite.stack());
        let put = proto::PutRotaRequest { rota: Some(rota()), request_id: String::new() };
        duty.put_rota(put).await.unwrap();
        let ask = proto::WhoIsOnDutyRequest { duty: Some(Duty::GroupId(desk.clone())), at: None };
        let told = duty.who_is_on_duty(ask).await.unwrap().into_inner().on_duty;
        let shadow = told[0].shadow.as_ref().unwrap();
        assert_eq!((&told[0].agent_id, &told[0].next_agent_id), (mona, nils));
        assert_eq!((&shadow.agent_id, &shadow.mentor_agent_id, shadow.approval_wanted), (sam, mona, true));
        assert_eq!(told.len(), 1, "nobody rings a shadow: {told:?}");

        let ticket = stage.ticket(created()).await;
        let check = |agent: &str| proto::CheckReplyRequest {
            agent_id: agent.to_owned(), ticket_id: ticket.clone(), message_id: NOTE.to_owned(),
        };
        assert!(duty.check_reply(check("Nils")).await.unwrap().into_inner().allowed);
        let checked = duty.check_reply(check("Sam")).await.unwrap().into_inner();
        assert_eq!((checked.allowed, &checked.mentor_agent_id, checked.review), (false, mona, None));
        let request = |agent: &str| proto::RequestReplyApprovalRequest {
            agent_id: agent.to_owned(), ticket_id: ticket.clone(),
            message_id: NOTE.to_owned(), request_id: String::new(),
        };
        assert_eq!(reason(duty.request_reply_approval(request("Nils")).await), ErrorReason::InvalidField);
        for _ in 0..2 {
            let asked = duty.request_reply_approval(request("Sam")).await.unwrap().into_inner();
            assert_eq!(asked.review.unwrap().state(), proto::ReplyReviewState::Pending);
        }
        let list = proto::ListPendingRepliesRequest { mentor_agent_id: "Mona".to_owned(), ..Default::default() };
        let waiting = duty.list_pending_replies(list.clone()).await.unwrap().into_inner().reviews;
        assert_eq!(waiting.len(), 1);
        let decide = |agent: &str, approved| proto::DecideReplyRequest {
            message_id: NOTE.to_owned(), agent_id: agent.to_owned(), approved,
            note: "well put".to_owned(), request_id: String::new(),
        };
        assert_eq!(reason(duty.decide_reply(decide("Nils", true)).await), ErrorReason::InvalidField);
        for _ in 0..2 {
            let decided = duty.decide_reply(decide("Mona", true)).await.unwrap().into_inner();
            assert_eq!(decided.review.unwrap().note, "well put");
        }
        let otherwise = duty.decide_reply(decide("Mona", false)).await;
        assert_eq!(reason(otherwise), ErrorReason::IllegalTransition);
        assert!(duty.check_reply(check("Sam")).await.unwrap().into_inner().allowed);
        let other = proto::CheckReplyRequest { message_id: String::new(), ..check("Sam") };
        assert!(!duty.check_reply(other).await.unwrap().into_inner().allowed, "one reply, not all");
        let waiting = duty.list_pending_replies(list).await.unwrap().into_inner().reviews;
        assert_eq!(waiting, []);
        let states: Vec<String> = stage.events(&ticket).await.into_iter()
            .filter_map(|body| match body {
                Body::ReplyReviewed(reviewed) => Some(reviewed.state),
                _ => None,
            })
            .collect();
        assert_eq!(states, ["pending", "approved"]);
    }

    async fn a_mentor_is_somebody_else(db: TestDb) {
        let (stage, desk) = Stage::with_group(db).await;
        for name in ["Mona", "Nils", "Sam"] {
            stage.agent(agent(name, &desk, 1)).await;
        }
        let mut wrong = rota();
        wrong.layers[0].shadow.as_mut().unwrap().mentor_agent_id = "Sam".to_owned();
        let put = proto::PutRotaRequest { rota: Some(wrong), request_id: String::new() };
        let mut duty = DutyServiceClient::new(stage.suite.stack());
        let refused = duty.put_rota(put).await.unwrap_err();
        assert!(refused.message().starts_with("rota.layers[0].shadow.mentor_agent_id"), "{refused:?}");
    }
}
