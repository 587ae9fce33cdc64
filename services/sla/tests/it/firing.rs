//! Warnings and breaches, fired by timers on the manual clock: SQLite with timers in the process,
//! PostgreSQL with timers in Redis.

use std::time::Duration;

use lotse_clock::{BusinessClock, Timestamp};
use lotse_journal::{Draft, bucket_of, lane_of};
use lotse_proto::common::v1::{ClockState, Priority, SlaMetric, TicketStatus};
use lotse_proto::journal::v1::clock_changed::Transition;
use lotse_proto::time::to_proto;
use lotse_testkit::TestDb;
use lotse_timers::{DueRows as _, Entry};

use crate::suite::{MONDAY_NINE, Suite, migrations, reply, status, timers};

const HOUR: Duration = Duration::from_secs(3_600);
const MILLI: Duration = Duration::from_millis(1);

/// The timer of a ticket, as the service armed it.
async fn armed(suite: &Suite, ticket: &str) -> Entry {
    let due = suite.due().due_before(Timestamp::MAX, 1_000).await.unwrap();
    due.into_iter().find(|entry| entry.row == ticket).unwrap()
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn warnings_and_the_breach_fire_at_their_instants(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &[(SlaMetric::FirstReply, 7_200)]).await;
        let ticket = suite.ticket(Priority::Normal).await;
        let due = MONDAY_NINE + 2 * HOUR;
        for (before, percent) in [(HOUR, 50), (HOUR / 2, 75), (HOUR / 5, 90)] {
            suite.served.advance_to(due - before - MILLI).await;
            assert_ne!(suite.clocks(&ticket).await[0].warned_percent, percent, "too early");
            suite.served.advance_to(due - before).await;
            assert_eq!(suite.clocks(&ticket).await[0].warned_percent, percent);
        }
        suite.served.advance_to(due).await;
        let clock = suite.clocks(&ticket).await.remove(0);
        assert_eq!(clock.state(), ClockState::Running, "a reply now would still be in time");
        assert!((clock.share - 1.0).abs() < f64::EPSILON);
        suite.served.advance_to(due + MILLI).await;
        let clock = suite.clocks(&ticket).await.remove(0);
        assert_eq!(clock.state(), ClockState::Breached);
        assert_eq!(clock.breached_at, Some(to_proto(due)));
        assert_eq!(clock.due_at, Some(to_proto(due)));
        assert_eq!(clock.detected_at, Some(to_proto(due + MILLI)));
        assert_eq!(clock.fulfilled_at, None);

        suite.served.advance(24 * HOUR).await;
        let told = suite.told().await;
        let told: Vec<_> = told
            .iter()
            .map(|(event, changed)| {
                (changed.transition(), changed.warned_percent, event.occurred_at, event.recorded_at)
            })
            .collect();
        let at = |before: Duration| due - before;
        assert_eq!(told, [
            (Transition::Started, 0, MONDAY_NINE, MONDAY_NINE),
            (Transition::Warned, 50, at(HOUR), at(HOUR)),
            (Transition::Warned, 75, at(HOUR / 2), at(HOUR / 2)),
            (Transition::Warned, 90, at(HOUR / 5), at(HOUR / 5)),
            (Transition::Breached, 0, due, due + MILLI),
        ]);
    }

    async fn a_reply_in_time_that_nobody_has_read_yet_is_not_overtaken_by_its_breach(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &[(SlaMetric::FirstReply, 60)]).await;
        let ticket = suite.ticket(Priority::Normal).await;
        let due = MONDAY_NINE + Duration::from_secs(60);
        suite.served.advance_to(due).await;
        let entry = armed(&suite, &ticket).await;
        assert_eq!(entry.due, due + MILLI);
        // Committed at the very last moment; the consumer does not run before the timer fires.
        suite.emit(vec![Draft::ticket(&ticket, reply(due))]).await;
        suite.clock.set(due + HOUR).unwrap();
        suite.due().fire(entry.lane, &[entry]).await.unwrap();

        let clock = suite.clocks(&ticket).await.remove(0);
        assert_eq!(clock.state(), ClockState::Met);
        assert_eq!(clock.fulfilled_at, Some(to_proto(due)));
        suite.served.settle().await;
        assert_eq!(suite.count(Transition::Met).await, 1, "and it was not read twice");
        assert_eq!(suite.count(Transition::Breached).await, 0);
    }

    async fn a_timer_that_fires_on_several_replicas_at_once_breaches_once(db: TestDb) {
        let Some(timers) = timers(&db).await else { return };
        let clock = BusinessClock::manual(MONDAY_NINE);
        let mut one = Suite::with(db.db(), clock.clone(), timers.clone()).await;
        one.promise("p", &[(SlaMetric::FirstReply, 60)]).await;
        let ticket = one.ticket(Priority::Normal).await;
        let entry = Entry { ..armed(&one, &ticket).await };
        let other = Suite::with(db.connect_again().await, clock.clone(), timers).await;
        clock.set(MONDAY_NINE + HOUR).unwrap();
        let (mine, theirs) = (one.due(), other.due());
        let mut firing = Vec::new();
        for _ in 0..4 {
            firing.push(mine.fire(entry.lane, std::slice::from_ref(&entry)));
            firing.push(theirs.fire(entry.lane, std::slice::from_ref(&entry)));
        }
        for fired in futures::future::join_all(firing).await {
            fired.unwrap();
        }
        one.served.settle().await;
        assert_eq!(one.count(Transition::Breached).await, 1);
        assert_eq!(one.count(Transition::Warned).await, 3);
    }

    async fn a_paused_clock_does_not_breach(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &[(SlaMetric::RequesterWait, 3_600)]).await;
        let ticket = suite.ticket(Priority::Normal).await;
        suite.served.advance(HOUR).await;
        suite.emit(vec![Draft::ticket(&ticket, status(TicketStatus::Pending, ""))]).await;
        suite.served.advance(24 * 30 * HOUR).await;
        let clock = suite.clocks(&ticket).await.remove(0);
        assert_eq!(clock.state(), ClockState::Paused);
        assert_eq!(clock.due_at, None);
        assert_eq!(suite.timers.count("sla").await.unwrap(), 0, "nothing waits to be fired");
        suite.emit(vec![Draft::ticket(&ticket, status(TicketStatus::Open, ""))]).await;
        suite.served.advance(MILLI).await;
        let clock = suite.clocks(&ticket).await.remove(0);
        assert_eq!(clock.state(), ClockState::Breached, "all of it was used before the pause");
    }

    async fn timers_that_were_lost_fire_on_time_all_the_same(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &[(SlaMetric::FirstReply, 3_600)]).await;
        let ticket = suite.ticket(Priority::Normal).await;
        suite.timers.clear("sla").await.unwrap();
        suite.served.advance(HOUR + MILLI).await;
        let clock = suite.clocks(&ticket).await.remove(0);
        assert_eq!(clock.detected_at, Some(to_proto(MONDAY_NINE + HOUR + MILLI)));
        assert_eq!(suite.count(Transition::Warned).await, 3);
    }

    async fn a_hundred_and_one_tickets_are_overdue_at_once(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &[(SlaMetric::FirstReply, 15)]).await;
        for _ in 0..101 {
            suite.ticket(Priority::Normal).await;
        }
        suite.served.advance(HOUR).await;
        assert_eq!(suite.count(Transition::Breached).await, 101);
        assert_eq!(suite.count(Transition::Warned).await, 303);
    }

    async fn entries_of_another_generation_or_before_their_time_do_nothing(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &[(SlaMetric::FirstReply, 60)]).await;
        let ticket = suite.ticket(Priority::Normal).await;
        let entry = armed(&suite, &ticket).await;
        let stale = Entry { generation: entry.generation - 1, ..entry.clone() };
        let nobody = Entry { row: "tkt_nobody".to_owned(), ..entry.clone() };
        let due = suite.due();
        due.fire(entry.lane, std::slice::from_ref(&entry)).await.unwrap();
        assert_eq!(suite.count(Transition::Warned).await, 0, "it is not time yet");
        suite.clock.set(MONDAY_NINE + HOUR).unwrap();
        due.fire(entry.lane, &[stale, nobody]).await.unwrap();
        assert_eq!(suite.count(Transition::Breached).await, 0);
        due.fire(entry.lane, &[entry]).await.unwrap();
        assert_eq!(suite.count(Transition::Breached).await, 1);
    }

    async fn the_reconciler_finds_what_waits_by_lane_and_by_time(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &[(SlaMetric::FirstReply, 100)]).await;
        let mut tickets = Vec::new();
        for _ in 0..20 {
            tickets.push(suite.ticket(Priority::Normal).await);
            suite.served.advance(Duration::from_secs(1)).await;
        }
        let due = suite.due();
        let half = MONDAY_NINE + Duration::from_secs(50);
        let soon = due.due_before(half + Duration::from_secs(5), 1_000).await.unwrap();
        let rows: Vec<_> = soon.iter().map(|entry| entry.row.clone()).collect();
        assert_eq!(rows, tickets[..5], "the earliest first");
        let mut found = Vec::new();
        for lane in 0..16 {
            let mut after = String::new();
            while let Some(entry) = due.armed(lane, &after, 1).await.unwrap().pop() {
                assert_eq!((entry.lane, lane), (lane, lane_of(bucket_of(&entry.row))));
                after.clone_from(&entry.row);
                found.push(entry.row);
            }
        }
        found.sort();
        assert_eq!(found, tickets);
    }
}
