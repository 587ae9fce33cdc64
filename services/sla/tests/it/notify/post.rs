//! What tests of sending stand on: the outbox as it runs, towards receivers on this machine.

use std::sync::Arc;
use std::time::Duration;

use lotse_clock::BusinessClock;
use lotse_db::Db;
use lotse_ids::NotificationTargetId;
use lotse_notify::Secret;
use lotse_sla::Notifications;
use lotse_sla::courier::Courier;
use lotse_sla::jobs::deliveries::{Outbox, Wake};
use lotse_sla::notification::{Channel, Content, StoredSecret};
use lotse_sla::store::dead_letters::{self, DeadLetter, Which};
use lotse_sla::store::deliveries::{self, Delivery, Depth};
use lotse_sla::store::notification_targets::{self, Row};
use lotse_supervise::Supervisor;
use lotse_testkit::{TestDb, eventually};

use crate::suite::MONDAY_NINE;

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Longer than anything here takes.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A post office on a manual clock whose notices go out all the same.
pub(crate) struct Post {
    pub(crate) db: Db,
    pub(crate) clock: BusinessClock,
    pub(crate) config: Notifications,
    wake: Wake,
}

impl Post {
    /// One that may speak to this machine.
    pub(crate) fn new(db: &TestDb) -> Self {
        let config = Notifications {
            allow_internal: vec!["127.0.0.1".parse().unwrap()],
            ..Notifications::default()
        };
        Self::with(db, config)
    }

    pub(crate) fn with(db: &TestDb, config: Notifications) -> Self {
        Self {
            db: db.db(),
            clock: BusinessClock::manual(MONDAY_NINE),
            config,
            wake: Wake::default(),
        }
    }

    /// A replica's job, to be run by what is given back until that is shut down.
    pub(crate) fn open(&self) -> Supervisor {
        let (sender, vault) = (self.config.sender(), self.config.vault());
        let courier = Courier::new(&self.clock, sender, vault, self.config.retry());
        let courier = Arc::new(courier.into_the_world());
        let (db, clock) = (self.db.clone(), self.clock.clone());
        let job = Outbox::new(db, clock.clone(), courier, self.wake.clone(), &self.config);
        let supervisor = Supervisor::new(clock);
        supervisor.spawn(Arc::new(job));
        supervisor
    }

    /// Stores a webhook, or what there is of that id anew; gives its id.
    pub(crate) async fn webhook(&self, name: &str, url: &str) -> String {
        let content = Content {
            name: name.to_owned(),
            disabled: false,
            channel: Channel::Webhook {
                url: url.to_owned(),
            },
            secrets: vec![StoredSecret {
                value: Secret::new(SECRET),
                set_at: MONDAY_NINE,
            }],
        };
        self.store(content).await
    }

    /// Stores a target; gives its id, which stays with the name.
    pub(crate) async fn store(&self, content: Content) -> String {
        let known = notification_targets::find(self.db.reader(), &content.name)
            .await
            .unwrap();
        let id = known.map(|row| row.id);
        let id = id.unwrap_or_else(|| NotificationTargetId::generate(MONDAY_NINE).into());
        let row = &Row {
            content: self.config.vault().seal(&id, &content),
            id: id.clone(),
            version: 1,
            created_at: MONDAY_NINE,
            updated_at: MONDAY_NINE,
        };
        let saved = self
            .db
            .in_tx(|tx| async move { notification_targets::save(&tx, row).await });
        saved.await.unwrap();
        id
    }

    /// Puts a notice about `subject` on its way; gives its id.
    pub(crate) async fn enqueue(&self, target: &str, subject: &str) -> String {
        let delivery: &Delivery = &super::delivery(target, subject, self.clock.now());
        let put = self
            .db
            .in_tx(|tx| async move { deliveries::enqueue(&tx, delivery).await });
        put.await.unwrap();
        self.wake.wake();
        delivery.notice.id.clone()
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.set(self.clock.now() + time).unwrap();
    }

    pub(crate) async fn depth(&self) -> Depth {
        deliveries::depth(self.db.reader()).await.unwrap()
    }

    /// Waits until nothing waits any more.
    pub(crate) async fn emptied(&self) {
        eventually(SOON, || async {
            let depth = self.depth().await;
            if depth.waiting == 0 {
                Ok(())
            } else {
                Err(depth)
            }
        })
        .await;
    }

    pub(crate) async fn dead(&self) -> Vec<DeadLetter> {
        dead_letters::list(self.db.reader(), None, None, 100)
            .await
            .unwrap()
    }

    /// Tries all dead letters of a target again.
    pub(crate) async fn redrive(&self, target: &str) -> u64 {
        let now = self.clock.now();
        let redriven = self.db.in_tx(|tx| async move {
            dead_letters::redrive(&tx, Which::Target(target), now).await
        });
        let redriven = redriven.await.unwrap();
        self.wake.wake();
        redriven
    }
}
