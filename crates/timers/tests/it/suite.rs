//! What every timer store keeps.

use std::collections::HashSet;
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_timers::{Claim, Entry, LANES, StoreError, TimerStore};

use crate::Place;

pub(crate) const QUEUE: &str = "test";
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// A plain instant of 2024, `millis` later: of the size that scores have in earnest.
pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_732_221_000_000 + millis)
}

pub(crate) fn entry(row: &str, generation: i64, due: Timestamp, lane: u8) -> Entry {
    Entry {
        row: row.to_owned(),
        generation,
        due,
        lane,
    }
}

async fn claim(store: &dyn TimerStore, now: Timestamp) -> Vec<Entry> {
    claim_all(store, now).await.entries
}

async fn claim_all(store: &dyn TimerStore, now: Timestamp) -> Claim {
    store.claim(QUEUE, now, 100, LEASE).await.unwrap()
}

pub(crate) async fn an_entry_is_claimed_when_it_is_due_and_not_before(place: Place) {
    let entry = entry("a", 1, at(1000), 3);
    place
        .store
        .arm(QUEUE, std::slice::from_ref(&entry))
        .await
        .unwrap();
    assert_eq!(claim(&*place.store, at(999)).await, []);
    assert_eq!(claim(&*place.store, at(1000)).await, [entry]);
}

pub(crate) async fn arming_a_later_generation_earlier_or_later_replaces_the_one_before(
    place: Place,
) {
    let store = &*place.store;
    store
        .arm(
            QUEUE,
            &[entry("a", 1, at(1000), 0), entry("b", 1, at(1000), 0)],
        )
        .await
        .unwrap();
    let (earlier, later) = (entry("a", 2, at(500), 0), entry("b", 2, at(2000), 0));
    store
        .arm(QUEUE, &[earlier.clone(), later.clone()])
        .await
        .unwrap();
    assert_eq!(store.count(QUEUE).await.unwrap(), 2, "one entry a row");
    assert_eq!(claim(store, at(500)).await, std::slice::from_ref(&earlier));
    store.ack(QUEUE, &[earlier]).await.unwrap();
    assert_eq!(claim(store, at(1999)).await, []);
    assert_eq!(claim(store, at(2000)).await, [later]);
}

pub(crate) async fn a_cancelled_entry_is_never_claimed(place: Place) {
    let store = &*place.store;
    let (a, b) = (entry("a", 4, at(0), 0), entry("b", 4, at(0), 0));
    store
        .arm(QUEUE, &[a.clone(), b, entry("c", 4, at(0), 0)])
        .await
        .unwrap();
    // A pause may name the row before its generation was raised, or after, or one unknown.
    store
        .cancel(
            QUEUE,
            &[a, entry("b", 5, at(0), 0), entry("unknown", 1, at(0), 0)],
        )
        .await
        .unwrap();
    let left = claim(store, at(1000)).await;
    assert_eq!(left, [entry("c", 4, at(0), 0)]);
}

pub(crate) async fn a_claim_hides_the_entry_until_its_lease_ends(place: Place) {
    let store = &*place.store;
    store.arm(QUEUE, &[entry("a", 1, at(0), 0)]).await.unwrap();
    assert_eq!(claim(store, at(0)).await.len(), 1);
    assert_eq!(claim(store, at(9_999)).await, []);
    let again = claim(store, at(10_000)).await;
    assert_eq!(
        again,
        [entry("a", 1, at(10_000), 0)],
        "due when the claim ran out"
    );
}

pub(crate) async fn an_acknowledged_entry_never_comes_back(place: Place) {
    let store = &*place.store;
    store.arm(QUEUE, &[entry("a", 1, at(0), 0)]).await.unwrap();
    let claimed = claim(store, at(0)).await;
    store.ack(QUEUE, &claimed).await.unwrap();
    assert_eq!(claim(store, at(1_000_000)).await, []);
    assert_eq!(store.count(QUEUE).await.unwrap(), 0);
}

pub(crate) async fn acknowledging_a_generation_leaves_the_next(place: Place) {
    let store = &*place.store;
    store.arm(QUEUE, &[entry("a", 1, at(0), 0)]).await.unwrap();
    let claimed = claim(store, at(0)).await;
    let next = entry("a", 2, at(5_000), 0);
    store.arm(QUEUE, std::slice::from_ref(&next)).await.unwrap();
    store.ack(QUEUE, &claimed).await.unwrap();
    assert_eq!(claim(store, at(5_000)).await, [next]);
}

