//! How an alert climbs: acknowledgements, repetition, support hours, a routing that is away.

use std::time::Duration;

use lotse_proto::common::v1::SlaMetric;
use lotse_proto::journal::v1::alert_changed::Change;
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::{AlertState, AlertStepKind, EscalationTargetKind as Kind};
use lotse_proto::time::to_proto;
use lotse_testkit::TestDb;

use super::stage::{HOUR, MILLI, MINUTE, SECOND, Stage, escalation, some};
use crate::suite::{MONDAY_NINE, migrations};

/// A first reply is overdue this long after Monday at nine.
const OVERDUE: Duration = Duration::from_millis(60_001);

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn an_acknowledgement_stops_the_climb(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let founding = stage.founding();
        stage.ring_on(SlaMetric::FirstReply, 60, founding).await;
        let ada = stage.team.ada.clone();
        stage.ticket(&ada).await;
        stage.until(10 * MINUTE).await;
        let alert = stage.alert().await;
        let acknowledged = stage.acknowledge(&alert, &ada).await;
        assert_eq!(acknowledged.state(), AlertState::Acknowledged);
        assert_eq!(acknowledged.acknowledged_by_agent_id, ada);
        assert_eq!(acknowledged.acknowledged_at, Some(to_proto(MONDAY_NINE + 10 * MINUTE)));
        assert_eq!(acknowledged.next_at, None);
        stage.until(100 * HOUR).await;
        assert_eq!(stage.told().await.len(), 1);
        let armed = stage.suite.timers.count("sla-alerts").await.unwrap();
        assert_eq!(armed, 0, "nothing waits to be told");
    }

    async fn one_that_runs_out_begins_anew_and_tells_whoever_is_on_duty_by_then(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let climb = proto::EscalationPolicy {
            acknowledgement_timeout: some(30 * MINUTE),
            ..stage.founding()
        };
        stage.ring_on(SlaMetric::FirstReply, 60, climb).await;
        let (ada, bob, cy) = (stage.team.ada.clone(), stage.team.bob.clone(), stage.team.cy.clone());
        stage.ticket(&ada).await;
        stage.until(10 * MINUTE).await;
        let alert = stage.alert().await;
        stage.acknowledge(&alert, &ada).await;
        // The shift has changed meanwhile.
        let duty = vec![cy.clone(), bob.clone()];
        stage.world.lock().duty.insert(stage.team.group.clone(), duty);
        stage.until(40 * MINUTE).await;
        stage.until(3 * HOUR).await;
        let again = 40 * MINUTE;
        assert_eq!(stage.told().await, [
            (OVERDUE, 1, 0, vec![ada.clone()]),
            (again, 1, 1, vec![ada, cy]),
            (again + 15 * MINUTE, 2, 1, vec![bob]),
        ]);
        let alert = stage.alert().await;
        assert_eq!((alert.acknowledged_at, alert.acknowledged_by_agent_id.as_str()), (None, ""));
        let kinds: Vec<_> = alert.steps.iter().map(|step| step.kind()).collect();
        assert_eq!(kinds, [
            AlertStepKind::Opened,
            AlertStepKind::Notified,
            AlertStepKind::Acknowledged,
            AlertStepKind::AcknowledgementExpired,
            AlertStepKind::Notified,
            AlertStepKind::Notified,
        ]);
    }

    async fn all_levels_are_gone_through_again_as_often_as_the_policy_says(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let climb = proto::EscalationPolicy {
            repeat: 2,
            repeat_after: some(10 * MINUTE),
            ..stage.founding()
        };
        stage.ring_on(SlaMetric::FirstReply, 60, climb).await;
        let (ada, bob) = (stage.team.ada.clone(), stage.team.bob.clone());
        stage.ticket(&ada).await;
        stage.until(24 * HOUR).await;
        let mut wanted = Vec::new();
        for round in 0..3_u32 {
            let first = OVERDUE + round * (25 * MINUTE);
            wanted.push((first, 1, round, vec![ada.clone()]));
            wanted.push((first + 15 * MINUTE, 2, round, vec![bob.clone()]));
        }
        assert_eq!(stage.told().await, wanted);
    }

    async fn a_level_is_held_over_the_weekend_and_told_at_the_opening(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let calendar = proto::Calendar {
            name: "office".to_owned(),
            time_zone: "UTC".to_owned(),
            preset: proto::CalendarPreset::BusinessHours.into(),
            ..Default::default()
        };
        let request = proto::PutCalendarRequest {
            calendar: Some(calendar),
            ..Default::default()
        };
        stage.suite.client.put_calendar(request).await.unwrap();
        let climb = proto::EscalationPolicy {
            support_calendar_id: "office".to_owned(),
            ..stage.founding()
        };
        stage.ring_on(SlaMetric::FirstReply, 60, climb).await;
        let (ada, bob) = (stage.team.ada.clone(), stage.team.bob.clone());
        // Friday, 16:50.
        let friday = 4 * 24 * HOUR + 7 * HOUR + 50 * MINUTE;
        stage.until(friday).await;
        stage.ticket(&ada).await;
        stage.until(friday + 30 * MINUTE).await;
        let monday = 7 * 24 * HOUR;
        let alert = stage.alert().await;
        assert_eq!((alert.state(), alert.level), (AlertState::Held, 1));
        assert_eq!(alert.next_at, Some(to_proto(MONDAY_NINE + monday)));
        let held = alert.steps.last().unwrap();
        assert_eq!((held.kind(), held.reason.as_str()), (AlertStepKind::Held, "support_hours"));
        assert_eq!(held.until, alert.next_at);
        stage.until(monday + HOUR).await;
        assert_eq!(stage.told().await, [
            (friday + OVERDUE, 1, 0, vec![ada]),
            (monday, 2, 0, vec![bob]),
        ]);
        let held = stage.changes().await;
        let held = held.iter().filter(|change| **change == Change::Held).count();
        assert_eq!(held, 1, "said once");
    }

    async fn whom_a_level_means_is_found_out_when_it_is_told(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let (rota, ada, cy) =
            (stage.team.rota.clone(), stage.team.ada.clone(), stage.team.cy.clone());
        let climb = escalation(&[
            (Duration::ZERO, &[(Kind::OnDuty, &rota)]),
            (MINUTE, &[(Kind::GroupLead, ""), (Kind::Agent, &ada), (Kind::OnDuty, &rota)]),
        ]);
        stage.ring_on(SlaMetric::FirstReply, 60, climb).await;
        stage.ticket(&ada).await;
        stage.until(OVERDUE).await;
        stage.world.lock().leads.clear();
        stage.until(HOUR).await;
        assert_eq!(stage.told().await, [
            (OVERDUE, 1, 0, vec![cy.clone()]),
            (OVERDUE + MINUTE, 2, 0, vec![ada, cy]),
        ]);
        let missing = &stage.alert().await.steps[2].missing;
        assert_eq!((missing[0].kind(), missing[0].reason.as_str()), (Kind::GroupLead, "no_lead"));
    }

    async fn a_routing_that_is_away_for_a_moment_delays_and_loses_nothing(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let climb = escalation(&[(Duration::ZERO, &[(Kind::Team, "")])]);
        stage.ring_on(SlaMetric::FirstReply, 60, climb).await;
        let ada = stage.team.ada.clone();
        stage.ticket(&ada).await;
        stage.world.lock().away = true;
        stage.until(OVERDUE + 10 * SECOND).await;
        assert_eq!(stage.told().await, []);
        assert_eq!(stage.alert().await.state(), AlertState::Open);
        stage.world.lock().away = false;
        stage.until(OVERDUE + MINUTE).await;
        // Asked at once, 5 s and 15 s later.
        assert_eq!(stage.told().await, [(OVERDUE + 15 * SECOND, 1, 0, vec![ada])]);
    }

    async fn a_routing_that_stays_away_is_done_without(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let climb = escalation(&[
            (Duration::ZERO, &[(Kind::TicketAgent, ""), (Kind::GroupLead, "")]),
            (MINUTE, &[(Kind::Team, "")]),
        ]);
        stage.ring_on(SlaMetric::FirstReply, 60, climb).await;
        let ada = stage.team.ada.clone();
        stage.ticket(&ada).await;
        stage.world.lock().away = true;
        stage.until(HOUR).await;
        let late = OVERDUE + 75 * SECOND;
        assert_eq!(stage.told().await, [
            (late, 1, 0, vec![ada]),
            (late + MINUTE + 75 * SECOND, 2, 0, vec![]),
        ]);
        let alert = stage.alert().await;
        let missing = &alert.steps[1].missing;
        assert_eq!(missing[0].kind(), Kind::GroupLead);
        assert_eq!(missing[0].reason, "unanswered");
        assert_eq!(alert.state(), AlertState::Open, "it is not lost");
    }

    async fn a_level_without_a_delay_follows_in_the_same_instant(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let climb = escalation(&[
            (Duration::ZERO, &[(Kind::TicketAgent, "")]),
            (Duration::ZERO, &[(Kind::Team, "")]),
        ]);
        stage.ring_on(SlaMetric::FirstReply, 60, climb).await;
        let (ada, bob) = (stage.team.ada.clone(), stage.team.bob.clone());
        stage.ticket(&ada).await;
        stage.until(MINUTE + MILLI).await;
        assert_eq!(stage.told().await, [
            (OVERDUE, 1, 0, vec![ada]),
            (OVERDUE, 2, 0, vec![bob]),
        ]);
    }
}
