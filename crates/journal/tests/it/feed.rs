//! The feed for outsiders.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use lotse_clock::SystemClock;
use lotse_journal::{Course, FeedError, Positions};
use lotse_testkit::{TestDb, on_both_databases};

use crate::support::{append, event, key_in, migrations, open, quick, sql, word};

on_both_databases! {
    migrations = migrations;

    async fn pages_give_everything_once_and_in_order(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        for round in 0..5 {
            let word = round.to_string();
            let drafts: Vec<_> = (0..100).map(|n| event(&format!("tkt_{n}"), &word)).collect();
            append(&journal, &drafts).await;
        }
        let mut at = journal.start().await.unwrap();
        let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
        loop {
            let page = journal.read_feed(&at, 64).await.unwrap();
            if page.events.is_empty() {
                break;
            }
            for event in &page.events {
                seen.entry(event.key.clone()).or_default().push(word(event).to_owned());
                at.advance(event);
            }
            assert_eq!(at, page.next);
            // As a client does that comes back with its token.
            at = Positions::from_token(&at.to_token()).unwrap();
        }
        assert_eq!(seen.len(), 100);
        assert!(seen.values().all(|words| words.join("") == "01234"));
        assert_eq!(at, journal.end().await.unwrap());
    }

    async fn a_busy_bucket_does_not_starve_a_quiet_one(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        let (busy, quiet) = (key_in(0, 0), key_in(60, 0));
        let many: Vec<_> = (0..500).map(|_| event(&busy, "busy")).collect();
        append(&journal, &many).await;
        append(&journal, &[event(&quiet, "quiet")]).await;
        let page = journal.read_feed(&journal.start().await.unwrap(), 64).await.unwrap();
        assert!(page.events.iter().any(|event| word(event) == "quiet"));
        assert!(page.events.len() <= 64);
    }

    async fn tokens_of_another_life_are_refused(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        append(&journal, &[event("tkt_1", "x")]).await;
        let before = journal.end().await.unwrap();
        let life = journal.new_incarnation().await.unwrap();
        assert_ne!(life, before.incarnation());
        let refused = journal.read_feed(&before, 64).await;
        assert!(matches!(refused, Err(FeedError::OtherIncarnation)));
        // Another process sees it, too, without a restart.
        let other = open(db.connect_again().await, quick("b")).await;
        assert_eq!(other.incarnation().await, Ok(life));
        assert_eq!(journal.read_feed(&journal.start().await.unwrap(), 64).await.unwrap().events.len(), 1);
    }

    async fn a_token_ahead_of_the_journal_is_refused(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        append(&journal, &[event("tkt_1", "x"), event("tkt_1", "y")]).await;
        let end = journal.end().await.unwrap();
        assert!(journal.read_feed(&end, 64).await.unwrap().events.is_empty());
        // What a restore in place takes back.
        sql(&db, "DELETE FROM journal WHERE position = 2").await;
        let refused = journal.read_feed(&end, 64).await;
        assert!(matches!(refused, Err(FeedError::OtherIncarnation)));
    }

    async fn the_history_of_a_key_is_read_in_pages(db: TestDb) {
        let journal = open(db.db(), quick("a")).await;
        // A second key of the same bucket between them.
        let (key, other) = (key_in(3, 0), key_in(3, 1));
        for word in ["1", "2", "3", "4", "5"] {
            append(&journal, &[event(&key, word), event(&other, word)]).await;
        }
        let mut words = Vec::new();
        let mut after = Some(0);
        while let Some(from) = after {
            let (events, next) = journal.read_key(&key, from, 2).await.unwrap();
            assert!(events.iter().all(|event| event.key == key));
            words.extend(events.iter().map(|event| word(event).to_owned()));
            after = next;
        }
        assert_eq!(words, ["1", "2", "3", "4", "5"]);
    }

    async fn a_reader_at_the_end_is_woken(db: TestDb) {
        let config = lotse_journal::JournalConfig {
            poll: Duration::from_secs(3600),
            ..quick("a")
        };
        let journal = open(db.db(), config).await;
        let end = journal.end().await.unwrap();
        let page = journal.read_feed(&end, 64).await.unwrap();
        assert!(page.events.is_empty());
        // Appended between the look and the wait: that must not be missed either.
        append(&journal, &[event("tkt_1", "x")]).await;
        journal.appended_since(&page).await;
        let page = journal.read_feed(&end, 64).await.unwrap();
        assert_eq!(page.events.len(), 1);
        let began = SystemClock.monotonic();
        let append = async { append(&journal, &[event("tkt_1", "y")]).await };
        tokio::join!(journal.appended_since(&page), append);
        assert!(began.elapsed() < Duration::from_secs(60));
    }

    async fn a_stream_left_in_the_middle_of_a_read_holds_no_connection(db: TestDb) {
        let opened = db.connect_again().await;
        let journal = open(opened.clone(), quick("a")).await;
        let many: Vec<_> = (0..500).map(|n| event(&format!("tkt_{n}"), "x")).collect();
        append(&journal, &many).await;
        let stream = journal.stream(Course::default(), Some).await.unwrap();
        tokio::pin!(stream);
        // One look, as somebody who is busy with other things: a read has begun, no more.
        assert!(stream.next().await.unwrap().unwrap().event.is_some());
        let looked = async { while stream.next().now_or_never().is_some() {} };
        looked.await;
        // Closing waits for every connection to come back.
        let closed = tokio::time::timeout(Duration::from_secs(20), opened.close()).await;
        assert!(closed.is_ok(), "the half-done read keeps its connection");
    }
}
