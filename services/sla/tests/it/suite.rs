//! What the tests stand on: the service on a manual clock, and a journal to write into.

use std::sync::Arc;
use std::time::Duration;

use lotse_client::Channel;
use lotse_clock::{BusinessClock, Timestamp};
use lotse_db::{Db, Migrations};
use lotse_errors::{ErrorReason, peer};
use lotse_grpc::Stack;
use lotse_ids::{RequesterId, TicketId};
use lotse_journal::{Body, Draft, Journal, JournalConfig, Origin, Recorded, Wakeups};
use lotse_proto::common::v1 as common;
use lotse_proto::journal::v1 as journal;
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::sla_service_client::SlaServiceClient;
use lotse_proto::time::{duration_to_proto, to_proto};
use lotse_sla::app::catalogs::Catalogs;
use lotse_sla::app::keeper::Keeper;
use lotse_sla::jobs::consumer::Follow;
use lotse_sla::jobs::timers::Due;
use lotse_sla::{Config, Deps, Peers};
use lotse_testkit::{Backend, InProcess, TestDb};
use lotse_timers::{LocalTimers, RedisTimers, TimerStore};

/// Monday, 2 March 2026, 09:00 UTC.
pub(crate) const MONDAY_NINE: Timestamp = Timestamp::from_millis(1_772_442_000_000);

pub(crate) fn migrations() -> Migrations {
    let mut all = lotse_journal::migrations();
    all.extend(lotse_sla::migrations());
    all
}

/// One replica of the service: on SQLite with timers in the process, on PostgreSQL with timers in
/// Redis.
pub(crate) struct Suite {
    pub(crate) served: InProcess,
    pub(crate) client: SlaServiceClient<Stack>,
    pub(crate) clock: BusinessClock,
    pub(crate) timers: Arc<dyn TimerStore>,
    pub(crate) db: Db,
    pub(crate) journal: Journal,
}

/// Timers as they go with the database; `None` where Redis is not installed, which has been said.
pub(crate) async fn timers(db: &TestDb) -> Option<Arc<dyn TimerStore>> {
    Some(match db.kind() {
        Backend::Sqlite => Arc::new(LocalTimers::new()),
        Backend::Postgres => {
            let redis = lotse_testkit::redis().await?;
            Arc::new(RedisTimers::open(redis.url(), redis.prefix()).unwrap())
        }
    })
}

impl Suite {
    /// The service at `start`.
    pub(crate) async fn new(db: &TestDb, start: Timestamp) -> Option<Self> {
        let timers = timers(db).await?;
        Some(Self::with(db.db(), BusinessClock::manual(start), timers).await)
    }

    pub(crate) async fn with(db: Db, clock: BusinessClock, timers: Arc<dyn TimerStore>) -> Self {
        Self::calling(db, clock, timers, Peers::all(&Channel::later().0)).await
    }

    /// The service with these around it.
    pub(crate) async fn calling(
        db: Db,
        clock: BusinessClock,
        timers: Arc<dyn TimerStore>,
        peers: Peers,
    ) -> Self {
        let config = JournalConfig::default();
        let opened = Journal::open(db.clone(), clock.clone(), Wakeups::local(), config);
        let journal = opened.await.unwrap();
        let deps = Deps {
            db: db.clone(),
            clock: clock.clone(),
            journal: journal.clone(),
            timers: timers.clone(),
            peers,
        };
        let served = InProcess::new(
            clock.clone(),
            vec![lotse_sla::build(deps, Config::default())],
        );
        let client = SlaServiceClient::new(served.stack());
        Self {
            served,
            client,
            clock,
            timers,
            db,
            journal,
        }
    }

    /// What fires timers, to be fired by hand.
    pub(crate) fn due(&self) -> Due {
        let keeper = Keeper::new(Catalogs::default(), self.clock.clone(), self.timers.clone());
        let follow = Arc::new(Follow::new(keeper.clone()));
        Due::new(self.db.clone(), self.journal.clone(), keeper, follow)
    }

    /// Journals what others would. Nobody reads it before the jobs run.
    pub(crate) async fn emit(&self, drafts: Vec<Draft>) {
        let origin = Origin {
            principal: "test".to_owned(),
            cause: "test".to_owned(),
        };
        let emitted = self.journal.in_tx(&origin, |tx| {
            let drafts = drafts.clone();
            async move {
                drafts.into_iter().for_each(|draft| tx.emit(draft));
                Ok::<_, sea_orm::DbErr>(())
            }
        });
        emitted.await.unwrap();
    }

