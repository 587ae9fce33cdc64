//! The timeline of a ticket and the feed for outsiders.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt as _;
use lotse_errors::ErrorReason;
use lotse_proto::common::v1::AuthorKind;
use lotse_proto::intake::v1::*;
use lotse_testkit::TestDb;
use sea_orm::{ConnectionTrait as _, DbErr, Statement};
use tonic::Code;

use crate::support::{Suite, fields, mail, migrations, reason};

/// Everything until the stream ends, and the last token.
async fn drain(suite: &Suite, request: StreamEventsRequest) -> (Vec<(u32, u64)>, String) {
    let request = StreamEventsRequest {
        end_when_caught_up: true,
        ..request
    };
    let mut stream = suite
        .events()
        .stream_events(request)
        .await
        .unwrap()
        .into_inner();
    let (mut seen, mut token) = (Vec::new(), String::new());
    while let Some(item) = stream.next().await {
        let item = item.unwrap();
        seen.extend(item.event.map(|event| (event.bucket, event.position)));
        token = item.resume_token;
    }
    (seen, token)
}

fn resume(resume_token: &str) -> StreamEventsRequest {
    StreamEventsRequest {
        resume_token: resume_token.to_owned(),
        ..StreamEventsRequest::default()
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn the_timeline_tells_all_with_words_in_pages(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(CreateTicketRequest { body: "ü".repeat(3_000), ..mail("A long story") }).await;
        suite.says(&ticket.id, AuthorKind::Human, "Short answer").await;
        suite.does("solve", &ticket.id).await;
        let mut entries = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = GetTimelineRequest { ticket_id: ticket.id.clone(), page_size: 2, page_token };
            let page = suite.tickets().get_timeline(request).await.unwrap().into_inner();
            assert!(page.entries.len() <= 2);
            entries.extend(page.entries);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        // Created, message, message, taken up, solved.
        let words: Vec<Option<String>> =
            entries.into_iter().map(|entry| entry.message.map(|message| message.body)).collect();
        assert_eq!(words.len(), 5);
        let first = words[1].as_ref().unwrap();
        assert!(first.len() < 4_200 && first.ends_with('…'), "cut at a character");
        assert_eq!(words[2].as_deref(), Some("Short answer"));
        assert_eq!(words[4], None);
    }

    async fn a_stream_resumed_anywhere_misses_and_repeats_nothing(db: TestDb) {
        let suite = Suite::new(&db).await;
        for number in 0..40 {
            let ticket = suite.create(mail(&format!("Ticket {number}"))).await;
            suite.does("solve", &ticket.id).await;
        }
        let (all, _) = drain(&suite, StreamEventsRequest::default()).await;
        assert_eq!(all.len(), 80);
        let mut seen = Vec::new();
        let mut token = String::new();
        // Eleven items at a time, from a new stream each; more is written in between.
        for round in 0.. {
            let mut stream = suite.events().stream_events(resume(&token)).await.unwrap().into_inner();
            let mut caught_up = false;
            for _ in 0..11 {
                let item = stream.next().await.unwrap().unwrap();
                seen.extend(item.event.map(|event| (event.bucket, event.position)));
                token = item.resume_token;
                caught_up = item.caught_up;
                if caught_up {
                    break;
                }
            }
            if round < 3 {
                suite.create(mail("More")).await;
            } else if caught_up {
                break;
            }
        }
        assert_eq!(seen.len(), 83);
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 83);
        for bucket in 0..64 {
            let positions: Vec<u64> = seen.iter().filter(|(at, _)| *at == bucket).map(|(_, position)| *position).collect();
            assert!(positions.is_sorted());
        }
    }

    async fn a_stream_goes_on_with_what_happens_next(db: TestDb) {
        let suite = Suite::new(&db).await;
        suite.create(mail("Long ago")).await;
        let request = StreamEventsRequest { from_now: true, ..StreamEventsRequest::default() };
        let mut stream = suite.events().stream_events(request).await.unwrap().into_inner();
        let mark = stream.next().await.unwrap().unwrap();
        assert!(mark.caught_up && mark.event.is_none());
        let ticket = suite.create(mail("Just now")).await;
        let told = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.unwrap();
        assert_eq!(told.unwrap().unwrap().event.unwrap().ticket_id, ticket.id);
    }

    async fn only_what_is_wanted_is_told(db: TestDb) {
        let suite = Suite::new(&db).await;
        let (first, second) = (suite.create(mail("One")).await, suite.create(mail("Two")).await);
        suite.does("solve", &first.id).await;
        suite.does("solve", &second.id).await;
        let count = async |kinds: &[&str], tickets: &[&str]| {
            let request = StreamEventsRequest {
                kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
                ticket_ids: tickets.iter().map(|id| (*id).to_owned()).collect(),
                ..StreamEventsRequest::default()
            };
            drain(&suite, request).await.0.len()
        };
        assert_eq!(count(&["ticket_created"], &[]).await, 2);
        assert_eq!(count(&[], &[&first.id]).await, 2);
        assert_eq!(count(&["ticket_status_changed"], &[&first.id]).await, 1);
        assert_eq!(count(&["clock_changed"], &[]).await, 0);
        let (_, token) = drain(&suite, StreamEventsRequest { kinds: vec!["clock_changed".to_owned()], ..resume("") }).await;
        assert!(drain(&suite, resume(&token)).await.0.is_empty(), "passing over counts as read");
    }

    async fn bad_requests_for_a_stream_are_refused_by_field(db: TestDb) {
        let suite = Suite::new(&db).await;
        let request = StreamEventsRequest {
            resume_token: "nonsense".to_owned(),
            kinds: vec!["ticket_vanished".to_owned()],
            ticket_ids: vec!["agt_1".to_owned()],
            from_now: true,
            ..StreamEventsRequest::default()
        };
        let refused = suite.events().stream_events(request).await.unwrap_err();
        let named: Vec<String> = fields(&refused).into_iter().map(|(field, _)| field).collect();
        assert_eq!(named, ["resume_token", "from_now", "kinds[0]", "ticket_ids[0]"]);
    }

    async fn a_token_of_another_incarnation_is_stale(db: TestDb) {
        let suite = Suite::new(&db).await;
        suite.create(mail("Before the restore")).await;
        let (_, token) = drain(&suite, StreamEventsRequest::default()).await;
        // A restored dump lacks what came after it: here, everything.
        db.in_tx(|tx| async move {
            let sql = Statement::from_string(tx.get_database_backend(), "DELETE FROM journal");
            tx.execute_raw(sql).await?;
            Ok::<_, DbErr>(())
        })
        .await
        .unwrap();
        let refused = suite.events().stream_events(resume(&token)).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, ErrorReason::StaleResumeToken));
    }
}
