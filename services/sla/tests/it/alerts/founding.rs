//! The case that all this is for.

use lotse_proto::common::v1::SlaMetric;
use lotse_proto::journal::v1::alert_changed::Change;
use lotse_proto::sla::v1::{AlertState, AlertStepKind, EscalationTargetKind};
use lotse_proto::time::to_proto;
use lotse_testkit::TestDb;

use super::stage::{HOUR, MILLI, MINUTE, Stage};
use crate::suite::{MONDAY_NINE, migrations};

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn untouched_for_two_hours_the_agent_is_alerted_then_another_of_the_team(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let founding = stage.founding();
        stage.ring_on(SlaMetric::Idle, 7_200, founding).await;
        let (ada, bob) = (stage.team.ada.clone(), stage.team.bob.clone());
        let ticket = stage.ticket(&ada).await;

        stage.until(2 * HOUR).await;
        assert_eq!(stage.all().await, [], "it is not overdue yet");
        let overdue = 2 * HOUR + MILLI;
        stage.until(overdue).await;
        let alert = stage.alert().await;
        assert_eq!((&alert.ticket_id, alert.metric()), (&ticket, SlaMetric::Idle));
        assert_eq!((alert.state(), alert.level, alert.levels), (AlertState::Open, 1, 2));
        assert_eq!(alert.group_id, stage.team.group);
        assert_eq!(alert.escalation_policy_name, "climb");
        assert_eq!(alert.opened_at, Some(to_proto(MONDAY_NINE + overdue)));
        assert_eq!(alert.next_at, Some(to_proto(MONDAY_NINE + overdue + 15 * MINUTE)));
        assert_eq!(alert.told_agent_ids, std::slice::from_ref(&ada));

        stage.until(3 * HOUR).await;
        let told = stage.told().await;
        let second = overdue + 15 * MINUTE;
        assert_eq!(told, [
            (overdue, 1, 0, vec![ada.clone()]),
            (second, 2, 0, vec![bob.clone()]),
        ]);
        let alert = stage.alert().await;
        assert_eq!((alert.level, alert.next_at), (2, None), "everybody was told");
        assert_eq!(alert.told_agent_ids, [ada, bob]);
        let kinds: Vec<_> = alert.steps.iter().map(|step| step.kind()).collect();
        assert_eq!(kinds, [
            AlertStepKind::Opened,
            AlertStepKind::Notified,
            AlertStepKind::Notified,
        ]);
        assert_eq!(alert.steps[2].agents[0].kind(), EscalationTargetKind::Team);
        assert_eq!(stage.changes().await, [Change::Opened, Change::Notified, Change::Notified]);
    }

    async fn nobody_who_has_the_ticket_means_whoever_is_on_duty(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let founding = stage.founding();
        stage.ring_on(SlaMetric::Idle, 7_200, founding).await;
        stage.ticket("").await;
        stage.until(3 * HOUR).await;
        let (ada, bob) = (stage.team.ada.clone(), stage.team.bob.clone());
        let told: Vec<_> = stage.told().await.into_iter().map(|told| told.3).collect();
        assert_eq!(told, [vec![ada], vec![bob]]);
    }

    async fn a_hundred_and_one_overdue_tickets_ring_once_each(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let founding = stage.founding();
        stage.ring_on(SlaMetric::FirstReply, 60, founding).await;
        let ada = stage.team.ada.clone();
        for _ in 0..101 {
            stage.ticket(&ada).await;
        }
        stage.until(2 * HOUR).await;
        let all = stage.all().await;
        assert_eq!(all.len(), 101);
        let mut tickets: Vec<_> = all.iter().map(|alert| &alert.ticket_id).collect();
        tickets.sort();
        tickets.dedup();
        assert_eq!(tickets.len(), 101);
        assert_eq!(stage.told().await.len(), 202, "two levels each");
    }
}
