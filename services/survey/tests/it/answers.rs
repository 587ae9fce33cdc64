use lotse_proto::common::v1::{Channel, SurveyKind};
use lotse_proto::survey::v1 as proto;
use lotse_proto::survey::v1::invitation::State;
use lotse_testkit::TestDb;
use tonic::Code;

use crate::stage::{DAY, Stage, assigned, created, fields, migrations, reason, solve};

/// A stage with one chat ticket whose requester can answer now.
async fn asked(db: TestDb, kind: SurveyKind) -> (Stage, String) {
    let mut stage = Stage::new(db).await;
    stage.survey(kind).await;
    let bodies = vec![
        created("req_1", Channel::Chat),
        assigned("grp_1", "agt_1"),
        solve(),
    ];
    stage.journal("tkt_1", bodies).await;
    stage.suite.settle().await;
    let token = stage.invitation("tkt_1").await.token;
    (stage, token)
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn an_answer_counts_with_the_attribution_of_its_trigger(db: TestDb) {
        let (mut stage, token) = asked(db, SurveyKind::Csat).await;
        // Somebody else has the ticket when the answer comes.
        stage.journal("tkt_1", vec![assigned("grp_2", "agt_2")]).await;
        stage.suite.settle().await;
        let answer = stage.answer(&token, 4).await.unwrap();
        assert_eq!((answer.agent_id.as_str(), answer.group_id.as_str()), ("agt_1", "grp_1"));
        assert_eq!((answer.scale.as_str(), answer.language.as_str()), ("csat_1_5", "de-AT"));

        let score = stage.score(SurveyKind::Csat).await;
        assert_eq!((score.n, score.invited), (1, 1));
        assert_eq!(score.histogram, [0, 0, 0, 1, 0]);
        let share = score.share.unwrap();
        assert!((share.value - 1.0).abs() < 1e-9 && share.low.unwrap() < 0.3);
        assert_eq!(stage.invitation("tkt_1").await.state(), State::Answered);
    }

    async fn without_answers_the_score_is_absent(db: TestDb) {
        let (mut stage, _) = asked(db, SurveyKind::Nps).await;
        let score = stage.score(SurveyKind::Nps).await;
        assert_eq!((score.n, score.share, score.mean, score.nps), (0, None, None, None));
    }

    async fn reading_the_form_is_noted_once_and_never_an_answer(db: TestDb) {
        let (mut stage, token) = asked(db, SurveyKind::Csat).await;
        let form = stage.form(&token).await.unwrap();
        assert!(form.open && form.answer.is_none());
        assert_eq!((form.language.as_str(), form.min_score, form.max_score), ("de", 1, 5));
        let opened_at = stage.invitation("tkt_1").await.opened_at;
        assert!(opened_at.is_some());
        stage.suite.advance(DAY).await;
        stage.form(&token).await.unwrap();
        let invitation = stage.invitation("tkt_1").await;
        assert_eq!((invitation.opened_at, invitation.state()), (opened_at, State::Invited));
        assert_eq!(stage.score(SurveyKind::Csat).await.n, 0);
    }

    async fn a_forged_link_opens_nothing(db: TestDb) {
        let (mut stage, token) = asked(db, SurveyKind::Csat).await;
        let mut forged = token.clone();
        let last = forged.pop().unwrap();
        forged.push(if last == 'A' { 'B' } else { 'A' });
        for token in [forged.as_str(), "", "nonsense"] {
            assert_eq!(stage.form(token).await.unwrap_err().code(), Code::NotFound);
            assert_eq!(stage.answer(token, 5).await.unwrap_err().code(), Code::NotFound);
        }
    }

    async fn a_repeated_request_is_one_answer(db: TestDb) {
        let (mut stage, token) = asked(db, SurveyKind::Csat).await;
        let first = stage.answer_as("once", &token, 5).await.unwrap();
        assert_eq!(stage.answer_as("once", &token, 5).await.unwrap(), first);
        let reused = stage.answer_as("once", &token, 1).await.unwrap_err();
        assert_eq!((reused.code(), reason(&reused)), (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned()));
        assert_eq!(stage.score(SurveyKind::Csat).await.histogram, [0, 0, 0, 0, 1]);
    }

    async fn an_answer_can_be_revised_for_a_day_and_counts_once(db: TestDb) {
        let (mut stage, token) = asked(db, SurveyKind::Csat).await;
        stage.answer(&token, 2).await.unwrap();
        stage.suite.advance(DAY / 2).await;
        let revised = stage.answer(&token, 5).await.unwrap();
        assert_eq!(revised.revision, 2);
        assert_eq!(stage.score(SurveyKind::Csat).await.histogram, [0, 0, 0, 0, 1]);
        stage.suite.advance(DAY / 2).await;
        let late = stage.answer(&token, 1).await.unwrap_err();
        assert_eq!((late.code(), reason(&late)), (Code::FailedPrecondition, "ANSWER_FINAL".to_owned()));
    }

    async fn after_four_weeks_the_survey_is_closed(db: TestDb) {
        let (mut stage, token) = asked(db, SurveyKind::Csat).await;
        stage.suite.advance(DAY * 28).await;
        let late = stage.answer(&token, 5).await.unwrap_err();
        assert_eq!((late.code(), reason(&late)), (Code::FailedPrecondition, "INVITATION_CLOSED".to_owned()));
        assert!(!stage.form(&token).await.unwrap().open);
        assert_eq!(stage.invitation("tkt_1").await.state(), State::Expired);
    }

    async fn a_score_off_the_scale_is_refused_by_name(db: TestDb) {
        let (mut stage, token) = asked(db, SurveyKind::Ces).await;
        for score in [0, 8] {
            let refused = stage.answer(&token, score).await.unwrap_err();
            assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec!["score".to_owned()]));
        }
        let request = proto::SubmitAnswerRequest {
            token,
            score: 7,
            comment: "x".repeat(4_001),
            ..proto::SubmitAnswerRequest::default()
        };
        let refused = stage.client.submit_answer(request).await.unwrap_err();
        assert_eq!(fields(&refused), ["comment"]);
    }

    async fn sixteen_first_answers_at_once_leave_one(db: TestDb) {
        let (mut stage, token) = asked(db, SurveyKind::Csat).await;
        let calls = (0..16).map(|n| {
            let mut client = stage.client.clone();
            let request = proto::SubmitAnswerRequest {
                token: token.clone(),
                score: 1 + n % 5,
                ..proto::SubmitAnswerRequest::default()
            };
            async move { client.submit_answer(request).await }
        });
        let outcomes = futures::future::join_all(calls).await;
        for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            assert_eq!(reason(refused), "LOST_RACE");
        }
        let score = stage.score(SurveyKind::Csat).await;
        assert_eq!(score.n, 1);
    }
}
