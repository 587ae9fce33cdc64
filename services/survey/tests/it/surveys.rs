use lotse_proto::common::v1::SurveyKind;
use lotse_proto::survey::v1 as proto;
use lotse_testkit::TestDb;
use tonic::Code;

use crate::stage::{DAY, Stage, fields, migrations, reason};

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn putting_the_same_survey_again_changes_nothing(db: TestDb) {
        let mut stage = Stage::new(db).await;
        let first = stage.survey(SurveyKind::Csat).await;
        assert_eq!(first.version, 1);
        let again = stage.put(proto::Survey { id: String::new(), ..first.clone() }).await.unwrap();
        assert!(!again.changed);
        assert_eq!(again.survey, Some(first.clone()));

        let slower = proto::Survey { delay: Some(lotse_proto::time::duration_to_proto(DAY * 2)), ..first };
        let changed = stage.put(slower).await.unwrap();
        assert!(changed.changed);
        assert_eq!(changed.survey.unwrap().version, 2);
    }

    async fn a_stale_etag_is_refused(db: TestDb) {
        let mut stage = Stage::new(db).await;
        let first = stage.survey(SurveyKind::Csat).await;
        stage.put(proto::Survey { active: false, ..first.clone() }).await.unwrap();
        let refused = stage.put(proto::Survey { sample: Some(0.5), ..first }).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused)), (Code::Aborted, "STALE_ETAG".to_owned()));
    }

    async fn all_that_is_wrong_with_a_survey_is_said_at_once(db: TestDb) {
        let mut stage = Stage::new(db).await;
        let wrong = proto::Survey {
            sample: Some(1.5),
            questions: [("de".to_owned(), "\u{0}".to_owned())].into(),
            ..proto::Survey::default()
        };
        let refused = stage.put(wrong).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(
            fields(&refused),
            ["survey.name", "survey.kind", "survey.questions[de]", "survey.sample"]
        );
    }

    async fn the_kind_of_a_survey_that_has_asked_cannot_change(db: TestDb) {
        let mut stage = Stage::new(db).await;
        let survey = stage.survey(SurveyKind::Csat).await;
        stage.solved("tkt_1", "req_1").await;
        let other = proto::Survey { kind: SurveyKind::Ces.into(), ..survey };
        let refused = stage.put(other).await.unwrap_err();
        assert_eq!(reason(&refused), "RESOURCE_IN_USE");
    }
}
