//! Tells the alerts that are due, and carries out what reactions decided.

use std::sync::Arc;

use async_trait::async_trait;
use lotse_clock::{BusinessClock, Timestamp};
use lotse_db::Db;
use lotse_journal::{Consumer as _, ConsumerError, Journal, Origin};
use lotse_supervise::BoxError;
use lotse_timers::{DueRows, Entry};

use super::consumer::{Follow, NAME};
use crate::Error;
use crate::app::actions::Actions;
use crate::app::alerts::Alerts;
use crate::app::alerts::ask::Ask;
use crate::store::{actions, alerts};

/// Who does what timers bring about.
fn origin() -> Origin {
    Origin {
        principal: NAME.to_owned(),
        cause: "timer".to_owned(),
    }
}

/// Alerts that need a look.
pub struct DueAlerts {
    db: Db,
    clock: BusinessClock,
    journal: Journal,
    alerts: Alerts,
    ask: Ask,
    follow: Arc<Follow>,
}

impl DueAlerts {
    /// Tells on behalf of `alerts`, asking `ask` whom, reading ahead as `follow`.
    pub fn new(
        db: Db,
        clock: BusinessClock,
        journal: Journal,
        alerts: Alerts,
        ask: Ask,
        follow: Arc<Follow>,
    ) -> Self {
        Self {
            db,
            clock,
            journal,
            alerts,
            ask,
            follow,
        }
    }
}

#[async_trait]
impl DueRows for DueAlerts {
    async fn fire(&self, _lane: u8, due: &[Entry]) -> Result<(), BoxError> {
        let now = self.clock.now();
        let Self {
            db,
            journal,
            alerts,
            ask,
            ..
        } = self;
        let prepared = alerts.prepare(db, journal, ask, due, now).await?;
        if prepared.is_empty() {
            return Ok(());
        }
        let tickets: Vec<&str> = prepared.iter().map(|one| one.ticket_id.as_str()).collect();
        let origin = origin();
        let told = journal.in_tx(&origin, |tx| {
            let (tickets, prepared) = (&tickets, &prepared);
            async move {
                // Whoever acted on the ticket before now is heard first: the alert is over then.
                journal.catch_up(&tx, &*self.follow, tickets).await?;
                alerts.tell(&tx, prepared, now).await?;
                Ok::<_, ConsumerError>(())
            }
        });
        told.await.map_err(ConsumerError::into_source)?;
        self.follow.committed().await;
        Ok(())
    }

    async fn due_before(&self, before: Timestamp, limit: u64) -> Result<Vec<Entry>, BoxError> {
        Ok(alerts::rows::due_before(self.db.reader(), before, limit).await?)
    }

    async fn armed(&self, lane: u8, after: &str, limit: u64) -> Result<Vec<Entry>, BoxError> {
        Ok(alerts::rows::armed(self.db.reader(), lane, after, limit).await?)
    }
}

/// Actions to be tried.
pub struct DueActions {
    db: Db,
    journal: Journal,
    alerts: Alerts,
    actions: Actions,
}

impl DueActions {
    /// Carries out on behalf of `actions`.
    pub fn new(db: Db, journal: Journal, alerts: Alerts, actions: Actions) -> Self {
        Self {
            db,
            journal,
            alerts,
            actions,
        }
    }
}

#[async_trait]
impl DueRows for DueActions {
    async fn fire(&self, _lane: u8, due: &[Entry]) -> Result<(), BoxError> {
        let tried = self.actions.carry_out(&self.db, due).await?;
        if tried.is_empty() {
            return Ok(());
        }
        let origin = origin();
        let settled = self.journal.in_tx(&origin, |tx| {
            let tried = &tried;
            async move { self.actions.settle(&tx, tried).await }
        });
        settled
            .await
            .map_err(|error: Error| BoxError::from(error))?;
        self.alerts.set_timers().await;
        Ok(())
    }

    async fn due_before(&self, before: Timestamp, limit: u64) -> Result<Vec<Entry>, BoxError> {
        Ok(actions::due_before(self.db.reader(), before, limit).await?)
    }

    async fn armed(&self, lane: u8, after: &str, limit: u64) -> Result<Vec<Entry>, BoxError> {
        Ok(actions::armed(self.db.reader(), lane, after, limit).await?)
    }
}
