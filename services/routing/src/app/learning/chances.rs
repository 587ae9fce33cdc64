//! Who is likely to solve what, published from time to time for all replicas to go by.

use lotse_clock::Timestamp;

use super::super::App;
use crate::domain::chance::shares;
use crate::error::Error;
use crate::store::directory;
use crate::store::learning::chances::{self, ByGroup};

impl App {
    /// Publishes chances where those that there are have become old. Returns when they will.
    pub(crate) async fn publish_chances(&self) -> Result<Timestamp, Error> {
        let (now, config) = (self.now(), &self.learning.config);
        let conn = self.db.reader();
        let latest = chances::latest(conn).await?;
        if let Some((_, checked_at)) = latest
            && now < checked_at + config.chances_every()
        {
            return Ok(checked_at + config.chances_every());
        }
        let known = match latest {
            Some((version, _)) => chances::shares(conn, version).await?,
            None => ByGroup::new(),
        };
        // Where nothing is learned any more, what was learned does not count for ever.
        let fresh = if config.enabled {
            let counted = chances::all(conn).await?;
            let directory = self.directory().await?;
            let is_here = |agent: &_| directory.is_active(agent);
            shares(&counted, is_here, config.chance_tolerance, now)
        } else {
            ByGroup::new()
        };
        let (known, fresh) = (&known, &fresh);
        self.db
            .in_tx(|tx| async move {
                if let Some((version, _)) = latest.filter(|_| known == fresh) {
                    return chances::still_holds(&tx, version, now).await;
                }
                let next = latest.map_or(1, |(version, _)| version + 1);
                if chances::publish(&tx, next, now, fresh).await? && known != fresh {
                    // It is part of what routing goes by: every replica reads it.
                    directory::lock(&tx).await?;
                }
                Ok(())
            })
            .await?;
        self.changed().await;
        Ok(now + config.chances_every())
    }
}