    /// A ticket of a priority, taken in now and known to the service.
    pub(crate) async fn ticket(&self, priority: common::Priority) -> String {
        let id = TicketId::generate(self.clock.now()).to_string();
        self.emit(vec![Draft::ticket(
            &id,
            created(priority, common::Channel::Email),
        )])
        .await;
        self.served.settle().await;
        id
    }

    /// Puts a policy with these targets, in seconds, for every priority, around the clock.
    pub(crate) async fn promise(&mut self, name: &str, targets: &[(common::SlaMetric, u64)]) {
        let policy = policy(name, targets);
        let request = proto::PutPolicyRequest {
            policy: Some(policy),
            request_id: String::new(),
            ..Default::default()
        };
        self.client.put_policy(request).await.unwrap();
    }

    /// All clocks of a ticket, by id.
    pub(crate) async fn clocks(&mut self, ticket: &str) -> Vec<proto::Clock> {
        let request = proto::ListClocksRequest {
            ticket_ids: vec![ticket.to_owned()],
            page_size: 1_000,
            ..Default::default()
        };
        self.client
            .list_clocks(request)
            .await
            .unwrap()
            .into_inner()
            .clocks
    }

    /// What was journaled of clocks, in order within each ticket.
    pub(crate) async fn told(&self) -> Vec<(Recorded, journal::ClockChanged)> {
        let mut from = self.journal.start().await.unwrap();
        let mut told = Vec::new();
        loop {
            let page = self.journal.read_feed(&from, 1_000).await.unwrap();
            if page.events.is_empty() {
                return told;
            }
            for event in page.events {
                if let Body::ClockChanged(changed) = &event.body {
                    let changed = changed.clone();
                    told.push((event, changed));
                }
            }
            from = page.next;
        }
    }

    /// How often a transition was journaled.
    pub(crate) async fn count(&self, transition: journal::clock_changed::Transition) -> usize {
        let told = self.told().await;
        told.iter()
            .filter(|(_, changed)| changed.transition() == transition)
            .count()
    }
}

pub(crate) fn policy(name: &str, targets: &[(common::SlaMetric, u64)]) -> proto::Policy {
    let target = |(metric, seconds): &(common::SlaMetric, u64)| proto::Target {
        metric: (*metric).into(),
        target: Some(duration_to_proto(Duration::from_secs(*seconds))),
        ..Default::default()
    };
    proto::Policy {
        name: name.to_owned(),
        targets: targets.iter().map(target).collect(),
        ..Default::default()
    }
}

pub(crate) fn created(priority: common::Priority, channel: common::Channel) -> Body {
    Body::TicketCreated(journal::TicketCreated {
        requester_id: RequesterId::generate(Timestamp::EPOCH).to_string(),
        priority: priority.into(),
        channel: channel.into(),
        ..Default::default()
    })
}

pub(crate) fn status(to: common::TicketStatus, agent: &str) -> Body {
    Body::TicketStatusChanged(journal::TicketStatusChanged {
        to: to.into(),
        agent_id: agent.to_owned(),
        ..Default::default()
    })
}

pub(crate) fn message(
    author: common::AuthorKind,
    visibility: common::Visibility,
    received_at: Timestamp,
) -> Body {
    Body::MessageAdded(journal::MessageAdded {
        author_kind: author.into(),
        visibility: visibility.into(),
        received_at: Some(to_proto(received_at)),
        ..Default::default()
    })
}

/// A public reply of a human.
pub(crate) fn reply(at: Timestamp) -> Body {
    message(common::AuthorKind::Human, common::Visibility::Public, at)
}

/// Why a call was refused, and the fields that are wrong.
pub(crate) fn refusal(status: &tonic::Status) -> (ErrorReason, Vec<String>) {
    use tonic_types::StatusExt as _;
    let details = status.get_error_details();
    let fields = details.bad_request().map(|bad| {
        bad.field_violations
            .iter()
            .map(|violation| violation.field.clone())
            .collect()
    });
    (peer::reason(status).unwrap(), fields.unwrap_or_default())
}
