//! Tells open tickets that what they go by was edited for them too.

use std::sync::Arc;

use async_trait::async_trait;
use lotse_journal::{
    Body, Consumer as _, ConsumerError, Draft, Journal, LANES, Origin, Tx, bucket_of, buckets_of,
};
use lotse_proto::journal::v1::PlanOutdated;
use lotse_supervise::{BoxError, Job, Step};

use super::consumer::{Follow, NAME};
use crate::Error;
use crate::app::catalogs::Catalogs;
use crate::store::rebases::{self, Rebase};
use crate::store::tickets;

/// Tickets looked at in one transaction.
const BATCH: u64 = 200;

/// Goes through the open tickets of each edit, lane by lane, and emits `PlanOutdated` for those
/// that go by an older version or would get another plan by it. How far it has come moves in the
/// same transaction, so a job that is killed goes on where it was, and any number of replicas may
/// run it.
pub struct Rebases {
    journal: Journal,
    catalogs: Catalogs,
    follow: Arc<Follow>,
}

impl Rebases {
    /// A job that reads ahead as `follow`.
    pub fn new(journal: Journal, catalogs: Catalogs, follow: Arc<Follow>) -> Self {
        Self {
            journal,
            catalogs,
            follow,
        }
    }

    /// One batch of one edit. Returns whether there was one.
    async fn batch(&self) -> Result<bool, BoxError> {
        let Some(found) = rebases::first(self.journal.db().reader())
            .await
            .map_err(Error::from)?
        else {
            return Ok(false);
        };
        let origin = Origin {
            principal: NAME.to_owned(),
            cause: found.id.clone(),
        };
        let keys = stand_ins(found.lane);
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let work = |tx: Tx| {
            let (found, keys) = (&found, &keys);
            async move {
                // Whoever read of a new ticket before the edit has committed by then: the cursors of
                // the lane's buckets are held from here on.
                self.journal.catch_up(&tx, &*self.follow, keys).await?;
                let rebase = rebases::lock(&tx, &found.id).await.map_err(Error::from)?;
                // Another replica may have come further meanwhile.
                if let Some(rebase) = rebase.filter(|rebase| rebase.lane == found.lane) {
                    self.tell(&tx, rebase).await?;
                }
                Ok::<_, ConsumerError>(())
            }
        };
        let told = self.journal.in_tx(&origin, work).await;
        told.map_err(ConsumerError::into_source)?;
        self.follow.committed().await;
        Ok(true)
    }

    async fn tell(&self, tx: &Tx, mut rebase: Rebase) -> Result<(), Error> {
        let catalog = self.catalogs.current(tx).await?;
        let open = tickets::open(tx, rebase.lane, &rebase.after, BATCH).await?;
        for row in &open {
            if catalog.is_outdated(&row.facts, row.plan.as_ref(), &rebase.id) {
                let outdated = PlanOutdated {
                    id: rebase.id.clone(),
                    version: rebase.version,
                };
                // As of the edit, whenever this batch runs: the outcome is the same.
                let body = Body::PlanOutdated(outdated);
                tx.emit(Draft::ticket(row.ticket_id.as_str(), body).at(rebase.edited_at));
            }
        }
        match open.last() {
            Some(last) if open.len() as u64 == BATCH => rebase.after.clone_from(&last.ticket_id),
            _ => {
                rebase.lane += 1;
                rebase.after.clear();
            }
        }
        if rebase.lane < LANES {
            rebases::save(tx, &rebase).await?;
        } else {
            rebases::remove(tx, &rebase.id).await?;
        }
        Ok(())
    }
}

/// A key in each bucket of a lane, of nothing that is ever told of.
fn stand_ins(lane: u8) -> Vec<String> {
    let key = |bucket: u8| {
        (0_u32..)
            .map(|number| number.to_string())
            .find(|key| bucket_of(key) == bucket)
    };
    buckets_of(lane).filter_map(key).collect()
}

#[async_trait]
impl Job for Rebases {
    fn name(&self) -> &str {
        "sla.rebases"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        Ok(if self.batch().await? {
            Step::Busy
        } else {
            Step::Idle { until: None }
        })
    }
}
