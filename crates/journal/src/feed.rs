//! The feed for outsiders: the journal read by a vector of positions.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use crate::bucket::BUCKETS;
use crate::event::{COLUMNS, Entry, Recorded, read_bucket};
use crate::journal::Journal;
use crate::positions::Positions;
use crate::sql::{Values, statement};

/// Events of one page and where to read on.
#[derive(Debug, Clone)]
pub struct FeedPage {
    /// In order within each bucket, roughly by time between them.
    pub events: Vec<Recorded>,
    /// Behind the last of them. For positions in the middle of a page, advance a copy of what was
    /// asked by each event.
    pub next: Positions,
}

/// Why the feed cannot be read from where it was asked.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The positions are of another life of the journal, or ahead of it: it was restored. The
    /// reader has to begin anew.
    #[error("the journal was restored since this position; read it anew")]
    OtherIncarnation,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbErr),
}

impl Journal {
    /// Before the first event.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn start(&self) -> Result<Positions, DbErr> {
        Ok(Positions::start(self.incarnation().await?))
    }

    /// Behind the last event, for readers that only want what is to come.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn end(&self) -> Result<Positions, DbErr> {
        let mut positions = self.start().await?;
        for (bucket, position) in ends(self.db().reader()).await? {
            positions.set(bucket, position);
        }
        Ok(positions)
    }

    /// Reads on from `from`: about `limit` events, at least one from each bucket that has any, so
    /// that a busy bucket cannot starve a quiet one. An empty page is the end; then wait for
    /// [`Journal::appended`].
    ///
    /// # Errors
    /// Positions from before a restore; what the database reports.
    pub async fn read_feed(&self, from: &Positions, limit: u32) -> Result<FeedPage, FeedError> {
        let conn = self.db().reader();
        if self.incarnation().await? != from.incarnation() {
            return Err(FeedError::OtherIncarnation);
        }
        let share = i64::from(limit.div_ceil(u32::from(BUCKETS)).max(1));
        let mut values = Values::default();
        let tuples: Vec<String> = (0..BUCKETS)
            .map(|bucket| {
                let place = values.push(i16::from(bucket));
                format!("({place}, {})", values.push(from.at(bucket)))
            })
            .collect();
        let share = values.push(share);
        let read = format!(
            "WITH r (bucket, position) AS (VALUES {}) ",
            tuples.join(", ")
        );
        // Positions are dense, so a share of a bucket is a range of positions.
        let sql = match conn.get_database_backend() {
            // LATERAL with a limit keeps the planner at one index range per bucket.
            DbBackend::Postgres => format!(
                "{read} SELECT {COLUMNS} FROM r CROSS JOIN LATERAL \
                 (SELECT * FROM journal AS i WHERE i.bucket = r.bucket \
                 AND i.position > r.position ORDER BY i.position LIMIT {share}) AS j"
            ),
            // CROSS JOIN fixes the order of the loops.
            _ => format!(
                "{read} SELECT {COLUMNS} FROM r CROSS JOIN journal AS j \
                 WHERE j.bucket = r.bucket AND j.position > r.position \
                 AND j.position <= r.position + {share}"
            ),
        };
        let rows = conn
            .query_all_raw(statement(conn, sql, values.take()))
            .await?;
        let mut entries = rows
            .iter()
            .map(Entry::read)
            .collect::<Result<Vec<_>, _>>()?;
        if entries.is_empty() {
            self.refuse_future(from).await?;
        }
        entries.sort_by_key(Entry::place);
        Ok(page(from, entries))
    }

    /// A reader that is ahead of the journal has seen what a restore took back.
    async fn refuse_future(&self, from: &Positions) -> Result<(), FeedError> {
        let mut behind = [0; BUCKETS as usize];
        for (bucket, position) in ends(self.db().reader()).await? {
            behind[usize::from(bucket)] = position;
        }
        let ahead = (0..BUCKETS).any(|bucket| from.at(bucket) > behind[usize::from(bucket)]);
        if ahead {
            Err(FeedError::OtherIncarnation)
        } else {
            Ok(())
        }
    }

    /// Returns when an event was appended after this call began, by this process or, where a wake-up
    /// comes through, by another; at the latest after a second, because wake-ups can be lost.
    pub async fn appended(&self) {
        let _ = tokio::time::timeout(self.config().poll, self.heads().changed()).await;
    }
}

/// The last position of each bucket that has one: 64 index seeks.
pub(crate) async fn ends(conn: &impl ConnectionTrait) -> Result<Vec<(u8, i64)>, DbErr> {
    let mut values = Values::default();
    let tuples: Vec<String> = (0..BUCKETS)
        .map(|bucket| format!("({})", values.push(i16::from(bucket))))
        .collect();
    let sql = format!(
        "WITH b (bucket) AS (VALUES {}) SELECT b.bucket, \
         COALESCE((SELECT MAX(j.position) FROM journal AS j WHERE j.bucket = b.bucket), 0) FROM b",
        tuples.join(", ")
    );
    let rows = conn
        .query_all_raw(statement(conn, sql, values.take()))
        .await?;
    rows.iter()
        .map(|row| Ok((read_bucket(row, 0)?, row.try_get_by(1)?)))
        .collect()
}

/// Entries come by bucket and position.
fn page(from: &Positions, entries: Vec<Entry>) -> FeedPage {
    let mut next = from.clone();
    let mut stopped = None;
    // Sorting by the latest time seen so far in the bucket never swaps two events of one bucket.
    let mut ranked = Vec::with_capacity(entries.len());
    let mut latest = (0, 0);
    for entry in entries {
        let (bucket, position) = entry.place();
        if stopped == Some(bucket) {
            continue;
        }
        match entry {
            Entry::Known(event) => {
                let at = event.recorded_at.as_millis();
                latest = if latest.0 == bucket {
                    (bucket, at.max(latest.1))
                } else {
                    (bucket, at)
                };
                next.set(bucket, position);
                ranked.push((latest.1, bucket, position, *event));
            }
            Entry::Ignorable { .. } => next.set(bucket, position),
            Entry::Unknown { kind, .. } => {
                tracing::error!(bucket, position, kind, "the feed stops at an unknown event");
                stopped = Some(bucket);
            }
        }
    }
    ranked.sort_by_key(|(at, bucket, position, _)| (*at, *bucket, *position));
    let events = ranked.into_iter().map(|(.., event)| event).collect();
    FeedPage { events, next }
}
