//! Several replicas of the service at work, replies that race their own timers, and a machine whose
//! clock is stepped.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use lotse_clock::{BusinessClock, Timestamp};
use lotse_ids::TicketId;
use lotse_journal::{Body, Draft, Recorded};
use lotse_proto::common::v1::{Channel, ClockState, Priority, SlaMetric};
use lotse_proto::journal::v1::clock_changed::Transition;
use lotse_supervise::Supervisor;
use lotse_testkit::{TestDb, eventually};
use lotse_timers::{DueRows as _, Entry};

use crate::suite::{MONDAY_NINE, Suite, created, migrations, reply, timers};

/// Longer than any of it takes, on a busy machine too.
const SOON: Duration = Duration::from_secs(60);
const MILLI: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Replicas of the service over one database, one clock and one store of timers.
struct Replicas {
    all: Vec<Suite>,
    supervisor: Supervisor,
}

impl Replicas {
    async fn of(db: &TestDb, count: usize, clock: &BusinessClock) -> Option<Self> {
        let timers = timers(db).await?;
        let mut all = vec![Suite::with(db.db(), clock.clone(), timers.clone()).await];
        while all.len() < count {
            let db = db.connect_again().await;
            all.push(Suite::with(db, clock.clone(), timers.clone()).await);
        }
        Some(Self {
            all,
            supervisor: Supervisor::new(clock.clone()),
        })
    }

    fn first(&mut self) -> &mut Suite {
        &mut self.all[0]
    }

    /// Has all of them work by themselves.
    fn start(&self) {
        let jobs = self.all.iter().flat_map(|replica| replica.served.jobs());
        jobs.for_each(|job| self.supervisor.spawn(job));
    }

    async fn stop(self) {
        let within = Duration::from_secs(20);
        self.supervisor.shutdown(within).await.unwrap();
    }

    /// Takes tickets in, a millisecond apart where time passes by itself.
    async fn take_in(&self, count: usize) -> Vec<String> {
        let suite = &self.all[0];
        let new = || TicketId::generate(suite.clock.now()).to_string();
        let ids: Vec<String> = (0..count).map(|_| new()).collect();
        let body = || created(Priority::Normal, Channel::Email);
        let drafts = ids.iter().map(|id| Draft::ticket(id, body()));
        suite.emit(drafts.collect()).await;
        ids
    }

    /// Waits until these tickets are known, each with a clock that runs.
    async fn know(&self, tickets: &[String]) {
        let suite = &self.all[0];
        let started = || suite.count(Transition::Started);
        eventually(SOON, async || started().await >= tickets.len()).await;
    }
}

/// What was journaled of clocks: how often each transition of each ticket, and when it was due.
async fn outcomes(suite: &Suite) -> BTreeMap<(String, i32, u32, Timestamp), usize> {
    let mut outcomes = BTreeMap::new();
    for (event, changed) in suite.told().await {
        let (ticket, at) = (event.ticket_id.unwrap(), event.occurred_at);
        let key = (ticket, changed.transition, changed.warned_percent, at);
        *outcomes.entry(key).or_default() += 1;
    }
    outcomes
}

/// The warnings and the breach of a ticket that nobody answers.
fn unanswered(
    ticket: &str,
    created: Timestamp,
    target: Duration,
) -> Vec<((String, i32, u32, Timestamp), usize)> {
    let share = |percent| created + target * percent / 100;
    let one = |transition: Transition, percent, at| {
        ((ticket.to_owned(), transition.into(), percent, at), 1)
    };
    vec![
        one(Transition::Started, 0, created),
        one(Transition::Warned, 50, share(50)),
        one(Transition::Warned, 75, share(75)),
        one(Transition::Warned, 90, share(90)),
        one(Transition::Breached, 0, created + target),
    ]
}

