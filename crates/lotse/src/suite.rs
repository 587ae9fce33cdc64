//! The services over one database: all of them in one process, or one of them in a cluster.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use lotse_client::{Channel, Later};
use lotse_clock::BusinessClock;
use lotse_db::{Db, Migrations};
use lotse_grpc::Service;
use lotse_journal::{Journal, JournalConfig, Wakeups};
use lotse_supervise::Supervisor;
use lotse_survey::LinkKeys;
use lotse_timers::{LocalTimers, RedisTimers, TimerStore};

/// What this suite's keys in Redis begin with.
const REDIS_PREFIX: &str = "lotse";

/// Every migration of the suite, in order.
pub fn migrations() -> Migrations {
    [
        lotse_journal::migrations(),
        lotse_intake::migrations(),
        lotse_routing::migrations(),
        lotse_sla::migrations(),
        lotse_survey::migrations(),
        lotse_insight::migrations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A service that has tables and speaks gRPC. The gateway has and does neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Takes tickets in.
    Intake,
    /// Gives them to people.
    Routing,
    /// Keeps time on promises.
    Sla,
    /// Asks how it went.
    Survey,
    /// Tells where the team stands.
    Insight,
}

impl Name {
    /// All of them, in the order in which a ticket meets them.
    pub const ALL: [Self; 5] = [
        Self::Intake,
        Self::Routing,
        Self::Sla,
        Self::Survey,
        Self::Insight,
    ];

    /// The name as it is typed and configured.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Routing => "routing",
            Self::Sla => "sla",
            Self::Survey => "survey",
            Self::Insight => "insight",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Name {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|name| name.as_str() == text)
            .with_context(|| format!("there is no service {text:?}"))
    }
}

/// What every service stands on.
#[derive(Clone)]
pub struct Parts {
    /// The database.
    pub db: Db,
    /// Stamps events and decides what is due.
    pub clock: BusinessClock,
    /// The journal.
    pub journal: Journal,
    /// Where timers are armed.
    pub timers: Arc<dyn TimerStore>,
    /// Runs what is in the background.
    pub supervisor: Supervisor,
    /// Where routing and SLA timing call other services.
    pub peers: lotse_sla::Peers,
    /// Says where that is, when all are in one process.
    later: Arc<Later>,
}

impl Parts {
    /// Opens journal and timers over a migrated database; with `redis` they are shared by
    /// replicas, without they live in this process.
    ///
    /// # Errors
    /// When the journal belongs to another program, or the Redis URL is wrong. Redis itself may be
    /// away.
    pub async fn open(db: Db, clock: BusinessClock, redis: Option<&str>) -> Result<Self> {
        let config = JournalConfig::default();
        Self::open_with(REDIS_PREFIX, db, clock, redis, config).await
    }

    /// As [`Parts::open`], with another beginning of the keys in Redis, for a suite that must not
    /// meet the one that is there.
    ///
    /// # Errors
    /// As [`Parts::open`].
    pub async fn open_under(
        prefix: &str,
        db: Db,
        clock: BusinessClock,
        redis: Option<&str>,
    ) -> Result<Self> {
        Self::open_with(prefix, db, clock, redis, JournalConfig::default()).await
    }

    /// As [`Parts::open`], where no other process reads the journal: nobody waits for the leases of
    /// one that was killed.
    ///
    /// # Errors
    /// As [`Parts::open`].
    pub async fn open_alone(db: Db, clock: BusinessClock, redis: Option<&str>) -> Result<Self> {
        let config = JournalConfig {
            exclusive: Some(true),
            ..JournalConfig::default()
        };
        Self::open_with(REDIS_PREFIX, db, clock, redis, config).await
    }

