//! Where the journal was at an instant.

use std::time::Duration;

use lotse_clock::{BusinessClock, Timestamp};
use lotse_journal::{BUCKETS, Journal, Positions, Recorded, Wakeups};
use lotse_testkit::TestDb;

use crate::support::{append, event, key_in, migrations, quick, sql, word};

const START: Timestamp = Timestamp::from_millis(1_000_000);
const SECOND: Duration = Duration::from_secs(1);

async fn journal_at(db: &TestDb, clock: &BusinessClock) -> Journal {
    Journal::open(db.db(), clock.clone(), Wakeups::local(), quick("a"))
        .await
        .unwrap()
}

/// Uneven lengths: some buckets are empty, one is much longer than the others. Every event has an
/// instant of its own or shares it with its neighbours.
async fn some_minutes(db: &TestDb) -> Journal {
    let clock = BusinessClock::manual(START);
    let journal = journal_at(db, &clock).await;
    for round in 0..60_u64 {
        let mut drafts = vec![event(&key_in(7, 0), "busy")];
        if round % 3 == 0 {
            drafts.push(event(&key_in(7, 1), "busy too"));
        }
        if round % 7 == 1 {
            drafts.push(event(&key_in(u8::try_from(round % 5).unwrap(), 0), "quiet"));
        }
        append(&journal, &drafts).await;
        // Two rounds an instant.
        clock
            .set(START + SECOND * u32::try_from(round / 2).unwrap())
            .unwrap();
    }
    journal
}

async fn read_on(journal: &Journal, mut at: Positions) -> Vec<Recorded> {
    let mut all = Vec::new();
    loop {
        let page = journal.read_feed(&at, 100).await.unwrap();
        if page.events.is_empty() {
            return all;
        }
        all.extend(page.events);
        at = page.next;
    }
}

fn differ(ours: &Positions, theirs: &Positions) -> Vec<u8> {
    (0..BUCKETS)
        .filter(|bucket| ours.at(*bucket) != theirs.at(*bucket))
        .collect()
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn positions_at_an_instant_are_behind_all_that_was_recorded_before_it(db: TestDb) {
        let journal = some_minutes(&db).await;
        let all = read_on(&journal, journal.start().await.unwrap()).await;
        for second in 0..32 {
            for millis in [0, 1] {
                let at = Timestamp::from_millis(START.as_millis() + second * 1_000 + millis);
                // One by one, what the search must find.
                let mut expected = journal.start().await.unwrap();
                for event in all.iter().filter(|event| event.recorded_at < at) {
                    expected.advance(event);
                }
                let found = journal.positions_at(at).await.unwrap();
                assert_eq!(differ(&found, &expected), [0_u8; 0], "at {second} s and {millis} ms");
            }
        }
        let long_ago = journal.positions_at(Timestamp::EPOCH).await.unwrap();
        assert_eq!(long_ago, journal.start().await.unwrap());
        assert_eq!(journal.positions_at(Timestamp::MAX).await.unwrap(), journal.end().await.unwrap());
    }

    async fn an_empty_journal_is_at_its_start_at_any_instant(db: TestDb) {
        let journal = journal_at(&db, &BusinessClock::manual(START)).await;
        assert_eq!(journal.positions_at(START).await.unwrap(), journal.start().await.unwrap());
    }

    async fn what_was_purged_counts_as_recorded_before(db: TestDb) {
        let journal = some_minutes(&db).await;
        let all = read_on(&journal, journal.start().await.unwrap()).await;
        let cut = START + SECOND * 10;
        let kept: Vec<_> = all.into_iter().filter(|event| event.recorded_at >= cut).collect();
        assert!(!kept.is_empty());
        sql(&db, &format!("DELETE FROM journal WHERE recorded_at < {}", cut.as_millis())).await;
        for at in [START, cut] {
            let found = journal.positions_at(at).await.unwrap();
            assert_eq!(read_on(&journal, found).await.len(), kept.len());
        }
    }

    async fn the_last_event_of_a_key_before_an_instant_is_found(db: TestDb) {
        let clock = BusinessClock::manual(START);
        let journal = journal_at(&db, &clock).await;
        append(&journal, &[event("tkt_1", "first"), event("tkt_2", "other")]).await;
        clock.set(START + SECOND).unwrap();
        append(&journal, &[event("tkt_1", "second")]).await;
        let told = async |at: Timestamp| {
            let last = journal.last_before("tkt_1", at).await.unwrap();
            last.map(|event| word(&event).to_owned())
        };
        assert_eq!(told(START).await, None);
        assert_eq!(told(START + SECOND).await.as_deref(), Some("first"));
        assert_eq!(told(START + SECOND * 2).await.as_deref(), Some("second"));
    }
}
