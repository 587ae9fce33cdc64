//! Redis restarts, is slow, or is cut off while promises come due: what is told of them, and for
//! when, is the same as if nothing had happened.

use std::collections::BTreeMap;
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_journal::Body;
use lotse_proto::journal::v1::clock_changed::Transition;
use lotse_testkit::{Road, eventually, own_postgres, own_redis};
use lotse_throwaway::Redis;

use crate::clients::{FIRST_REPLY, printer_on_fire};
use crate::desk::{MINUTE, OPENING};
use crate::live::Live;

/// More than any of it needs, also on a busy machine.
const SOON: Duration = Duration::from_secs(60);
/// Tickets that nobody answers, taken in a minute apart.
const TICKETS: u32 = 8;

/// What is told of clocks: ticket, transition, share warned about, when; and how often.
type Told = BTreeMap<(String, i32, u32, Timestamp), usize>;

async fn told(live: &Live) -> Told {
    let journal = &live.parts.journal;
    let mut from = journal.start().await.unwrap();
    let mut told = Told::new();
    loop {
        let page = journal.read_feed(&from, 1_000).await.unwrap();
        if page.events.is_empty() {
            return told;
        }
        for event in page.events {
            if let Body::ClockChanged(changed) = event.body {
                let ticket = event.ticket_id.unwrap();
                let percent = changed.warned_percent;
                let key = (ticket, changed.transition, percent, event.occurred_at);
                *told.entry(key).or_default() += 1;
            }
        }
        from = page.next;
    }
}

/// Runs `fault` once the timers are armed, lets the promises come due, and runs `repair`.
async fn same_outcomes(
    fault: impl AsyncFn(&Road, &mut Redis),
    repair: impl AsyncFn(&Road, &mut Redis),
) {
    let (Some(postgres), Some(mut redis)) = (own_postgres(), own_redis()) else {
        return;
    };
    let road = Road::to(&redis.url()).await;
    let live = Live::start_at(&postgres, &road.instead_of(&redis.url())).await;
    live.clients.policy().await;
    let mut expected = Told::new();
    for number in 0..TICKETS {
        let created = OPENING + MINUTE * number;
        live.parts.clock.set(created).unwrap();
        let request = printer_on_fire(&format!("customer-{number}"));
        let ticket = live.clients.create(request).await.id;
        eventually(SOON, || async {
            live.clients.clocks(&ticket).await.len() == 1
        })
        .await;
        let mut one = |transition: Transition, percent: u32, share: u32| {
            let at = created + FIRST_REPLY * share / 100;
            expected.insert((ticket.clone(), transition.into(), percent, at), 1);
        };
        one(Transition::Started, 0, 0);
        one(Transition::Warned, 50, 50);
        one(Transition::Breached, 0, 100);
    }

    fault(&road, &mut redis).await;
    // Past the first warnings, then past everything, a minute later.
    let breached = |told: &Told| {
        let of = |(_, transition, ..): &&(String, i32, u32, Timestamp)| {
            *transition == i32::from(Transition::Breached)
        };
        told.keys().filter(of).count()
    };
    live.parts.clock.set(OPENING + FIRST_REPLY).unwrap();
    live.parts
        .clock
        .set(OPENING + FIRST_REPLY + MINUTE)
        .unwrap();
    eventually(SOON, || async { breached(&told(&live).await) > 0 }).await;
    repair(&road, &mut redis).await;
    live.parts
        .clock
        .set(OPENING + FIRST_REPLY + MINUTE * (TICKETS + 1))
        .unwrap();
    eventually(SOON, || async { told(&live).await == expected }).await;
    live.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_restarts_changes_no_outcome() {
    let restart = async |_: &Road, redis: &mut Redis| {
        redis.kill().unwrap();
        redis.start_again().unwrap();
    };
    same_outcomes(restart, restart).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_takes_200_ms_changes_no_outcome() {
    let slow = async |road: &Road, _: &mut Redis| road.takes(Duration::from_millis(100));
    let quick = async |road: &Road, _: &mut Redis| road.takes(Duration::ZERO);
    same_outcomes(slow, quick).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_cut_off_for_a_minute_changes_no_outcome() {
    let cut = async |road: &Road, _: &mut Redis| road.close();
    let mend = async |road: &Road, _: &mut Redis| road.open();
    same_outcomes(cut, mend).await;
}