pub(crate) async fn arming_what_is_missing_neither_moves_nor_frees_what_is_there(place: Place) {
    let store = &*place.store;
    let (claimed, new) = (entry("a", 1, at(0), 0), entry("b", 1, at(100), 0));
    store
        .arm(QUEUE, std::slice::from_ref(&claimed))
        .await
        .unwrap();
    assert_eq!(claim(store, at(0)).await.len(), 1);
    store
        .arm_missing(QUEUE, &[claimed, new.clone()])
        .await
        .unwrap();
    assert_eq!(
        claim(store, at(100)).await,
        [new],
        "the claim of a still holds"
    );
}

pub(crate) async fn each_lane_hands_out_its_earliest_first_up_to_the_limit(place: Place) {
    let store = &*place.store;
    let mut entries: Vec<Entry> = (0..5)
        .map(|n| entry(&format!("five{n}"), 1, at(50 - n), 2))
        .collect();
    entries.push(entry("other", 1, at(7), 9));
    store.arm(QUEUE, &entries).await.unwrap();
    let first = store.claim(QUEUE, at(100), 2, LEASE).await.unwrap();
    let rows: Vec<&str> = first
        .entries
        .iter()
        .map(|entry| entry.row.as_str())
        .collect();
    assert_eq!(rows, ["five4", "five3", "other"]);
    assert_eq!(first.next_due, Some(at(48)));
    let second = store.claim(QUEUE, at(100), 100, LEASE).await.unwrap();
    assert_eq!(second.entries.len(), 3);
    assert_eq!(second.next_due, Some(at(10_100)), "only claims are left");
}

pub(crate) async fn two_replicas_never_hold_one_claim(place: Place) {
    let (one, two) = (place.store.clone(), place.replica());
    let entries: Vec<Entry> = (0..1600)
        .map(|n| entry(&format!("r{n}"), 1, at(n), (n % 16) as u8))
        .collect();
    one.arm(QUEUE, &entries).await.unwrap();
    let take = async |store: &dyn TimerStore| {
        let mut mine = Vec::new();
        loop {
            let claim = store.claim(QUEUE, at(2_000), 7, LEASE).await.unwrap();
            if claim.entries.is_empty() {
                return mine;
            }
            mine.extend(claim.entries.into_iter().map(|entry| entry.row));
        }
    };
    let (first, second) = tokio::join!(take(&*one), take(&*two));
    let distinct: HashSet<&String> = first.iter().chain(&second).collect();
    assert_eq!((distinct.len(), first.len() + second.len()), (1600, 1600));
}

pub(crate) async fn the_next_due_time_counts_claims_until_acknowledged(place: Place) {
    let store = &*place.store;
    assert_eq!(store.next_due(QUEUE).await.unwrap(), None);
    store
        .arm(
            QUEUE,
            &[entry("a", 1, at(5), 4), entry("b", 1, at(70_000), 8)],
        )
        .await
        .unwrap();
    assert_eq!(store.next_due(QUEUE).await.unwrap(), Some(at(5)));
    let claim = claim_all(store, at(5)).await;
    assert_eq!(store.next_due(QUEUE).await.unwrap(), Some(at(10_005)));
    assert_eq!(claim.next_due, Some(at(10_005)), "the claim says the same");
    store.ack(QUEUE, &claim.entries).await.unwrap();
    assert_eq!(store.next_due(QUEUE).await.unwrap(), Some(at(70_000)));
}

pub(crate) async fn queues_do_not_see_each_other(place: Place) {
    let store = &*place.store;
    store
        .arm("other", &[entry("a", 1, at(0), 0)])
        .await
        .unwrap();
    assert_eq!(claim(store, at(1000)).await, []);
    store.clear(QUEUE).await.unwrap();
    assert_eq!(store.count("other").await.unwrap(), 1);
}

async fn rearm(store: &dyn TimerStore, lane: u8, entries: &[Entry]) -> bool {
    let rearm = store.begin_rearm(QUEUE, lane).await.unwrap();
    store.arm_missing(QUEUE, entries).await.unwrap();
    store.finish_rearm(QUEUE, rearm).await.unwrap()
}

