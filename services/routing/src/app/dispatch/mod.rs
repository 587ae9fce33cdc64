//! Automatic assignment: what waits is given to whoever is free.
//!
//! One replica does this for a connected set of groups ([`Tenure`]) and keeps in memory what waits
//! there and who is free ([`Index`]). It hears of changes by following the journal behind the
//! consumer `routing`: the journal says what has changed, SQL says how it is now, so the rows named
//! are read again. What it decides is fenced by the rows it changes, so two who believe to own a set
//! are slow, never wrong. A replica that loses a set forgets it; the next one reads it from SQL.

mod following;
mod reconciling;

use std::collections::BTreeSet;
use std::sync::Arc;

use lotse_clock::Timestamp;
use lotse_ids::GroupId;
use lotse_journal::{BUCKETS, Tenure, bucket_of};

use super::App;
use crate::domain::directory::Directory;
use crate::domain::index::connected::sets;
use crate::domain::index::{Index, Scope};
use crate::error::Error;
use following::Desk;

/// What replicas share this work under.
const ROLE: &str = "routing.index";

/// The slot of items that no workflow leads anywhere.
const PLACELESS: &str = "";

/// What a step found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Something was done, and there may be more.
    Work,
    /// There is nothing to do.
    Nothing {
        /// When there will be, if time alone tells.
        until: Option<Timestamp>,
        /// Whether there are events that the consumer has not come to.
        behind: bool,
    },
}

/// What this replica does of the work.
pub(crate) struct Dispatch {
    tenure: Tenure,
    slots: BTreeSet<u8>,
    desk: Option<Desk>,
}

impl Dispatch {
    pub(crate) fn new() -> Self {
        Self {
            tenure: Tenure::new(ROLE),
            slots: BTreeSet::new(),
            desk: None,
        }
    }

    /// Hears what has changed, and plans and does what can be done at once.
    ///
    /// # Errors
    /// What the database reports; then everything is read anew the next time.
    pub(crate) async fn step(&mut self, app: &App) -> Result<Found, Error> {
        let found = self.try_step(app).await;
        if found.is_err() {
            self.desk = None;
        }
        found
    }

    async fn try_step(&mut self, app: &App) -> Result<Found, Error> {
        app.tracker.arrivals.forget_old();
        let slots = self.tenure.slots(&app.journal).await?;
        if slots.is_empty() {
            self.desk = None;
            return Ok(Found::Nothing {
                until: None,
                behind: false,
            });
        }
        if *slots != self.slots {
            self.slots.clone_from(slots);
            self.desk = None;
        }
        let mut desk = match self.desk.take() {
            Some(desk) => desk,
            None => Desk::open(app, &self.slots).await?,
        };
        let heard = desk.hear(app, &self.slots).await?;
        let worked = desk.work(app).await?;
        let found = if heard || worked {
            Found::Work
        } else {
            desk.reconcile(app).await?;
            Found::Nothing {
                until: desk.index.next_due(),
                behind: desk.follower.is_behind(),
            }
        };
        self.desk = Some(desk);
        Ok(found)
    }

    /// Leaves the work to others.
    pub(crate) async fn retire(&mut self, app: &App) {
        self.desk = None;
        if let Err(error) = self.tenure.retire(&app.journal).await {
            // Others take over when the lease runs out.
            tracing::warn!(%error, "the lease of the index was not released");
        }
    }
}

/// The groups of the connected sets in these slots.
fn scope(directory: &Directory, slots: &BTreeSet<u8>) -> Scope {
    if slots.len() == usize::from(BUCKETS) {
        return Scope::ALL;
    }
    let mine = |name: &str| slots.contains(&bucket_of(name));
    let sets = sets(directory).into_iter();
    let mine_of_them = sets.filter(|(first, _)| mine(first.as_str()));
    let groups: BTreeSet<GroupId> = mine_of_them.flat_map(|(_, groups)| groups).collect();
    Scope {
        groups: Some(groups),
        placeless: mine(PLACELESS),
    }
}

/// An empty index about what is in these slots.
fn index(directory: Arc<Directory>, slots: &BTreeSet<u8>, now: Timestamp) -> Index {
    let scope = scope(&directory, slots);
    Index::within(directory, scope, now)
}
