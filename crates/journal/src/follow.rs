//! Following a consumer: what it has read, once its effects are there.
//!
//! Who keeps something in memory beside a consumer's tables learns here what to read again. The
//! events only name what has changed; the tables say how it is, and are at least as new.

use sea_orm::{ConnectionTrait, DbErr};

use crate::bucket::BUCKETS;
use crate::event::{Entry, Recorded, read_bucket};
use crate::feed::{FeedError, read_ranges, share_out};
use crate::incarnation::Incarnation;
use crate::journal::Journal;
use crate::positions::Positions;
use crate::sql::statement;

/// What this process has heard of the journal, at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse {
    appended: u64,
    leases: u64,
}

/// Reads behind a consumer's cursors.
#[derive(Debug)]
pub struct Follower {
    consumer: &'static str,
    at: Positions,
    behind: bool,
}

impl Journal {
    /// Follows `consumer` from where it stands now. Tables read after this call hold everything
    /// before it.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn follow(&self, consumer: &'static str) -> Result<Follower, DbErr> {
        let incarnation: Incarnation = self.incarnation().await?;
        let mut at = Positions::start(incarnation);
        for (bucket, position) in stands(self.db().reader(), consumer).await? {
            at.set(bucket, position);
        }
        Ok(Follower {
            consumer,
            at,
            behind: false,
        })
    }

    /// What has been heard so far, for [`Journal::changed_since`].
    pub fn pulse(&self) -> Pulse {
        Pulse {
            appended: self.heads().generation(),
            leases: self.heads().lease_generation(),
        }
    }

    /// Returns when anything was heard after `pulse`: events of this process or, where their
    /// wake-up comes through, of others; or replicas that came or went.
    pub async fn changed_since(&self, pulse: Pulse) {
        loop {
            let changed = self.heads().changed();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            if self.pulse() != pulse {
                return;
            }
            changed.await;
        }
    }
}

impl Follower {
    /// What the consumer has read since the last call, up to `limit` events; empty when that is
    /// nothing.
    ///
    /// # Errors
    /// [`FeedError::OtherIncarnation`] when the consumer has been set back: then everything has to
    /// be read anew. What the database reports.
    pub async fn read(
        &mut self,
        journal: &Journal,
        limit: u32,
    ) -> Result<Vec<Recorded>, FeedError> {
        let conn = journal.db().reader();
        // Read first: an event that is heard of later wakes whoever waits.
        let ends = journal.heads().ends();
        let mut unread = [0; BUCKETS as usize];
        self.behind = false;
        for (bucket, position) in stands(conn, self.consumer).await? {
            let at = usize::from(bucket);
            unread[at] = position - self.at.at(bucket);
            self.behind |= ends[at] > position;
        }
        if unread.iter().any(|unread| *unread < 0) {
            return Err(FeedError::OtherIncarnation);
        }
        let shares = share_out(&unread, limit, self.at.total());
        let entries = read_ranges(conn, &self.at, &shares).await?;
        let mut events = Vec::with_capacity(entries.len());
        for entry in entries {
            let (bucket, position) = entry.place();
            self.at.set(bucket, position);
            if let Entry::Known(event) = entry {
                events.push(*event);
            }
        }
        Ok(events)
    }

    /// Whether there are events that the consumer had not read at the last look.
    pub fn is_behind(&self) -> bool {
        self.behind
    }
}

/// Where the cursors of a consumer stand; none before its first run.
async fn stands(conn: &impl ConnectionTrait, consumer: &str) -> Result<Vec<(u8, i64)>, DbErr> {
    let sql = "SELECT bucket, position FROM journal_cursors WHERE consumer = $1";
    let rows = conn
        .query_all_raw(statement(conn, sql, [consumer.into()]))
        .await?;
    rows.iter()
        .map(|row| Ok((read_bucket(row, 0)?, row.try_get_by(1)?)))
        .collect()
}
