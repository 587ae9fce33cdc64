//! Following a consumer, and sharing work beside it.

use std::collections::BTreeSet;

use lotse_journal::{BUCKETS, FeedError, Journal, JournalConfig, Recorded, Tenure};
use lotse_testkit::{Backend, TestDb};

use crate::support::{Recorder, append, event, migrations, open, quick, settle, sql, word};

/// A replica among others.
async fn replica(db: &TestDb, name: &str) -> Journal {
    let config = JournalConfig {
        exclusive: Some(false),
        ..quick(name)
    };
    open(db.connect_again().await, config).await
}

fn words(events: &[Recorded]) -> Vec<&str> {
    events.iter().map(word).collect()
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_follower_is_told_what_its_consumer_has_read_since(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let recorder = Recorder::on("a");
        let job = journal.consumer_job(recorder.clone());
        append(&journal, &[event("tkt_1", "before")]).await;
        settle(&[&job]).await;
        let mut follower = journal.follow(lotse_journal::Consumer::name(&*recorder)).await.unwrap();
        append(&journal, &[event("tkt_1", "one"), event("tkt_1", "two")]).await;
        assert_eq!(words(&follower.read(&journal, 10).await.unwrap()), [""; 0], "not read yet");
        assert!(follower.is_behind());
        settle(&[&job]).await;
        assert_eq!(words(&follower.read(&journal, 1).await.unwrap()), ["one"]);
        assert_eq!(words(&follower.read(&journal, 10).await.unwrap()), ["two"]);
        assert_eq!(follower.read(&journal, 10).await.unwrap().len(), 0);
    }

    async fn a_follower_of_a_consumer_that_was_set_back_has_to_begin_anew(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let recorder = Recorder::on("a");
        let job = journal.consumer_job(recorder.clone());
        append(&journal, &[event("tkt_1", "one")]).await;
        settle(&[&job]).await;
        let mut follower = journal.follow(lotse_journal::Consumer::name(&*recorder)).await.unwrap();
        sql(&db, "UPDATE journal_cursors SET position = 0").await;
        let refused = follower.read(&journal, 10).await.unwrap_err();
        assert!(matches!(refused, FeedError::OtherIncarnation));
    }

    async fn one_process_alone_does_everything(db: TestDb) {
        let config = JournalConfig { exclusive: Some(true), ..quick("a") };
        let journal = open(db.db(), config).await;
        let slots = Tenure::new("work").slots(&journal).await.unwrap().len();
        assert_eq!(slots, usize::from(BUCKETS));
    }

    async fn replicas_share_work_and_who_retires_leaves_it_to_the_others(db: TestDb) {
        if db.kind() == Backend::Sqlite {
            return;
        }
        let (a, b) = (replica(&db, "a").await, replica(&db, "b").await);
        let (mut of_a, mut of_b) = (Tenure::new("work"), Tenure::new("work"));
        assert_eq!(of_a.slots(&a).await.unwrap().len(), usize::from(BUCKETS));
        let theirs = of_b.slots(&b).await.unwrap().clone();
        // The newcomer has told, as it would over Redis.
        let heard = a.pulse();
        Tenure::new("other").slots(&a).await.unwrap();
        assert_ne!(a.pulse(), heard);
        let ours = of_a.slots(&a).await.unwrap().clone();
        assert!(!ours.is_empty() && !theirs.is_empty());
        assert_eq!(ours.intersection(&theirs).count(), 0);
        let all: BTreeSet<u8> = (0..BUCKETS).collect();
        assert_eq!(ours.union(&theirs).copied().collect::<BTreeSet<_>>(), all);
        of_a.retire(&a).await.unwrap();
        let mut again = Tenure::new("work");
        assert_eq!(again.slots(&b).await.unwrap(), &all);
    }
}
