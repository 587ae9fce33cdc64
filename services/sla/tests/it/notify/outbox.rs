//! The rows of the outbox.

use std::collections::BTreeMap;
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_ids::NotificationTargetId;
use lotse_notify::Failure;
use lotse_sla::notification::State;
use lotse_sla::store::dead_letters::{self, Which};
use lotse_sla::store::deliveries::{self, Claimed, Delivery};
use lotse_testkit::TestDb;
use sea_orm::DbErr;

use super::delivery;
use crate::suite::{MONDAY_NINE, migrations};

const MINUTE: Duration = Duration::from_secs(60);

fn target(number: i64) -> String {
    NotificationTargetId::generate(Timestamp::from_millis(number)).into()
}

/// Puts `delivery` in and gives its id.
async fn enqueue(db: &TestDb, delivery: &Delivery) -> String {
    db.in_tx(|tx| async move { deliveries::enqueue(&tx, delivery).await })
        .await
        .unwrap();
    delivery.notice.id.clone()
}

async fn due(db: &TestDb, now: Timestamp, busy: &BTreeMap<String, usize>) -> Vec<String> {
    deliveries::due(db.reader(), now, busy, &[], 2, 10)
        .await
        .unwrap()
}

/// Claims all that is due for a minute.
async fn claim(db: &TestDb, now: Timestamp) -> Vec<Claimed> {
    let ids = due(db, now, &BTreeMap::new()).await;
    let ids = &ids;
    db.in_tx(|tx| async move { deliveries::claim(&tx, ids, now, now + MINUTE).await })
        .await
        .unwrap()
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_claim_is_had_by_one_until_it_runs_out(db: TestDb) {
        let id = enqueue(&db, &delivery(&target(1), "alr_1", MONDAY_NINE)).await;
        let first = claim(&db, MONDAY_NINE).await;
        assert_eq!(first.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), [&id]);
        assert_eq!(first[0].notice.id, id, "the receiver knows it by the delivery's id");
        // A second replica that saw it due just the same gets nothing.
        let ids = std::slice::from_ref(&id);
        let late: Vec<Claimed> = db
            .in_tx(|tx| async move {
                deliveries::claim(&tx, ids, MONDAY_NINE, MONDAY_NINE + MINUTE).await
            })
            .await
            .unwrap();
        assert_eq!(late, []);
        assert!(due(&db, MONDAY_NINE, &BTreeMap::new()).await.is_empty());
        // The first one died: after its lease another has it, and it can settle nothing any more.
        let later = MONDAY_NINE + MINUTE;
        let second = claim(&db, later).await;
        assert_eq!((second[0].id.as_str(), second[0].attempts), (id.as_str(), 2));
        let (stale, fresh) = (&first[0], &second[0]);
        let settled: (bool, bool, bool) = db
            .in_tx(|tx| async move {
                let stale = deliveries::delivered(&tx, stale, later).await?;
                let fresh_first = deliveries::delivered(&tx, fresh, later).await?;
                let again = deliveries::delivered(&tx, fresh, later).await?;
                Ok::<_, DbErr>((stale, fresh_first, again))
            })
            .await
            .unwrap();
        assert_eq!(settled, (false, true, false));
        assert!(claim(&db, later + MINUTE * 10).await.is_empty());
    }

    async fn a_target_with_many_due_does_not_hide_another(db: TestDb) {
        let (crowded, other) = (target(1), target(2));
        for minute in 0..5_u32 {
            let at = MONDAY_NINE + MINUTE * minute;
            enqueue(&db, &delivery(&crowded, &format!("alr_{minute}"), at)).await;
        }
        let last = enqueue(&db, &delivery(&other, "alr_9", MONDAY_NINE + MINUTE * 9)).await;
        let now = MONDAY_NINE + MINUTE * 10;
        let found = due(&db, now, &BTreeMap::new()).await;
        assert_eq!(found.len(), 3, "two of the first, one of the other");
        assert!(found.contains(&last));
        let busy = BTreeMap::from([(crowded.clone(), 2)]);
        assert_eq!(due(&db, now, &busy).await, std::slice::from_ref(&last));
        let held = deliveries::due(db.reader(), now, &BTreeMap::new(), &[crowded], 2, 10).await;
        assert_eq!(held.unwrap(), [last]);
    }

    async fn of_one_subject_the_first_goes_first_and_what_follows_hurries_it(db: TestDb) {
        let target = target(1);
        let first = enqueue(&db, &delivery(&target, "alr_1", MONDAY_NINE)).await;
        let claimed = claim(&db, MONDAY_NINE).await;
        let failure = &Failure::passing("status_500", "the receiver answered 500");
        let claimed = &claimed[0];
        db.in_tx(|tx| async move {
            let due = MONDAY_NINE + MINUTE * 60;
            deliveries::put_off(&tx, claimed, failure, due).await
        })
        .await
        .unwrap();
        let at = MONDAY_NINE + MINUTE;
        assert!(due(&db, at, &BTreeMap::new()).await.is_empty());
        let second = enqueue(&db, &delivery(&target, "alr_1", at)).await;
        assert_eq!(due(&db, at, &BTreeMap::new()).await, [first]);
        let claimed = claim(&db, at).await;
        assert!(due(&db, at, &BTreeMap::new()).await.is_empty(), "the first is under way");
        let claimed = &claimed[0];
        db.in_tx(|tx| async move { deliveries::delivered(&tx, claimed, at).await })
            .await
            .unwrap();
        assert_eq!(due(&db, at, &BTreeMap::new()).await, [second]);
    }

    async fn the_dead_are_listed_redriven_and_pruned(db: TestDb) {
        let (one, two) = (target(1), target(2));
        let first = enqueue(&db, &delivery(&one, "alr_1", MONDAY_NINE)).await;
        let second = enqueue(&db, &delivery(&two, "alr_2", MONDAY_NINE + MINUTE)).await;
        let now = MONDAY_NINE + MINUTE * 2;
        let failure = &Failure::permanent("status_410", "the receiver answered 410");
        let claimed = &claim(&db, now).await;
        db.in_tx(|tx| async move {
            for row in claimed {
                assert!(deliveries::died(&tx, row, failure, now).await?);
            }
            Ok::<_, DbErr>(())
        })
        .await
        .unwrap();
        let listed = dead_letters::list(db.reader(), None, None, 10).await.unwrap();
        let ids: Vec<_> = listed.iter().map(|letter| letter.id.clone()).collect();
        assert_eq!(ids, [first.clone(), second.clone()]);
        assert_eq!((&listed[0].failure, listed[0].attempts), (failure, 1));
        let of_two = dead_letters::list(db.reader(), Some(&two), None, 10).await.unwrap();
        assert_eq!(of_two.len(), 1);
        let depth = deliveries::depth(db.reader()).await.unwrap();
        assert_eq!((depth.waiting, depth.oldest, depth.dead), (0, None, 2));

        let later = now + MINUTE;
        let (ids, one) = (&[second, "dlv_nobody".to_owned()], &one);
        let redriven: (u64, u64, u64) = db
            .in_tx(|tx| async move {
                let by_id = dead_letters::redrive(&tx, Which::Ids(ids), later).await?;
                let by_target = dead_letters::redrive(&tx, Which::Target(one), later).await?;
                let again = dead_letters::redrive(&tx, Which::Target(one), later).await?;
                Ok::<_, DbErr>((by_id, by_target, again))
            })
            .await
            .unwrap();
        assert_eq!(redriven, (1, 1, 0));
        let depth = deliveries::depth(db.reader()).await.unwrap();
        assert_eq!((depth.waiting, depth.oldest, depth.dead), (2, Some(later), 0));
        let claimed = &claim(&db, later).await;
        assert_eq!(claimed[0].id, first, "the same id");
        assert_eq!((claimed[0].attempts, claimed[0].tried_since), (1, later));
        let next = deliveries::next_due(db.reader(), later).await.unwrap();
        assert_eq!(next, Some(later + MINUTE), "when the claims run out");

        let (pruned, kept): (u64, u64) = db
            .in_tx(|tx| async move {
                assert!(deliveries::delivered(&tx, &claimed[0], later).await?);
                let early = deliveries::prune(&tx, State::Delivered, later, 10).await?;
                let due = later + MINUTE;
                Ok::<_, DbErr>((deliveries::prune(&tx, State::Delivered, due, 10).await?, early))
            })
            .await
            .unwrap();
        assert_eq!((pruned, kept), (1, 0));
        let never = db.in_tx(|tx| async move {
            deliveries::prune(&tx, State::Waiting, Timestamp::MAX, 10).await
        });
        assert_eq!(never.await.unwrap(), 0, "what waits is never pruned");
    }
}
