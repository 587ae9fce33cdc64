//! Who is there: set by the agents' clients, kept by heartbeats, ended by a timer.

use lotse_clock::Timestamp;
use lotse_ids::AgentId;
use lotse_journal::{Origin, Tx, bucket_of, lane_of};
use lotse_timers::Entry;

use super::agents::announce;
use super::{App, Ref, no_such};
use crate::domain::agent::Profile;
use crate::domain::channel::Presences;
use crate::domain::codes::{Channel, Presence};
use crate::error::Error;
use crate::jobs::presence::PRESENCE_QUEUE;
use crate::store::agents::{self as store, Full};

/// What an agent says about being there.
#[derive(Clone, Debug)]
pub(crate) struct WantedPresence {
    /// On all channels that are not named; none leaves those as they are.
    pub(crate) overall: Option<Presence>,
    /// On these channels.
    pub(crate) channels: Vec<(Channel, Presence)>,
}

impl WantedPresence {
    fn over(&self, before: &Presences) -> Presences {
        let mut presences = self.overall.map_or(*before, Presences::all);
        for (channel, presence) in &self.channels {
            presences[*channel] = *presence;
        }
        presences
    }
}

impl App {
    /// Says whether an agent takes new work, channel by channel. Follow it with
    /// [`App::arm_presence`].
    pub(crate) async fn set_presence(
        &self,
        tx: &Tx,
        id: &AgentId,
        wanted: &WantedPresence,
    ) -> Result<Full, Error> {
        let mut full = self.lock_agent(tx, id).await?;
        let presences = wanted.over(&full.seat.presences);
        if full.agent.profile.retired && presences.overall() != Presence::Offline {
            return Err(Error::Retired(id.clone()));
        }
        let changes = full.seat.presences != presences;
        self.write_presence(tx, &mut full, presences).await?;
        if changes {
            announce(tx, &full, None);
        }
        Ok(full)
    }

    /// Keeps the presence of an agent who is there for another while.
    pub(crate) async fn heartbeat(&self, id: &AgentId) -> Result<Full, Error> {
        let full = self
            .db
            .in_tx(|tx| async move {
                let found = store::lock(&tx, id).await?;
                let mut full = found.ok_or_else(|| no_such("agent", &Ref::Id(id.clone())))?;
                // Without a deadline there is nothing to move.
                if full.presence_due_at.is_some() {
                    let presences = full.seat.presences;
                    let due_at = self.expiry(&full.agent.profile, &presences);
                    let now = self.now();
                    full.presence_generation =
                        store::save_presence(&tx, &full, &presences, due_at, now).await?;
                    full.presence_due_at = due_at;
                }
                Ok::<_, Error>(full)
            })
            .await?;
        self.arm(&full).await;
        Ok(full)
    }

    /// Arms the timer of an agent's presence, after the transaction that set it; of one who is
    /// retired, takes back what they were offered.
    pub(crate) async fn arm_presence(&self, id: &AgentId) -> Result<(), Error> {
        let full = self.agent(&Ref::Id(id.clone())).await?;
        self.arm(&full).await;
        if full.agent.profile.retired {
            self.rescind_offers_of(id).await?;
        }
        Ok(())
    }

    /// Ends the presences that have run out, as of when they did. What ran out before this process
    /// began is kept for one more time to live: while the service was away, no heartbeat could be
    /// taken, and a restart shall make nobody offline.
    pub(crate) async fn expire_presences(&self, due: &[(String, i64)]) -> Result<(), Error> {
        let origin = Origin {
            principal: "routing".to_owned(),
            cause: PRESENCE_QUEUE.to_owned(),
        };
        let spared = self
            .journal
            .in_tx(&origin, |tx| async move {
                let now = self.now();
                let (spared, over) = store::lock_expired(&tx, due, now)
                    .await?
                    .into_iter()
                    .partition(|full| {
                        full.presence_due_at
                            .is_some_and(|due_at| due_at < self.began)
                    });
                for full in store::expire(&tx, over, now).await? {
                    announce(&tx, &full, Some(full.presence_since));
                }
                self.spare(&tx, spared).await
            })
            .await?;
        for full in &spared {
            self.arm(full).await;
        }
        Ok(())
    }

    /// Gives agents another time to live.
    async fn spare(&self, tx: &Tx, mut all: Vec<Full>) -> Result<Vec<Full>, Error> {
        for full in &mut all {
            let presences = full.seat.presences;
            let due_at = self.expiry(&full.agent.profile, &presences);
            full.presence_generation =
                store::save_presence(tx, full, &presences, due_at, self.now()).await?;
            full.presence_due_at = due_at;
        }
        Ok(all)
    }

    /// Marks an agent who left an offer unanswered until `at`: nothing more until they say that they
    /// are there. Follow it with [`App::arm_presence`].
    pub(super) async fn stop_responding(
        &self,
        tx: &Tx,
        id: &AgentId,
        at: Timestamp,
    ) -> Result<(), Error> {
        let mut full = self.lock_agent(tx, id).await?;
        let mut presences = full.seat.presences;
        presences.stop_responding();
        if presences == full.seat.presences {
            return Ok(());
        }
        let due_at = full.presence_due_at;
        store::save_presence(tx, &full, &presences, due_at, at).await?;
        full.seat.presences = presences;
        announce(tx, &full, Some(at));
        Ok(())
    }

    /// Fits the presence to a changed profile: the retired go, and whether it runs out may differ.
    pub(super) async fn adapt_presence(&self, tx: &Tx, full: &mut Full) -> Result<(), Error> {
        let presences = if full.agent.profile.retired {
            Presences::all(Presence::Offline)
        } else {
            full.seat.presences
        };
        let runs_out = self.expiry(&full.agent.profile, &presences).is_some();
        if presences != full.seat.presences || runs_out != full.presence_due_at.is_some() {
            self.write_presence(tx, full, presences).await?;
        }
        Ok(())
    }

    async fn write_presence(
        &self,
        tx: &Tx,
        full: &mut Full,
        presences: Presences,
    ) -> Result<(), Error> {
        let due_at = self.expiry(&full.agent.profile, &presences);
        let now = self.now();
        full.presence_generation = store::save_presence(tx, full, &presences, due_at, now).await?;
        if full.seat.presences != presences {
            full.seat.presences = presences;
            full.presence_since = now;
        }
        full.presence_due_at = due_at;
        Ok(())
    }

    async fn lock_agent(&self, tx: &Tx, id: &AgentId) -> Result<Full, Error> {
        let found = store::lock(tx, id).await?;
        found.ok_or_else(|| no_such("agent", &Ref::Id(id.clone())))
    }

    /// When a presence that is set or kept now runs out.
    fn expiry(&self, profile: &Profile, presences: &Presences) -> Option<Timestamp> {
        let there = presences.overall() != Presence::Offline;
        let runs_out = there && !profile.presence_never_expires;
        let ttl = self.config.heartbeat_ttl().filter(|_| runs_out)?;
        Some(self.now() + ttl)
    }

    async fn arm(&self, full: &Full) {
        let id = full.agent.id.as_str();
        let Some(due) = full.presence_due_at else {
            return;
        };
        let entry = Entry {
            row: id.to_owned(),
            generation: full.presence_generation,
            due,
            lane: lane_of(bucket_of(id)),
        };
        // A failure costs lateness only: the worker arms the lane again from SQL.
        if let Err(error) = self.timers.arm(PRESENCE_QUEUE, &[entry]).await {
            tracing::debug!(%error, "a presence was not armed");
        }
    }
}