async fn a_hundred_and_one_overdue_at_once_breach_once_each(replicas: usize) {
    let Some(db) = lotse_testkit::postgres(migrations).await else {
        return;
    };
    let clock = BusinessClock::manual(MONDAY_NINE);
    let Some(mut service) = Replicas::of(&db, replicas, &clock).await else {
        return;
    };
    let suite = service.first();
    suite.promise("p", &[(SlaMetric::FirstReply, 60)]).await;
    service.start();
    let tickets = service.take_in(101).await;
    service.know(&tickets).await;
    clock.set(MONDAY_NINE + HOUR).unwrap();
    let expected: BTreeMap<_, _> = tickets
        .iter()
        .flat_map(|ticket| unanswered(ticket, MONDAY_NINE, MINUTE))
        .collect();
    let suite = service.first();
    eventually(SOON, async || {
        suite.count(Transition::Breached).await >= 101
    })
    .await;
    // Timers that all replicas have claimed by then find nothing left.
    eventually(SOON, async || suite.timers.count("sla").await.unwrap() == 0).await;
    assert_eq!(outcomes(suite).await, expected);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_tell_each_breach_once() {
    a_hundred_and_one_overdue_at_once_breach_once_each(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_replicas_tell_each_breach_once() {
    a_hundred_and_one_overdue_at_once_breach_once_each(4).await;
}

/// Tickets of one round of the race.
const RACERS: usize = 6;

/// Replies are committed while the clock passes the due time and every replica fires: whatever comes
/// first, a reply recorded by the due time is never told to be a breach, and one after it always is.
async fn a_reply_in_time_never_loses_the_race(db: &TestDb, replicas: usize, rounds: u64) {
    let clock = BusinessClock::manual(MONDAY_NINE);
    let Some(mut service) = Replicas::of(db, replicas, &clock).await else {
        return;
    };
    let suite = service.first();
    suite.promise("p", &[(SlaMetric::FirstReply, 60)]).await;
    let mut tickets = Vec::new();
    for round in 0..rounds {
        // So many replies are committed before the due time passes; the others are under way.
        let before = usize::try_from(round).unwrap() % (RACERS + 1);
        let committed = AtomicUsize::new(0);
        let round = service.take_in(RACERS).await;
        service.first().served.settle().await;
        let due = clock.now() + MINUTE;
        clock.set(due).unwrap();
        // The warnings are behind them.
        service.first().served.settle().await;
        let rows = service.first().due();
        let entries: Vec<Entry> = rows.due_before(Timestamp::MAX, 1_000).await.unwrap();
        let entries: Vec<Entry> = entries
            .into_iter()
            .filter(|entry| round.contains(&entry.row))
            .collect();
        assert_eq!(entries.len(), RACERS);

        let answers = round.iter().enumerate().map(|(index, ticket)| {
            let (clock, suite) = (&clock, &service.all[index % replicas]);
            let committed = &committed;
            async move {
                let body = reply(clock.now());
                suite.emit(vec![Draft::ticket(ticket, body)]).await;
                committed.fetch_add(1, Ordering::SeqCst);
            }
        });
        let firing = service.all.iter().map(|replica| {
            let (clock, entries, committed) = (&clock, &entries, &committed);
            let due_rows = replica.due();
            async move {
                while committed.load(Ordering::SeqCst) < before {
                    tokio::task::yield_now().await;
                }
                clock.set(due + MILLI).unwrap();
                for entry in entries {
                    let one = std::slice::from_ref(entry);
                    due_rows.fire(entry.lane, one).await.unwrap();
                }
            }
        });
        tokio::join!(join_all(answers), join_all(firing));
        tickets.extend(round.into_iter().map(|ticket| (ticket, due)));
        service.first().served.settle().await;
    }
    judge(&tickets, service.first()).await;
}

/// Compares what was told of each ticket with when its reply was recorded.
async fn judge(tickets: &[(String, Timestamp)], suite: &mut Suite) {
    let (mut in_time, mut too_late) = (0, 0);
    for (ticket, due) in tickets {
        let (history, _) = suite.journal.read_key(ticket, 0, 1_000).await.unwrap();
        let replied = |event: &&Recorded| matches!(event.body, Body::MessageAdded(_));
        let at = history.iter().find(replied).unwrap().occurred_at;
        let told = |wanted: Transition| {
            let is_it = |event: &&Recorded| match &event.body {
                Body::ClockChanged(changed) => changed.transition() == wanted,
                _ => false,
            };
            history.iter().filter(is_it).count()
        };
        let state = suite.clocks(ticket).await[0].state();
        if at <= *due {
            in_time += 1;
            assert_eq!(
                told(Transition::Breached),
                0,
                "{ticket} was answered in time"
            );
            assert_eq!(told(Transition::Met), 1);
            assert_eq!(state, ClockState::Met);
        } else {
            too_late += 1;
            assert_eq!(told(Transition::Breached), 1, "{ticket} was not");
            assert_eq!(told(Transition::Met), 0);
            assert_eq!(state, ClockState::Breached);
        }
    }
    assert_eq!(in_time + too_late, tickets.len());
    assert!(in_time > 0, "nobody was in time: that was no race");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_in_time_is_never_a_breach_on_two_replicas() {
    if let Some(db) = lotse_testkit::postgres(migrations).await {
        a_reply_in_time_never_loses_the_race(&db, 2, 12).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_in_time_is_never_a_breach_on_four_replicas() {
    if let Some(db) = lotse_testkit::postgres(migrations).await {
        a_reply_in_time_never_loses_the_race(&db, 4, 12).await;
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_clock_that_is_stepped_an_hour_both_ways_changes_no_outcome(db: TestDb) {
        let off = Arc::new(AtomicI64::new(0));
        let clock = BusinessClock::stepped(off.clone());
        let hour = i64::try_from(HOUR.as_millis()).unwrap();
        let Some(mut service) = Replicas::of(&db, 1, &clock).await else { return };
        let target = HOUR / 2;
        service.first().promise("p", &[(SlaMetric::FirstReply, target.as_secs())]).await;
        service.start();
        let tickets = service.take_in(20).await;
        service.know(&tickets).await;
        let (answered, left) = tickets.split_at(10);

        // An hour before they were created: nothing is due, and replies seem to come from then.
        off.store(-hour, Ordering::SeqCst);
        let replies = answered.iter().map(|ticket| Draft::ticket(ticket, reply(clock.now())));
        service.first().emit(replies.collect()).await;
        let suite = service.first();
        eventually(SOON, async || suite.count(Transition::Met).await == 10).await;
        assert_eq!(suite.count(Transition::Breached).await, 0);

        // An hour ahead: the others are overdue at once.
        off.store(hour, Ordering::SeqCst);
        eventually(SOON, async || suite.count(Transition::Breached).await >= 10).await;
        // And back where it was: nothing is told again.
        off.store(0, Ordering::SeqCst);
        eventually(SOON, async || suite.timers.count("sla").await.unwrap() == 0).await;

        let mut times = BTreeMap::new();
        for ticket in &tickets {
            let (history, _) = suite.journal.read_key(ticket, 0, 1).await.unwrap();
            times.insert(ticket.clone(), history[0].occurred_at);
        }
        let told = outcomes(suite).await;
        for ticket in left {
            let expected = unanswered(ticket, times[ticket], target);
            let of_it = told.iter().filter(|((other, ..), _)| other == ticket);
            let of_it: Vec<_> = of_it.map(|(key, times)| (key.clone(), *times)).collect();
            let expected: BTreeMap<_, _> = expected.into_iter().collect();
            assert_eq!(of_it, expected.into_iter().collect::<Vec<_>>());
        }
        for ticket in answered {
            assert_eq!(suite.clocks(ticket).await[0].state(), ClockState::Met);
        }
        service.stop().await;
    }
}
