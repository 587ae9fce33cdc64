//! Several replicas, and processes that die in the middle.

use std::time::Duration;

use futures::future::join_all;
use lotse_proto::common::v1::SlaMetric;
use lotse_proto::journal::v1::alert_changed::Change;
use lotse_testkit::TestDb;
use lotse_timers::{DueRows as _, Entry};

use super::stage::{HOUR, MINUTE, Stage};
use crate::suite::{MONDAY_NINE, migrations};

/// Every alert that waits.
async fn waiting(stage: &Stage) -> Vec<Entry> {
    let later = MONDAY_NINE + 100 * HOUR;
    stage.due().due_before(later, 1_000).await.unwrap()
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn two_replicas_that_come_to_it_at_once_tell_each_level_once(db: TestDb) {
        let Some(mut one) = Stage::new(&db).await else { return };
        let founding = one.founding();
        one.ring_on(SlaMetric::FirstReply, 60, founding).await;
        let ada = one.team.ada.clone();
        for _ in 0..20 {
            one.ticket(&ada).await;
        }
        one.until(MINUTE).await;
        let two = one.another(&db).await;
        // The breach, then both levels: everybody fires everything, several times, side by side.
        one.suite.clock.set(MONDAY_NINE + 2 * MINUTE).unwrap();
        let breaches = one.suite.due();
        let soon = breaches.due_before(MONDAY_NINE + HOUR, 1_000).await.unwrap();
        for entry in soon {
            breaches.fire(entry.lane, std::slice::from_ref(&entry)).await.unwrap();
        }
        for _ in 0..2 {
            let entries = waiting(&one).await;
            assert_eq!(entries.len(), 20);
            let (mine, theirs) = (one.due(), two.due());
            let mut firing = Vec::new();
            for entry in &entries {
                for due in [&mine, &theirs, &mine, &theirs] {
                    firing.push(due.fire(entry.lane, std::slice::from_ref(entry)));
                }
            }
            for fired in join_all(firing).await {
                fired.unwrap();
            }
            let now = one.suite.clock.now();
            one.suite.clock.set(now + 20 * MINUTE).unwrap();
        }
        let told = one.told().await;
        let level = |wanted: u32| told.iter().filter(|told| told.1 == wanted).count();
        assert_eq!((told.len(), level(1), level(2)), (40, 20, 20));
        let opened = one.changes().await;
        let opened = opened.iter().filter(|change| **change == Change::Opened).count();
        assert_eq!(opened, 20);
    }

    async fn a_process_that_dies_between_asking_and_writing_leaves_no_trace(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let founding = stage.founding();
        stage.ring_on(SlaMetric::FirstReply, 60, founding).await;
        let ada = stage.team.ada.clone();
        stage.ticket("").await;
        stage.until(MINUTE).await;
        let breaches = stage.suite.due();
        stage.suite.clock.set(MONDAY_NINE + 2 * MINUTE).unwrap();
        let entry = breaches.due_before(MONDAY_NINE + HOUR, 10).await.unwrap().remove(0);
        breaches.fire(entry.lane, &[entry]).await.unwrap();
        let entries = waiting(&stage).await;
        // The first half of the work, which then ends for ever.
        let alerts = stage.keeper().alerts().clone();
        let now = stage.suite.clock.now();
        let (db, journal) = (&stage.suite.db, &stage.suite.journal);
        let prepared = alerts.prepare(db, journal, &stage.ask(), &entries, now).await.unwrap();
        assert_eq!(prepared.len(), 1);
        assert!(stage.world.lock().asked > 0, "it had got as far as asking");
        drop(prepared);
        assert_eq!(stage.told().await, []);

        stage.until(HOUR).await;
        let told: Vec<_> = stage.told().await.into_iter().map(|told| (told.1, told.3)).collect();
        let bob = stage.team.bob.clone();
        assert_eq!(told, [(1, vec![ada]), (2, vec![bob])]);
    }

    async fn a_call_that_is_late_finds_the_work_done(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let founding = stage.founding();
        stage.ring_on(SlaMetric::FirstReply, 60, founding).await;
        let ada = stage.team.ada.clone();
        stage.ticket(&ada).await;
        stage.until(MINUTE).await;
        let entries = waiting(&stage).await;
        assert_eq!(entries, []);
        stage.until(2 * MINUTE).await;
        let entries = waiting(&stage).await;
        let before = stage.told().await;
        let stale = Entry { generation: entries[0].generation - 1, ..entries[0].clone() };
        let early = entries[0].clone();
        for entry in [stale, early] {
            stage.due().fire(entry.lane, &[entry]).await.unwrap();
        }
        assert_eq!(stage.told().await, before);
    }

    async fn alarms_whose_timers_were_lost_are_told_all_the_same(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let founding = stage.founding();
        stage.ring_on(SlaMetric::FirstReply, 60, founding).await;
        let ada = stage.team.ada.clone();
        stage.ticket(&ada).await;
        stage.until(2 * MINUTE).await;
        stage.suite.timers.clear("sla-alerts").await.unwrap();
        stage.until(HOUR).await;
        let at: Vec<_> = stage.told().await.into_iter().map(|told| told.0).collect();
        let first = Duration::from_millis(60_001);
        assert_eq!(at, [first, first + 15 * MINUTE]);
    }
}
