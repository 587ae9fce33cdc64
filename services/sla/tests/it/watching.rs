//! WatchClocks.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt as _;
use lotse_errors::ErrorReason;
use lotse_ids::TicketId;
use lotse_journal::Draft;
use lotse_proto::common::v1::{ClockState, Priority, SlaMetric};
use lotse_proto::journal::v1::clock_changed::Transition;
use lotse_proto::sla::v1::{ClockTransition, WatchClocksRequest, WatchClocksResponse};
use lotse_proto::time::to_proto;
use lotse_testkit::TestDb;
use sea_orm::{ConnectionTrait as _, DbErr};
use tonic::{Code, Streaming};

use crate::suite::{MONDAY_NINE, Suite, migrations, refusal, reply};

const BOTH: [(SlaMetric, u64); 2] = [(SlaMetric::FirstReply, 3_600), (SlaMetric::Idle, 7_200)];

async fn watch(suite: &Suite, request: WatchClocksRequest) -> Streaming<WatchClocksResponse> {
    let mut client = suite.client.clone();
    client.watch_clocks(request).await.unwrap().into_inner()
}

/// Everything until the stream ends, and the last token.
async fn drain(suite: &Suite, request: WatchClocksRequest) -> (Vec<ClockTransition>, String) {
    let request = WatchClocksRequest {
        end_when_caught_up: true,
        ..request
    };
    let mut stream = watch(suite, request).await;
    let (mut seen, mut token) = (Vec::new(), String::new());
    while let Some(item) = stream.next().await {
        let item = item.unwrap();
        seen.extend(item.transition);
        token = item.resume_token;
    }
    (seen, token)
}

fn resume(token: &str) -> WatchClocksRequest {
    WatchClocksRequest {
        resume_token: token.to_owned(),
        ..Default::default()
    }
}

/// The clock, what happened to it, and for a warning at which share.
type Name = (String, Transition, u32);

