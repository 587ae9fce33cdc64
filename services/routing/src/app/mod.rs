//! The use cases, one transaction each.
//!
//! Those that change something take the running transaction, so that the API can run them as
//! idempotent commands; those that only read open their own connection.

pub(crate) mod agents;
pub(crate) mod assign;
pub(crate) mod board;
pub(crate) mod carry;
pub(crate) mod configuration;
pub(crate) mod coverage;
pub(crate) mod covers;
pub(crate) mod dispatch;
pub(crate) mod duty;
pub(crate) mod explain;
pub(crate) mod hand_over;
pub(crate) mod keep;
pub(crate) mod learning;
pub(crate) mod offers;
pub(crate) mod presence;
pub(crate) mod rebalance;
pub(crate) mod replies;
pub(crate) mod report;
pub(crate) mod rotas;
pub(crate) mod settings;
pub(crate) mod shifts;
pub(crate) mod simulate;
mod supervision;
pub(crate) mod turns;
pub(crate) mod watch;
pub(crate) mod workflow;

use std::str::FromStr;
use std::sync::Arc;

use lotse_clock::{BusinessClock, Timestamp};
use lotse_db::Db;
use lotse_ids::{AgentId, GroupId, RotaId};
use lotse_journal::{Consumer as _, Journal, Origin};
use lotse_timers::TimerStore;

use crate::config::{Config, Mode};
use crate::domain::agent::Agent;
use crate::domain::directory::Directory;
use crate::domain::group::Group;
use crate::domain::item::Policy;
use crate::domain::rota::Rota;
use crate::error::Error;
use crate::jobs::tracker::Tracker;
use crate::store::directory::Cache;
use learning::Learning;

/// What all use cases share.
pub(crate) struct App {
    pub(crate) db: Db,
    pub(crate) clock: BusinessClock,
    pub(crate) journal: Journal,
    timers: Arc<dyn TimerStore>,
    tracker: Arc<Tracker>,
    config: Config,
    policy: Policy,
    learning: Learning,
    directory: Arc<Cache>,
    /// When this process began.
    began: Timestamp,
}

impl App {
    pub(crate) fn new(
        db: Db,
        clock: BusinessClock,
        journal: Journal,
        timers: Arc<dyn TimerStore>,
        learning: Learning,
        config: Config,
    ) -> Self {
        let directory = Arc::new(Cache::new(clock.clone(), config.load_steps));
        let policy = config.policy();
        let tracker = Tracker::new(policy, directory.clone(), timers.clone(), learning.came());
        Self {
            db,
            journal,
            timers,
            tracker: Arc::new(tracker),
            policy,
            config,
            learning,
            directory,
            began: clock.now(),
            clock,
        }
    }

    /// The consumer that keeps the items.
    pub(crate) fn tracker(&self) -> Arc<Tracker> {
        self.tracker.clone()
    }

    /// Whether routing assigns by itself.
    pub(crate) fn mode(&self) -> Mode {
        self.config.mode
    }

    /// Whether a transfer needs a word to whoever gets the ticket.
    pub(crate) fn requires_summary(&self) -> bool {
        self.config.transfer_summary
    }

    /// The configuration as committed now.
    pub(crate) async fn directory(&self) -> Result<Arc<Directory>, Error> {
        Ok(self.directory.get(self.db.reader()).await?)
    }

    /// After the transaction of a command: lets the dispatcher look at what it changed.
    pub(crate) async fn changed(&self) {
        self.tracker.committed().await;
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// What routing does by itself, because of `cause`.
fn by_routing(cause: &str) -> Origin {
    Origin {
        principal: "routing".to_owned(),
        cause: cause.to_owned(),
    }
}

/// How a request names a group or an agent: by its id, or by its unique name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ref<T> {
    Id(T),
    Name(String),
}

impl<T: FromStr> Ref<T> {
    /// What looks like an id is one: names that do are refused.
    pub(crate) fn parse(given: &str) -> Self {
        given
            .parse()
            .map_or_else(|_| Self::Name(given.to_owned()), Self::Id)
    }
}

/// How many to ask for, to know whether there are more than a page of them.
fn one_more(limit: usize) -> u64 {
    u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1)
}

/// A page, and whether there are more, of what was found for [`one_more`].
fn page<T>(mut found: Vec<T>, limit: usize) -> (Vec<T>, bool) {
    let more = found.len() > limit;
    found.truncate(limit);
    (found, more)
}

/// Finds a group.
pub(crate) fn find_group<'a>(
    directory: &'a Directory,
    wanted: &Ref<GroupId>,
) -> Result<&'a Group, Error> {
    let found = match wanted {
        Ref::Id(id) => directory.groups.get(id),
        Ref::Name(name) => {
            let mut groups = directory.groups.values();
            groups.find(|group| group.profile.name == *name)
        }
    };
    found.ok_or_else(|| no_such("group", wanted))
}

/// Finds an agent.
pub(crate) fn find_agent<'a>(
    directory: &'a Directory,
    wanted: &Ref<AgentId>,
) -> Result<&'a Agent, Error> {
    let found = match wanted {
        Ref::Id(id) => directory.agents.get(id),
        Ref::Name(name) => {
            let mut agents = directory.agents.values();
            agents.find(|agent| agent.profile.name == *name)
        }
    };
    found.ok_or_else(|| no_such("agent", wanted))
}

/// Finds a rota.
pub(crate) fn find_rota<'a>(
    directory: &'a Directory,
    wanted: &Ref<RotaId>,
) -> Result<&'a Rota, Error> {
    let found = match wanted {
        Ref::Id(id) => directory.rotas.get(id),
        Ref::Name(name) => {
            let mut rotas = directory.rotas.values();
            rotas.find(|rota| rota.profile().name == *name)
        }
    };
    found.ok_or_else(|| no_such("rota", wanted))
}

fn no_such<T: ToString>(resource: &'static str, wanted: &Ref<T>) -> Error {
    let id = match wanted {
        Ref::Id(id) => id.to_string(),
        Ref::Name(name) => name.clone(),
    };
    Error::NoSuch { resource, id }
}

/// What a Put did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is new.
    Created,
    /// It is different now.
    Updated,
    /// It was like this already.
    Unchanged,
}
