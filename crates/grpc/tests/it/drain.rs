//! The end of a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lotse_auth::Authenticator;
use lotse_grpc::{Config, ServeError, Server};
use lotse_supervise::{BoxError, Job, Step};
use tonic::Code;

use crate::scripted::{Gate, Running, ask, open, request, service, soon};

#[derive(Default)]
struct Recorded {
    stopped: AtomicBool,
}

#[async_trait]
impl Job for Recorded {
    fn name(&self) -> &str {
        "recorded"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        Ok(Step::Idle { until: None })
    }

    async fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn drain_finishes_a_running_call_ends_streams_refuses_new_calls_and_stops_jobs() {
    let (gate, job) = (Arc::new(Gate::default()), Arc::new(Recorded::default()));
    let service = service(&gate).job(Arc::clone(&job) as Arc<dyn Job>);
    let server = Server::new(Config::default(), Authenticator::local(), vec![service]).unwrap();
    let running = Running::serve(server, gate).await;
    running.readiness.set_all(true);
    let (client, origin) = running.plain();
    let mut stream = open(client.clone(), origin.clone(), request("on"))
        .await
        .unwrap();
    assert_eq!(
        soon(stream.message()).await.unwrap().unwrap().service,
        "first"
    );

    let call = ask(client.clone(), origin.clone(), request("wait"));
    let rest = async {
        soon(running.gate.entered.notified()).await;
        running.stop.cancel();
        let ended = soon(stream.message()).await.unwrap_err();
        assert_eq!(ended.code(), Code::Unavailable, "{ended:?}");
        assert!(ended.message().contains("stopping"), "{ended:?}");
        assert!(!running.readiness.is_ready());
        // The listener is closed, so a new connection is refused.
        assert!(running.ask("new").await.is_err());
        assert!(
            !job.stopped.load(Ordering::SeqCst),
            "jobs go on while calls do"
        );
        running.gate.open.notify_one();
    };
    let (answer, ()) = soon(Box::pin(async { tokio::join!(call, rest) })).await;
    assert_eq!(answer.unwrap(), "waited");
    soon(running.ended()).await.unwrap();
    assert!(job.stopped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn lame_duck_still_answers_but_says_not_serving() {
    let config = Config {
        lame_duck: Duration::from_millis(300),
        ..Config::default()
    };
    let running = Running::start(config, Authenticator::local()).await;
    running.readiness.set_all(true);
    let (client, origin) = running.plain();
    let mut health = tonic_health::pb::health_client::HealthClient::with_origin(client, origin);
    let mut watched = health.watch(request("")).await.unwrap().into_inner();
    assert_eq!(soon(watched.message()).await.unwrap().unwrap().status, 1);
    running.stop.cancel();
    assert_eq!(soon(watched.message()).await.unwrap().unwrap().status, 2);
    assert_eq!(running.ask("late").await.unwrap(), "heard late");
    soon(running.ended()).await.unwrap();
}

#[tokio::test]
async fn call_that_does_not_end_does_not_hold_the_drain_beyond_its_time() {
    let config = Config {
        drain: Duration::from_millis(100),
        ..Config::default()
    };
    let running = Running::start(config, Authenticator::local()).await;
    let (client, origin) = running.plain();
    let stop = async {
        soon(running.gate.entered.notified()).await;
        running.stop.cancel();
    };
    let hanging = ask(client, origin, request("hang"));
    tokio::pin!(hanging);
    tokio::select! {
        answer = &mut hanging => panic!("{answer:?}"),
        () = stop => {}
    }
    let ended = soon(running.ended()).await;
    let Err(ServeError::Unfinished { what, .. }) = ended else {
        panic!("{ended:?}")
    };
    assert_eq!(what, "calls");
}
