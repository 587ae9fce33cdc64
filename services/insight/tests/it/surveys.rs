//! Scores.

use lotse_journal::{Body, Draft};
use lotse_proto::common::v1::{Channel, Priority, SurveyKind};
use lotse_proto::journal::v1::invitation_changed::Change;
use lotse_proto::journal::v1::{AnswerRecorded, InvitationChanged};
use lotse_testkit::{TestDb, on_both_databases};

use crate::desk::{assigned, created, minute};
use crate::stage::{Stage, migrations};

fn invitation(id: &str, kind: SurveyKind, change: Change) -> Body {
    Body::InvitationChanged(InvitationChanged {
        invitation_id: id.to_owned(),
        survey_id: "srv".to_owned(),
        kind: kind.into(),
        change: change.into(),
        ..InvitationChanged::default()
    })
}

fn answer(invitation: &str, kind: SurveyKind, score: i32, agent: &str) -> Body {
    Body::AnswerRecorded(AnswerRecorded {
        answer_id: format!("ans_{invitation}"),
        invitation_id: invitation.to_owned(),
        survey_id: "srv".to_owned(),
        kind: kind.into(),
        score,
        agent_id: agent.to_owned(),
        ..AnswerRecorded::default()
    })
}

/// Answers about one ticket, whose agent is ann by now; the survey remembers zoe.
async fn asked(db: TestDb) -> Stage {
    use SurveyKind::{Ces, Csat, Nps};
    let stage = Stage::new(db).await;
    let ticket = Body::TicketCreated(created(Channel::Email, "x", Priority::Normal));
    let mut story = vec![ticket, assigned("g", "ann")];
    for (id, score, agent) in [("s1", 5, "zoe"), ("s2", 4, ""), ("s3", 2, "zoe")] {
        story.push(invitation(id, Csat, Change::Invited));
        story.push(answer(id, Csat, score, agent));
    }
    // Thought better of it; asked and silent; withdrawn; never asked.
    story.push(answer("s3", Csat, 3, "zoe"));
    story.push(invitation("s4", Csat, Change::Invited));
    story.push(invitation("s5", Csat, Change::Invited));
    story.push(invitation("s5", Csat, Change::Cancelled));
    story.push(invitation("s6", Csat, Change::Skipped));
    for (id, score) in [("e1", 7), ("e2", 5), ("e3", 3)] {
        story.push(answer(id, Ces, score, ""));
    }
    let draft = |body| Draft::ticket("t", body).at(minute(5));
    let mut drafts: Vec<Draft> = story.into_iter().map(draft).collect();
    // About no ticket.
    for (id, score) in [("n1", 10), ("n2", 9), ("n3", 7), ("n4", 3)] {
        drafts.push(Draft::resource(id, answer(id, Nps, score, "")).at(minute(5)));
    }
    stage.journal(drafts).await;
    stage
}

fn near(value: Option<f64>, expected: f64) -> bool {
    value.is_some_and(|value| (value - expected).abs() < 5e-4)
}

on_both_databases! {
    migrations = migrations;

    async fn csat_is_the_share_of_four_and_five_with_the_mean_beside_it(db: TestDb) {
        let mut stage = asked(db).await;
        let csat = stage.figure("csat", "", "").await;
        assert_eq!((csat.n, csat.numerator, csat.mean), (3, Some(2), Some(4.0)));
        assert!(near(csat.value, 2.0 / 3.0));
        assert_eq!(csat.coverage, Some(0.75));
        let by = stage.by("csat", &["agent"], "").await;
        let by: Vec<_> = by.iter().map(|(agent, f)| (agent.as_str(), f.n, f.value)).collect();
        assert_eq!(by, [("ann", 1, Some(1.0)), ("zoe", 2, Some(0.5))], "the snapshot before the ticket");
        let rate = stage.by("response_rate", &["survey_kind"], "").await;
        let rate: Vec<_> = rate.iter().map(|(kind, f)| (kind.as_str(), f.numerator, f.n)).collect();
        assert_eq!(rate, [("CES", Some(3), 3), ("CSAT", Some(3), 4), ("NPS", Some(4), 4)]);
    }

    async fn ces_has_a_share_and_a_mean_each_with_its_interval(db: TestDb) {
        let mut stage = asked(db).await;
        let share = stage.figure("ces", "share", "").await;
        assert_eq!((share.numerator, share.n), (Some(2), 3));
        // 7, 5, 3: s = 2, t(2) = 4.3027.
        let mean = stage.figure("ces", "mean", "").await;
        assert!(near(mean.value, 5.0) && near(mean.low, 0.0317) && near(mean.high, 9.9683), "{mean:?}");
    }

    async fn nps_counts_passives_and_answers_about_no_ticket(db: TestDb) {
        let mut stage = asked(db).await;
        let nps = stage.figure("nps", "", "").await;
        assert_eq!((nps.value, nps.numerator, nps.n), (Some(0.25), Some(2), 4));
        // Adjusted Wald: 1/7 and 1.96 standard errors of 2.75 + 1.75 of 7.
        let half = 1.959_964 * ((4.5 / 7.0 - 1.0 / 49.0) / 7.0_f64).sqrt();
        assert!(near(nps.low, 1.0 / 7.0 - half) && near(nps.high, 1.0 / 7.0 + half), "{nps:?}");
        assert_eq!(stage.figure("nps", "", "channel = EMAIL").await.value, None);
    }
}
