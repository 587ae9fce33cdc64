//! The outbox behind the service: in real time it sends, on a manual clock it does not.

use std::sync::Arc;

use lotse_auth::Authenticator;
use lotse_client::Channel;
use lotse_clock::BusinessClock;
use lotse_grpc::{Server, Stack};
use lotse_journal::{Journal, JournalConfig, Wakeups};
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::alert_service_client::AlertServiceClient;
use lotse_sla::store::deliveries;
use lotse_sla::{Config, Deps, Notifications, Peers};
use lotse_supervise::Supervisor;
use lotse_testkit::{Receiver, TestDb, eventually};
use lotse_timers::LocalTimers;

use super::post::{SECRET, SOON};
use super::targets::{put, target, webhook};
use crate::suite::{MONDAY_NINE, Suite, migrations, refusal};

async fn test(
    client: &mut AlertServiceClient<Stack>,
    target: &str,
) -> proto::TestNotificationTargetResponse {
    let request = proto::TestNotificationTargetRequest {
        id: target.to_owned(),
    };
    client
        .test_notification_target(request)
        .await
        .unwrap()
        .into_inner()
}

/// The service in real time, which may speak to this machine.
async fn in_real_time(db: &TestDb) -> (AlertServiceClient<Stack>, Supervisor, BusinessClock) {
    let clock = BusinessClock::system();
    let config = JournalConfig::default();
    let journal = Journal::open(db.db(), clock.clone(), Wakeups::local(), config);
    let journal = journal.await.unwrap();
    let deps = Deps {
        db: db.db(),
        clock: clock.clone(),
        journal,
        timers: Arc::new(LocalTimers::new()),
        peers: Peers::all(&Channel::later().0),
    };
    let config = Config {
        notifications: Notifications {
            allow_internal: vec!["127.0.0.1".parse().unwrap()],
            ..Notifications::default()
        },
    };
    let services = vec![lotse_sla::build(deps, config)];
    let grpc = lotse_grpc::Config::default();
    let mut server = Server::new(grpc, Authenticator::local(), services).unwrap();
    server.readiness().set_all(true);
    let supervisor = Supervisor::new(clock.clone());
    for job in server.take_jobs() {
        supervisor.spawn(job);
    }
    (AlertServiceClient::new(server.stack()), supervisor, clock)
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_target_is_tested_and_its_notices_arrive_while_the_service_runs(db: TestDb) {
        let receiver = Receiver::http(SECRET);
        let (mut client, supervisor, clock) = in_real_time(&db).await;
        let hook = target("hook", webhook(&receiver.url("/ok"), &[SECRET]));
        let (hook, _) = put(&mut client, hook).await.unwrap();
        let answer = test(&mut client, "hook").await;
        assert!(answer.delivered && !answer.sink && answer.failure.is_none(), "{answer:?}");
        let calls = receiver.received();
        assert!(calls[0].contains(&answer.delivery_id) && calls[0].contains("\"verified\": true"));

        let broken = target("broken", webhook(&receiver.url("/status/503/9"), &[SECRET]));
        put(&mut client, broken).await.unwrap();
        let answer = test(&mut client, "broken").await;
        let failure = answer.failure.unwrap();
        assert_eq!((failure.reason.as_str(), failure.permanent), ("status_503", false));
        assert_eq!(failure.retry_after.unwrap().seconds, 9);
        assert!(!answer.delivered);

        let delivery = &super::delivery(&hook.id, "alr_1", clock.now());
        db.in_tx(|tx| async move { deliveries::enqueue(&tx, delivery).await }).await.unwrap();
        eventually(SOON, || async {
            receiver.received().iter().any(|call| call.contains(&delivery.notice.id))
        })
        .await;
        supervisor.shutdown(SOON).await.unwrap();
    }

    async fn on_a_manual_clock_notices_go_to_a_sink(db: TestDb) {
        let Some(suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let mut client = AlertServiceClient::new(suite.served.stack());
        // Steps find nothing and stop asking; a target wakes them.
        suite.served.settle().await;
        let place = webhook("https://hooks.example.org/in", &[SECRET]);
        let (hook, _) = put(&mut client, target("hook", place)).await.unwrap();
        let answer = test(&mut client, "hook").await;
        assert!(answer.sink && !answer.delivered && answer.failure.is_none(), "{answer:?}");
        let delivery = &super::delivery(&hook.id, "alr_1", suite.clock.now());
        db.in_tx(|tx| async move { deliveries::enqueue(&tx, delivery).await }).await.unwrap();
        assert_eq!(deliveries::depth(db.reader()).await.unwrap().waiting, 1);
        suite.served.settle().await;
        let depth = deliveries::depth(db.reader()).await.unwrap();
        assert_eq!((depth.waiting, depth.dead), (0, 0));
    }

    async fn a_place_inside_is_refused_when_it_is_put(db: TestDb) {
        let Some(suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let mut client = AlertServiceClient::new(suite.served.stack());
        for inside in [
            "http://169.254.169.254/latest/meta-data",
            "https://2130706433/",
            "https://localhost:8443/",
            "https://[::ffff:10.0.0.1]/",
            "https://hooks.example.org:22/",
        ] {
            let refused = put(&mut client, target("hook", webhook(inside, &[SECRET]))).await;
            assert_eq!(refusal(&refused.unwrap_err()).1, ["notification_target.webhook.url"], "{inside}");
        }
    }
}