fn name(item: &ClockTransition) -> Name {
    let changed = item.changed.as_ref().unwrap();
    let transition = changed.transition();
    (changed.clock_id.clone(), transition, changed.warned_percent)
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn transitions_are_told_with_the_clocks_facts(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &BOTH[..1]).await;
        let ticket = suite.ticket(Priority::Normal).await;
        suite.served.advance(Duration::from_secs(3_600)).await;
        let (told, _) = drain(&suite, WatchClocksRequest::default()).await;
        let seen: Vec<_> = told.iter().map(|item| name(item).1).collect();
        use Transition::{Breached, Started, Warned};
        assert_eq!(seen, [Started, Warned, Warned, Warned]);
        suite.served.advance(Duration::from_secs(60)).await;
        let (told, _) = drain(&suite, WatchClocksRequest::default()).await;
        let last = told.last().unwrap();
        let changed = last.changed.as_ref().unwrap();
        assert_eq!((last.ticket_id.as_str(), changed.transition()), (ticket.as_str(), Breached));
        assert_eq!(last.occurred_at, Some(to_proto(MONDAY_NINE + Duration::from_secs(3_600))));
        assert_eq!((changed.state(), changed.metric()), (ClockState::Breached, SlaMetric::FirstReply));
        assert_eq!((changed.target_ms, changed.consumed_ms), (3_600_000, 3_600_000));
        assert!(changed.policy_id.starts_with("pol_") && changed.clock_id.starts_with("clk_"));
    }

    async fn a_watch_killed_anywhere_goes_on_without_gap_or_repetition(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &BOTH).await;
        let suite = &suite;
        // Eight who write while one watches, and is killed after every seven items.
        let write = async |writer: u64| {
            for round in 0..6 {
                let ticket = TicketId::generate(suite.clock.now()).to_string();
                let created = crate::suite::created(Priority::Normal, lotse_proto::common::v1::Channel::Email);
                suite.emit(vec![Draft::ticket(&ticket, created)]).await;
                if (writer + round).is_multiple_of(2) {
                    suite.emit(vec![Draft::ticket(&ticket, reply(suite.clock.now()))]).await;
                }
            }
        };
        let writers = async {
            futures::future::join_all((0..8).map(write)).await;
            suite.served.settle().await;
            suite.served.advance(Duration::from_secs(10_000)).await;
        };
        let watcher = async {
            let (mut seen, mut token, mut breached) = (Vec::new(), String::new(), 0);
            // 48 tickets: 24 first replies are broken, and 48 stay untouched.
            while breached < 24 + 48 {
                let mut stream = watch(suite, resume(&token)).await;
                for _ in 0..7 {
                    let item = stream.next().await.unwrap().unwrap();
                    token = item.resume_token;
                    let told = item.transition.as_ref().map(name);
                    breached += u32::from(matches!(told, Some((_, Transition::Breached, _))));
                    seen.extend(told);
                    if breached == 24 + 48 {
                        break;
                    }
                }
            }
            seen
        };
        let ((), seen) = tokio::join!(writers, watcher);
        let (all, _) = drain(suite, WatchClocksRequest::default()).await;
        let all: Vec<_> = all.iter().map(name).collect();
        assert_eq!(seen.len(), seen.iter().collect::<BTreeSet<_>>().len(), "nothing twice");
        assert_eq!(seen.iter().collect::<BTreeSet<_>>(), all.iter().collect::<BTreeSet<_>>());
        for (clock, ..) in &all {
            let of = |told: &[Name]| -> Vec<Name> {
                told.iter().filter(|(id, ..)| id == clock).cloned().collect()
            };
            assert_eq!(of(&seen), of(&all), "in the order of the journal");
        }
    }

    async fn a_watch_from_now_tells_what_happens_next(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &BOTH[..1]).await;
        suite.ticket(Priority::Normal).await;
        let request = WatchClocksRequest { from_now: true, ..Default::default() };
        let mut stream = watch(&suite, request).await;
        let mark = stream.next().await.unwrap().unwrap();
        assert!(mark.caught_up && mark.transition.is_none());
        let ticket = suite.ticket(Priority::Normal).await;
        let told = tokio::time::timeout(Duration::from_secs(10), async {
            loop {
                let item = stream.next().await.unwrap().unwrap();
                if let Some(transition) = item.transition {
                    return transition;
                }
            }
        });
        assert_eq!(told.await.unwrap().ticket_id, ticket);
    }

    async fn only_what_is_wanted_of_clocks_is_told(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &BOTH).await;
        let (first, _) = (suite.ticket(Priority::Normal).await, suite.ticket(Priority::Normal).await);
        suite.served.advance(Duration::from_secs(7_201)).await;
        let suite = &suite;
        let count = async |request: WatchClocksRequest| drain(suite, request).await.0.len();
        let breached = vec![Transition::Breached.into()];
        let idle = vec![SlaMetric::Idle.into()];
        let of_first = vec![first];
        // Started, three warnings, breached: of two clocks each.
        assert_eq!(count(WatchClocksRequest::default()).await, 20);
        assert_eq!(count(WatchClocksRequest { transitions: breached.clone(), ..Default::default() }).await, 4);
        assert_eq!(count(WatchClocksRequest { metrics: idle.clone(), ..Default::default() }).await, 10);
        let all = WatchClocksRequest { transitions: breached, metrics: idle, ticket_ids: of_first, ..Default::default() };
        assert_eq!(count(all.clone()).await, 1);
        let (_, token) = drain(suite, all.clone()).await;
        assert_eq!(count(WatchClocksRequest { resume_token: token, ..all }).await, 0);
    }

    async fn a_watch_of_a_restored_database_starts_again(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &BOTH).await;
        suite.ticket(Priority::Normal).await;
        let (_, token) = drain(&suite, WatchClocksRequest::default()).await;
        let mut open = watch(&suite, resume(&token)).await;
        assert!(open.next().await.unwrap().unwrap().caught_up);
        // A restored dump lacks what came after it: here, everything.
        db.in_tx(|tx| async move {
            tx.execute_unprepared("DELETE FROM journal").await?;
            Ok::<_, DbErr>(())
        })
        .await
        .unwrap();
        let mut client = suite.client.clone();
        let refused = client.watch_clocks(resume(&token)).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(refusal(&refused).0, ErrorReason::StaleResumeToken);
        // A stream that was open is told, too.
        let ended = open.next().await.unwrap().unwrap_err();
        assert_eq!(refusal(&ended).0, ErrorReason::StaleResumeToken);
        assert!(open.next().await.is_none());
    }

    async fn what_is_wrong_with_a_watch_is_told_by_field(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let request = WatchClocksRequest {
            resume_token: "nonsense".to_owned(),
            ticket_ids: vec!["agt_1".to_owned()],
            metrics: vec![0],
            transitions: vec![99],
            from_now: true,
            ..Default::default()
        };
        let refused = suite.client.watch_clocks(request).await.unwrap_err();
        let (reason, fields) = refusal(&refused);
        assert_eq!(reason, ErrorReason::InvalidField);
        assert_eq!(fields, ["resume_token", "from_now", "ticket_ids[0]", "metrics[0]", "transitions[0]"]);
    }
}