    async fn open_with(
        prefix: &str,
        db: Db,
        clock: BusinessClock,
        redis: Option<&str>,
        config: JournalConfig,
    ) -> Result<Self> {
        let (wakeups, timers): (_, Arc<dyn TimerStore>) = match redis {
            Some(url) => (
                Wakeups::redis(url, prefix).context("the Redis URL is wrong")?,
                Arc::new(RedisTimers::open(url, prefix)?),
            ),
            None => (Wakeups::local(), Arc::new(LocalTimers::new())),
        };
        let supervisor = Supervisor::new(clock.clone());
        let journal = Journal::open(db.clone(), clock.clone(), wakeups, config).await?;
        let (channel, later) = Channel::later();
        Ok(Self {
            db,
            clock,
            journal,
            timers,
            supervisor,
            peers: lotse_sla::Peers::all(&channel),
            later: Arc::new(later),
        })
    }

    /// Lets the services of this process call each other through `channel`, until the parts are
    /// dropped.
    pub fn connect(&self, channel: &Channel) {
        self.later.set(channel.clone());
    }

    /// Whether nothing has ever happened here.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn is_new(&self) -> Result<bool> {
        let start = self.journal.start().await?;
        Ok(self.journal.read_feed(&start, 1).await?.events.is_empty())
    }
}

/// How the services behave.
#[derive(Clone)]
pub struct Behaviour {
    /// Of intake.
    pub intake: lotse_intake::Config,
    /// Of routing.
    pub routing: lotse_routing::Config,
    /// Of SLA timing.
    pub sla: lotse_sla::Config,
    /// Of surveys.
    pub survey: lotse_survey::Config,
    /// Of insight.
    pub insight: lotse_insight::Config,
    /// What signs the links of surveys.
    pub links: LinkKeys,
}

impl Behaviour {
    /// The defaults, with the links signed by `links`.
    pub fn new(links: LinkKeys) -> Self {
        Self {
            intake: lotse_intake::Config::default(),
            routing: lotse_routing::Config::default(),
            sla: lotse_sla::Config::default(),
            survey: lotse_survey::Config::default(),
            insight: lotse_insight::Config::default(),
            links,
        }
    }

    /// For history: what happened is recorded, and nothing happens by itself.
    pub fn recorded(links: LinkKeys) -> Self {
        let mut behaviour = Self::new(links);
        behaviour.intake.close_after_seconds = 0;
        behaviour.routing.mode = lotse_routing::Mode::Recorded;
        behaviour.survey.ask = false;
        behaviour
    }
}

/// One service.
pub fn service(name: Name, parts: &Parts, behaviour: &Behaviour) -> Service {
    let Parts {
        db,
        clock,
        journal,
        timers,
        supervisor,
        peers,
        later: _,
    } = parts.clone();
    match name {
        Name::Intake => {
            let deps = lotse_intake::Deps {
                db,
                clock,
                journal,
                timers,
                supervisor,
            };
            lotse_intake::build(deps, behaviour.intake.clone())
        }
        Name::Routing => {
            let deps = lotse_routing::Deps {
                db,
                clock,
                journal,
                timers,
                peers: lotse_routing::Peers {
                    intake: peers.intake,
                },
            };
            lotse_routing::build(deps, behaviour.routing.clone())
        }
        Name::Sla => {
            let deps = lotse_sla::Deps {
                db,
                clock,
                journal,
                timers,
                peers,
            };
            lotse_sla::build(deps, behaviour.sla.clone())
        }
        Name::Survey => {
            let deps = lotse_survey::Deps {
                db,
                clock,
                journal,
                timers,
                links: behaviour.links.clone(),
            };
            lotse_survey::build(deps, &behaviour.survey)
        }
        Name::Insight => {
            let deps = lotse_insight::Deps { db, clock, journal };
            lotse_insight::build(deps, behaviour.insight.clone())
        }
    }
}

/// All services, and the journal's own housekeeping with the first of them.
pub fn services(parts: &Parts, behaviour: &Behaviour) -> Vec<Service> {
    let mut services: Vec<_> = Name::ALL
        .into_iter()
        .map(|name| service(name, parts, behaviour))
        .collect();
    if let Some(first) = services.first_mut() {
        first.jobs.extend(parts.journal.jobs());
    }
    services
}
