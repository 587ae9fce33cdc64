//! A trace goes through the journal into whoever answers.

use std::sync::Arc;

use ::tracing::Instrument as _;
use lotse_journal::Recorded;
use lotse_testkit::{TestDb, databases};

use crate::support::{Recorder, append, event, migrations, open, quick, settle, word};

/// Trace id of a `traceparent`: version, trace, span, flags.
fn trace(event: &Recorded) -> &str {
    let trace = event.traceparent.split('-').nth(1);
    trace.unwrap_or_else(|| panic!("not traced: {event:?}"))
}

async fn journaled(db: &TestDb, together: bool) -> Vec<Recorded> {
    let journal = open(db.db(), quick("a")).await;
    let recorder = Recorder {
        answered: Some(("ask", "answer")),
        ..Recorder::default()
    };
    let job = journal.consumer_job(Arc::new(recorder));
    for key in ["tkt_1", "tkt_2"] {
        let ask = [event(key, "ask")];
        append(&journal, &ask)
            .instrument(::tracing::info_span!("request"))
            .await;
        if !together {
            settle(&[&job]).await;
        }
    }
    settle(&[&job]).await;
    let start = journal.start().await.unwrap();
    journal.read_feed(&start, 640).await.unwrap().events
}

// On one thread, because the subscriber is that of the thread.
#[tokio::test]
async fn answers_carry_on_the_trace_of_what_they_answer() {
    let config = lotse_telemetry::Config::default();
    let (subscriber, _tracer) = lotse_telemetry::subscriber(&config, std::io::sink).unwrap();
    let _guard = ::tracing::subscriber::set_default(subscriber);
    // Alone in their batch, and two traces in one.
    for together in [false, true] {
        for db in databases(migrations).await {
            let events = journaled(&db, together).await;
            assert_eq!(events.len(), 4);
            let find = |key: &str, of: &str| {
                let found = events
                    .iter()
                    .find(|event| event.key == key && word(event) == of);
                found.unwrap()
            };
            for key in ["tkt_1", "tkt_2"] {
                let (ask, answer) = (find(key, "ask"), find(key, "answer"));
                assert_eq!(trace(ask), trace(answer));
            }
            assert_ne!(trace(find("tkt_1", "ask")), trace(find("tkt_2", "ask")));
        }
    }
}
