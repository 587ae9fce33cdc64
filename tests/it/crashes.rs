//! `lotse up` ends in the middle of its work, in order or by a kill.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures::future::join_all;
use lotse_proto::intake::v1::{CreateTicketRequest, StreamEventsRequest};
use lotse_testkit::eventually;

use crate::clients::{Clients, printer_on_fire};
use crate::journey::figure;
use crate::program::{SOON, Up};

/// Callers at once.
const CALLERS: usize = 8;
/// What was acknowledged, by request id.
type Acknowledged = BTreeMap<String, String>;

fn request(caller: usize, number: usize) -> CreateTicketRequest {
    CreateTicketRequest {
        request_id: format!("{caller}-{number}"),
        required_skills: Vec::new(),
        ..printer_on_fire(&format!("customer-{caller}-{number}"))
    }
}

/// Creates tickets until a call fails; what was answered stands in `acknowledged`.
async fn traffic(clients: &Clients, caller: usize, acknowledged: &std::sync::Mutex<Acknowledged>) {
    for number in 0.. {
        let request = request(caller, number);
        let request_id = request.request_id.clone();
        let Ok(response) = clients.tickets.clone().create_ticket(request).await else {
            return;
        };
        let id = response.into_inner().ticket.unwrap().id;
        acknowledged.lock().unwrap().insert(request_id, id);
    }
}

/// Runs traffic, and `end` once this many tickets are acknowledged.
async fn traffic_until(
    clients: &Clients,
    enough: usize,
    end: impl Future<Output = ()>,
) -> Acknowledged {
    let acknowledged = std::sync::Mutex::new(Acknowledged::new());
    let callers = (0..CALLERS).map(|caller| traffic(clients, caller, &acknowledged));
    let ending = async {
        eventually(SOON, || async {
            acknowledged.lock().unwrap().len() >= enough
        })
        .await;
        end.await;
    };
    tokio::join!(join_all(callers), ending);
    acknowledged.into_inner().unwrap()
}

/// Starts the program again on `folder` and repeats every request: each is there exactly once, the
/// acknowledged ones as they were answered, and every service knows all of them.
async fn all_are_there_once(folder: &Path, acknowledged: &Acknowledged) {
    let up = Up::start(folder, &[]).await;
    let clients = &up.clients;
    let before = clients.all_tickets().await.len();
    // At most one call per caller was not answered.
    assert!(
        (acknowledged.len()..=acknowledged.len() + CALLERS).contains(&before),
        "{before}"
    );
    for (request_id, id) in acknowledged {
        let (caller, number) = request_id.split_once('-').unwrap();
        let again = request(caller.parse().unwrap(), number.parse().unwrap());
        assert_eq!(&clients.create(again).await.id, id, "{request_id}");
    }
    assert_eq!(clients.all_tickets().await.len(), before);
    eventually(SOON, || async {
        let known = figure(clients, "ticket_volume", "").await.n;
        if usize::try_from(known).unwrap() == before {
            Ok(())
        } else {
            Err(known)
        }
    })
    .await;
    // The shipped policy promises a first reply, and that nobody is left alone.
    for id in acknowledged.values() {
        eventually(SOON, || async { clients.clocks(id).await.len() == 2 }).await;
    }
    up.program.terminate().await;
    let ended = up.program.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_middle_loses_nothing_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let Up { program, clients } = Up::start(folder.path(), &[]).await;
    let acknowledged = traffic_until(&clients, 100, program.kill()).await;
    all_are_there_once(folder.path(), &acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_lets_running_calls_end_and_exits_with_0() {
    let folder = tempfile::tempdir().unwrap();
    let Up { program, clients } = Up::start(folder.path(), &[]).await;
    // A reader that never ends by itself does not hold it up.
    let feed = clients
        .events
        .clone()
        .stream_events(StreamEventsRequest::default())
        .await;
    let _feed = feed.unwrap().into_inner();
    let acknowledged = traffic_until(&clients, 50, program.terminate()).await;
    let ended = tokio::time::timeout(Duration::from_secs(15), program.ended())
        .await
        .unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    all_are_there_once(folder.path(), &acknowledged).await;
}
