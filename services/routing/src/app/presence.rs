//! Who is there: set by the agents' clients, kept by heartbeats, ended by a timer.

use lotse_clock::Timestamp;
use lotse_ids::AgentId;
use lotse_journal::{Origin, Tx, bucket_of, lane_of};
use lotse_timers::Entry;

use super::agents::announce;
use super::{App, Ref, no_such};
use crate::domain::agent::Profile;
use crate::domain::codes::Presence;
use crate::error::Error;
use crate::jobs::presence::PRESENCE_QUEUE;
use crate::store::agents::{self as store, Full};

impl App {
    /// Says whether an agent takes new work. Follow it with [`App::arm_presence`].
    pub(crate) async fn set_presence(
        &self,
        tx: &Tx,
        id: &AgentId,
        presence: Presence,
    ) -> Result<Full, Error> {
        let mut full = self.lock_agent(tx, id).await?;
        if full.agent.profile.retired && presence != Presence::Offline {
            return Err(Error::Retired(id.clone()));
        }
        let changes = full.seat.presence != presence;
        self.write_presence(tx, &mut full, presence).await?;
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
                    let presence = full.seat.presence;
                    let due_at = self.expiry(&full.agent.profile, presence);
                    let now = self.now();
                    full.presence_generation =
                        store::save_presence(&tx, &full, presence, due_at, now).await?;
                    full.presence_due_at = due_at;
                }
                Ok::<_, Error>(full)
            })
            .await?;
        self.arm(&full).await;
        Ok(full)
    }

    /// Arms the timer of an agent's presence, after the transaction that set it.
    pub(crate) async fn arm_presence(&self, id: &AgentId) -> Result<(), Error> {
        let full = self.agent(&Ref::Id(id.clone())).await?;
        self.arm(&full).await;
        Ok(())
    }

    /// Ends the presences that have run out, as of when they did.
    pub(crate) async fn expire_presences(&self, due: &[(String, i64)]) -> Result<(), Error> {
        let origin = Origin {
            principal: "routing".to_owned(),
            cause: PRESENCE_QUEUE.to_owned(),
        };
        self.journal
            .in_tx(&origin, |tx| async move {
                for full in store::expire(&tx, due, self.now()).await? {
                    announce(&tx, &full, Some(full.presence_since));
                }
                Ok::<_, Error>(())
            })
            .await
    }

    /// Fits the presence to a changed profile: the retired go, and whether it runs out may differ.
    pub(super) async fn adapt_presence(&self, tx: &Tx, full: &mut Full) -> Result<(), Error> {
        let presence = if full.agent.profile.retired {
            Presence::Offline
        } else {
            full.seat.presence
        };
        let runs_out = self.expiry(&full.agent.profile, presence).is_some();
        if presence != full.seat.presence || runs_out != full.presence_due_at.is_some() {
            self.write_presence(tx, full, presence).await?;
        }
        Ok(())
    }

    async fn write_presence(
        &self,
        tx: &Tx,
        full: &mut Full,
        presence: Presence,
    ) -> Result<(), Error> {
        let due_at = self.expiry(&full.agent.profile, presence);
        let now = self.now();
        full.presence_generation = store::save_presence(tx, full, presence, due_at, now).await?;
        if full.seat.presence != presence {
            full.seat.presence = presence;
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
    fn expiry(&self, profile: &Profile, presence: Presence) -> Option<Timestamp> {
        let runs_out = presence != Presence::Offline && !profile.presence_never_expires;
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