pub(crate) async fn a_lane_is_lost_until_it_was_armed_again_as_a_whole(place: Place) {
    let store = &*place.store;
    // Arming single rows does not make a lane whole.
    store.arm(QUEUE, &[entry("a", 1, at(0), 0)]).await.unwrap();
    assert_eq!(
        claim_all(store, at(0)).await.lost,
        (0..LANES).collect::<Vec<u8>>()
    );
    for lane in 0..LANES {
        assert!(rearm(store, lane, &[]).await);
    }
    assert!(claim_all(store, at(0)).await.lost.is_empty());
    assert_eq!(
        store.count(QUEUE).await.unwrap(),
        1,
        "the marks are not counted"
    );
    place.lose_everything().await;
    store.arm(QUEUE, &[entry("b", 1, at(0), 1)]).await.unwrap();
    assert_eq!(
        claim_all(store, at(0)).await.lost,
        (0..LANES).collect::<Vec<u8>>()
    );
}

pub(crate) async fn what_is_lost_while_arming_again_is_noticed(place: Place) {
    let store = &*place.store;
    let interrupted = store.begin_rearm(QUEUE, 5).await.unwrap();
    store
        .arm_missing(QUEUE, &[entry("first page", 1, at(0), 5)])
        .await
        .unwrap();
    place.lose_everything().await;
    store
        .arm_missing(QUEUE, &[entry("second page", 1, at(0), 5)])
        .await
        .unwrap();
    assert!(!store.finish_rearm(QUEUE, interrupted).await.unwrap());
    assert!(claim_all(store, at(0)).await.lost.contains(&5));
    assert!(rearm(store, 5, &[]).await);
    assert!(!claim_all(store, at(0)).await.lost.contains(&5));
}

pub(crate) async fn an_earlier_head_wakes_who_waits_also_in_another_replica(place: Place) {
    let (here, there) = (place.store.clone(), place.replica());
    let within = Duration::from_secs(10);
    here.arm(QUEUE, &[entry("a", 1, at(10_000), 0)])
        .await
        .unwrap();
    // The first wait may return at once, for what came before anybody listened.
    tokio::time::timeout(within, there.moved(QUEUE))
        .await
        .unwrap();
    let arm = async {
        here.arm(QUEUE, &[entry("b", 1, at(5_000), 1)])
            .await
            .unwrap();
        here.arm(QUEUE, &[entry("c", 1, at(4_000), 0)])
            .await
            .unwrap();
    };
    let ((), woken) = tokio::join!(arm, tokio::time::timeout(within, there.moved(QUEUE)));
    woken.unwrap();
    assert_eq!(there.next_due(QUEUE).await.unwrap(), Some(at(4_000)));
}

pub(crate) async fn an_entry_of_no_lane_is_refused(place: Place) {
    let refused = place
        .store
        .arm(QUEUE, &[entry("a", 1, at(0), 16)])
        .await
        .unwrap_err();
    assert!(
        matches!(refused, StoreError::NoSuchLane { lane: 16, .. }),
        "{refused}"
    );
    assert_eq!(refused.to_string(), "row a has lane 16, there are only 16");
}

pub(crate) async fn a_hundred_thousand_are_armed_and_each_is_claimed_once(place: Place) {
    let store = &*place.store;
    let entries: Vec<Entry> = (0..100_000)
        .map(|n| entry(&format!("clk_{n:08}"), 1, at(n % 60_000), (n % 16) as u8))
        .collect();
    store.arm(QUEUE, &entries).await.unwrap();
    assert_eq!(store.count(QUEUE).await.unwrap(), 100_000);
    let mut seen = HashSet::new();
    loop {
        let claimed = store
            .claim(QUEUE, at(60_000), 1000, LEASE)
            .await
            .unwrap()
            .entries;
        if claimed.is_empty() {
            break;
        }
        store.ack(QUEUE, &claimed).await.unwrap();
        for entry in claimed {
            assert!(seen.insert(entry.row), "claimed twice");
        }
    }
    assert_eq!(seen.len(), 100_000);
    assert_eq!(store.count(QUEUE).await.unwrap(), 0);
}
