//! What the services depend on goes away in the middle of their work, and comes back.

use std::collections::BTreeMap;
use std::time::Duration;

use lotse_errors::{ErrorReason, peer};
use lotse_proto::common::v1::ClockState;
use lotse_proto::intake::v1::CreateTicketRequest;
use lotse_proto::time::to_proto;
use lotse_testkit::{eventually, own_postgres, own_redis};

use crate::clients::{FIRST_REPLY, printer_on_fire};
use crate::desk::{HOUR, OPENING};
use crate::live::Live;

/// More than any of them needs, also on a busy machine.
const SOON: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timers_survive_a_redis_that_is_flushed_in_the_middle() {
    let (Some(postgres), Some(redis)) = (own_postgres(), own_redis()) else {
        return;
    };
    let live = Live::start(&postgres, &redis).await;
    live.clients.staff().await;
    let mut ids = Vec::new();
    for customer in 0..8 {
        let request = printer_on_fire(&format!("customer-{customer}"));
        ids.push(live.clients.create(request).await.id);
    }
    for id in &ids {
        eventually(SOON, || async { live.clients.clocks(id).await.len() == 1 }).await;
    }

    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let timers: Vec<String> = redis::cmd("KEYS")
        .arg("*timers*")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert!(!timers.is_empty(), "the timers are somewhere else");
    let () = redis::cmd("FLUSHALL")
        .query_async(&mut connection)
        .await
        .unwrap();

    // Past the warning and the breach of all of them.
    live.parts.clock.set(OPENING + 3 * HOUR).unwrap();
    for id in &ids {
        let clock = eventually(SOON, || async {
            let clock = live.clients.clocks(id).await.remove(0);
            if clock.state() == ClockState::Breached {
                Ok(clock)
            } else {
                Err(clock.state())
            }
        })
        .await;
        // When it was due, not when somebody noticed.
        assert_eq!(clock.breached_at, Some(to_proto(OPENING + FIRST_REPLY)));
    }
    live.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_when_postgres_restarts_in_the_middle() {
    let (Some(mut postgres), Some(redis)) = (own_postgres(), own_redis()) else {
        return;
    };
    let live = Live::start(&postgres, &redis).await;
    let team = live.clients.staff().await;
    let request = |number: usize| CreateTicketRequest {
        request_id: format!("request-{number}"),
        ..printer_on_fire(&format!("customer-{number}"))
    };
    let mut ids = BTreeMap::new();
    for number in 0..20 {
        ids.insert(number, live.clients.create(request(number)).await.id);
    }

    postgres.kill().unwrap();
    let refused = live
        .clients
        .tickets
        .clone()
        .create_ticket(request(20))
        .await
        .unwrap_err();
    assert_eq!(
        peer::reason(&refused),
        Some(ErrorReason::DependencyDown),
        "{refused:?}"
    );
    postgres.start_again().unwrap();

    // Once more from the first: what was answered before is answered the same.
    for number in 0..40 {
        let created = eventually(SOON, || async {
            live.clients
                .tickets
                .clone()
                .create_ticket(request(number))
                .await
        })
        .await;
        let id = created.into_inner().ticket.unwrap().id;
        assert_eq!(
            ids.entry(number).or_insert_with(|| id.clone()),
            &id,
            "request-{number}"
        );
    }
    assert_eq!(live.clients.all_tickets().await.len(), 40);

    // Everybody's jobs go on: each ticket has a clock and is counted, and who can take it has it.
    for id in ids.values() {
        eventually(SOON, || async { live.clients.clocks(id).await.len() == 1 }).await;
    }
    eventually(SOON, || async {
        let volume = crate::journey::figure(&live.clients, "ticket_volume", "")
            .await
            .n;
        if volume == 40 { Ok(()) } else { Err(volume) }
    })
    .await;
    eventually(SOON, || async {
        let tickets = live.clients.all_tickets().await;
        let with_ada = tickets
            .iter()
            .filter(|ticket| ticket.assignee_id == team.ada)
            .count();
        // As many as she has room for.
        if with_ada == 10 {
            Ok(())
        } else {
            Err(with_ada)
        }
    })
    .await;
    live.stop().await;
}
