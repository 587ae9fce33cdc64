use lotse_clock::Timestamp;
use lotse_ids::{RequesterId, TicketId};
use lotse_proto::common::v1::{Channel, SurveyKind};
use lotse_proto::survey::v1 as proto;
use lotse_proto::survey::v1::invitation::State;
use lotse_testkit::TestDb;
use tonic::Code;

use crate::stage::{DAY, HOUR, Stage, assigned, created, fields, migrations, reopen, reply, solve};

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_solved_ticket_is_asked_about_when_it_stayed_solved_for_a_day(db: TestDb) {
        let mut stage = Stage::new(db).await;
        stage.survey(SurveyKind::Csat).await;
        stage.solved("tkt_1", "req_1").await;
        assert_eq!(stage.invitation("tkt_1").await.state(), State::Waiting);
        assert_eq!(stage.invitation("tkt_1").await.token, "");

        stage.suite.advance(DAY - HOUR).await;
        assert_eq!(stage.invitation("tkt_1").await.state(), State::Waiting);
        stage.suite.advance(HOUR).await;
        let invitation = stage.invitation("tkt_1").await;
        assert_eq!(invitation.state(), State::Invited);
        assert_ne!(invitation.token, "");
    }

    async fn a_reopening_before_the_delay_is_over_asks_nobody(db: TestDb) {
        let mut stage = Stage::new(db).await;
        stage.survey(SurveyKind::Csat).await;
        stage.solved("tkt_1", "req_1").await;
        // Committed, but the consumer has not seen it when the timer is due.
        stage.journal("tkt_1", vec![reopen()]).await;
        stage.suite.advance(DAY).await;
        let invitation = stage.invitation("tkt_1").await;
        assert_eq!(invitation.state(), State::Cancelled);
        assert_eq!(stage.score(SurveyKind::Csat).await.invited, 0);

        stage.journal("tkt_1", vec![solve()]).await;
        stage.suite.advance(DAY).await;
        let mut states: Vec<_> =
            stage.invitations("tkt_1").await.iter().map(|i| (i.episode, i.state())).collect();
        states.sort_by_key(|(episode, _)| *episode);
        assert_eq!(states, [(0, State::Cancelled), (1, State::Invited)]);
    }

    async fn nobody_is_asked_about_a_ticket_that_went_into_another(db: TestDb) {
        let mut stage = Stage::new(db).await;
        stage.survey(SurveyKind::Csat).await;
        let merged = || {
            let into_ticket_id = "tkt_9".to_owned();
            lotse_journal::Body::TicketMerged(lotse_proto::journal::v1::TicketMerged { into_ticket_id })
        };
        // One while the invitation waits, one that was sent.
        stage.solved("tkt_1", "req_1").await;
        stage.solved("tkt_2", "req_2").await;
        stage.journal("tkt_1", vec![merged()]).await;
        stage.suite.advance(DAY).await;
        assert_eq!(stage.invitation("tkt_1").await.state(), State::Cancelled);
        assert_eq!(stage.invitation("tkt_2").await.state(), State::Invited);
        stage.journal("tkt_2", vec![merged()]).await;
        stage.suite.settle().await;
        assert_eq!(stage.invitation("tkt_2").await.state(), State::Cancelled);
    }

    async fn a_chat_is_asked_about_at_once(db: TestDb) {
        let mut stage = Stage::new(db).await;
        stage.survey(SurveyKind::Csat).await;
        let bodies = vec![created("req_1", Channel::Chat), assigned("grp_1", "agt_1"), solve()];
        stage.journal("tkt_1", bodies).await;
        stage.suite.settle().await;
        assert_eq!(stage.invitation("tkt_1").await.state(), State::Invited);
    }

    async fn a_ticket_that_nobody_human_answered_is_skipped_and_says_so(db: TestDb) {
        let mut stage = Stage::new(db).await;
        stage.survey(SurveyKind::Csat).await;
        stage.journal("tkt_1", vec![created("req_1", Channel::Email), solve()]).await;
        stage.suite.settle().await;
        let invitation = stage.invitation("tkt_1").await;
        assert_eq!(invitation.state(), State::Skipped);
        assert_eq!((invitation.reason.as_str(), invitation.token.as_str()), ("no_human_reply", ""));
    }

    async fn a_requester_is_asked_once_a_week_across_all_surveys(db: TestDb) {
        let mut stage = Stage::new(db).await;
        stage.survey(SurveyKind::Csat).await;
        stage.survey(SurveyKind::Ces).await;
        stage.solved("tkt_1", "req_1").await;
        stage.solved("tkt_2", "req_2").await;
        stage.suite.advance(DAY).await;
        for ticket in ["tkt_1", "tkt_2"] {
            let mut states: Vec<_> =
                stage.invitations(ticket).await.iter().map(|i| i.state().as_str_name()).collect();
            states.sort_unstable();
            assert_eq!(states, ["STATE_INVITED", "STATE_SKIPPED"]);
        }
    }

    async fn one_resolution_is_asked_about_once_however_often_it_is_wanted(db: TestDb) {
        let mut stage = Stage::new(db).await;
        let survey = stage.survey(SurveyKind::Ces).await;
        let ticket = TicketId::generate(Timestamp::EPOCH).to_string();
        // Not settled: the command itself reads up to the ticket.
        stage.journal(&ticket, vec![created("req_1", Channel::Email), reply()]).await;
        let request = proto::CreateInvitationRequest {
            survey_id: survey.id,
            ticket_id: ticket,
            ..proto::CreateInvitationRequest::default()
        };
        let first = stage.client.create_invitation(request.clone()).await.unwrap().into_inner();
        let second = stage.client.create_invitation(request).await.unwrap().into_inner();
        assert_eq!(first, second);
        assert_eq!(first.invitation.unwrap().requester_id, "req_1");
    }

    async fn a_touchpoint_without_a_ticket_needs_a_requester(db: TestDb) {
        let mut stage = Stage::new(db).await;
        let survey = stage.survey(SurveyKind::Nps).await;
        let mut request = proto::CreateInvitationRequest {
            survey_id: survey.id,
            ..proto::CreateInvitationRequest::default()
        };
        let refused = stage.client.create_invitation(request.clone()).await.unwrap_err();
        assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec!["requester_id".to_owned()]));

        request.requester_id = RequesterId::generate(Timestamp::EPOCH).to_string();
        let asked = stage.client.create_invitation(request.clone()).await.unwrap().into_inner();
        assert_eq!(asked.invitation.unwrap().state(), State::Invited);
        // Ninety days must pass before the same question.
        stage.suite.advance(DAY * 89).await;
        let early = stage.client.create_invitation(request).await.unwrap().into_inner();
        assert_eq!(early.invitation.unwrap().reason, "asked_before");
    }

    async fn pages_of_invitations_miss_and_repeat_nothing(db: TestDb) {
        let mut stage = Stage::new(db).await;
        let survey = stage.survey(SurveyKind::Csat).await;
        for n in 0..5 {
            stage.solved(&format!("tkt_{n}"), &format!("req_{n}")).await;
        }
        let mut seen = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = proto::ListInvitationsRequest {
                survey_id: survey.id.clone(),
                page_size: 2,
                page_token,
                ..proto::ListInvitationsRequest::default()
            };
            let page = stage.client.list_invitations(request).await.unwrap().into_inner();
            assert!(page.invitations.len() <= 2);
            seen.extend(page.invitations.into_iter().map(|invitation| invitation.ticket_id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        seen.sort();
        assert_eq!(seen, ["tkt_0", "tkt_1", "tkt_2", "tkt_3", "tkt_4"]);
    }
}
