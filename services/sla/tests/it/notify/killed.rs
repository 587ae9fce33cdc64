//! A sender that is killed as a process: SIGKILL between sending and settling.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lotse_clock::{BusinessClock, SystemClock};
use lotse_db::{Db, DbConfig};
use lotse_sla::Notifications;
use lotse_sla::courier::Courier;
use lotse_sla::jobs::deliveries::{Outbox, Wake};
use lotse_supervise::Supervisor;
use lotse_testkit::{Receiver, TestDb, eventually};

use super::post::{Post, SECRET, SOON};
use crate::suite::migrations;

/// Holds the URL of the database whose outbox the process sends from.
const DATABASE: &str = "LOTSE_TEST_SENDER_DATABASE";

/// Claims nothing by itself: it is the process that the claim below starts and kills, and ends at
/// once for everybody else.
#[tokio::test]
async fn sender_process() {
    let Ok(url) = std::env::var(DATABASE) else {
        return;
    };
    let db = Db::connect(&DbConfig::new(url)).await.unwrap();
    let config = Notifications {
        allow_internal: vec!["127.0.0.1".parse().unwrap()],
        timeout_seconds: 60,
        ..Notifications::default()
    };
    let clock = BusinessClock::system();
    let (sender, vault) = (config.sender(), config.vault());
    let courier = Courier::new(&clock, sender, vault, config.retry());
    let outbox = Outbox::new(
        db,
        clock.clone(),
        Arc::new(courier),
        Wake::default(),
        &config,
    );
    let supervisor = Supervisor::new(clock);
    supervisor.spawn(Arc::new(outbox));
    std::future::pending().await
}

/// A run of [`sender_process`].
struct Sender(Child);

impl Sender {
    fn start(db: &TestDb) -> Self {
        let own = std::env::current_exe().unwrap();
        let mut command = Command::new(own);
        command.args(["--exact", "notify::killed::sender_process"]);
        command.env(DATABASE, &db.config().url);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Sender {
    /// SIGKILL, and waits until it is gone.
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_notice_outlives_the_process_that_was_sending_it(db: TestDb) {
        let receiver = Receiver::http(SECRET);
        let post = Post::new(&db);
        post.clock.set(SystemClock.now()).unwrap();
        let target = post.webhook("hook", &receiver.url("/stall/1")).await;
        let id = post.enqueue(&target, "alr_1").await;
        let sender = Sender::start(&db);
        eventually(SOON, || async { receiver.received().len() == 1 }).await;
        drop(sender);
        // Its claim has run out, and another process goes on.
        post.clock.set(SystemClock.now() + Duration::from_secs(120)).unwrap();
        let office = post.open();
        post.emptied().await;
        let calls = receiver.received();
        assert_eq!(calls.len(), 2);
        assert!(calls.iter().all(|call| call.contains(&id)), "{calls:?}");
        assert_eq!(post.depth().await.dead, 0);
        office.shutdown(SOON).await.unwrap();
    }
}
