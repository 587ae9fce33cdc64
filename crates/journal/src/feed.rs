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
    /// What was known of the journal's end before the page was read.
    generation: u64,
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

    /// Reads on from `from`: up to `limit` events, shared out fairly among the buckets that have
    /// any, so that a busy bucket cannot starve a quiet one. An empty page is the end; then wait
    /// with [`Journal::appended_since`].
    ///
    /// # Errors
    /// Positions from before a restore; what the database reports.
    pub async fn read_feed(&self, from: &Positions, limit: u32) -> Result<FeedPage, FeedError> {
        let generation = self.heads().generation();
        let conn = self.db().reader();
        if self.incarnation().await? != from.incarnation() {
            return Err(FeedError::OtherIncarnation);
        }
        let mut unread = [0; BUCKETS as usize];
        for (bucket, end) in ends(conn).await? {
            unread[usize::from(bucket)] = end - from.at(bucket);
        }
        // A reader that is ahead of the journal has seen what a restore took back.
        if unread.iter().any(|unread| *unread < 0) {
            return Err(FeedError::OtherIncarnation);
        }
        let shares = share_out(&unread, limit, from.total());
        let entries = read_ranges(conn, from, &shares).await?;
        Ok(page(from, entries, generation))
    }

    /// Returns when something was appended after `page` was read, by this process or, where its
    /// wake-up comes through, by another; at the latest after the poll interval (a second), because
    /// wake-ups can be lost.
    pub async fn appended_since(&self, page: &FeedPage) {
        let news = async {
            loop {
                let changed = self.heads().changed();
                tokio::pin!(changed);
                // From here on no change is missed.
                changed.as_mut().enable();
                if self.heads().generation() != page.generation {
                    return;
                }
                changed.await;
            }
        };
        // Too late is as good: the caller looks again.
        let _ = tokio::time::timeout(self.config().poll, news).await;
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

/// How much to read of each bucket, `limit` in all where there is so much: everything of those that
/// have little, and the same of those that have more. `turn` decides who is first where not even
/// one is left for each.
pub(crate) fn share_out(
    unread: &[i64; BUCKETS as usize],
    limit: u32,
    turn: u64,
) -> [i64; BUCKETS as usize] {
    let mut shares = [0; BUCKETS as usize];
    let mut left = i64::from(limit.max(1));
    let first = (turn % u64::from(BUCKETS)) as usize;
    loop {
        let hungry: Vec<usize> = (0..shares.len())
            .map(|step| (first + step) % shares.len())
            .filter(|bucket| shares[*bucket] < unread[*bucket])
            .collect();
        if hungry.is_empty() || left == 0 {
            return shares;
        }
        let portion = (left / hungry.len() as i64).max(1);
        for bucket in hungry {
            let more = portion.min(unread[bucket] - shares[bucket]).min(left);
            shares[bucket] += more;
            left -= more;
        }
    }
}

/// The next entries of each bucket, as many as its share, by bucket and position.
pub(crate) async fn read_ranges(
    conn: &impl ConnectionTrait,
    from: &Positions,
    shares: &[i64; BUCKETS as usize],
) -> Result<Vec<Entry>, DbErr> {
    let mut values = Values::default();
    let mut tuples = Vec::new();
    for (bucket, share) in (0..BUCKETS).zip(shares).filter(|(_, share)| **share > 0) {
        let at = from.at(bucket);
        let bucket = values.push(i16::from(bucket));
        let after = values.push(at);
        // Positions are dense, so a share of a bucket is a range of positions.
        let last = values.push(at + share);
        tuples.push(format!("({bucket}, {after}, {last})"));
    }
    if tuples.is_empty() {
        return Ok(Vec::new());
    }
    let ranges = format!(
        "WITH r (bucket, after, last) AS (VALUES {})",
        tuples.join(", ")
    );
    let range = "i.bucket = r.bucket AND i.position > r.after AND i.position <= r.last";
    let sql = match conn.get_database_backend() {
        // LATERAL with a limit keeps the planner at one index range per bucket.
        DbBackend::Postgres => format!(
            "{ranges} SELECT {COLUMNS} FROM r CROSS JOIN LATERAL \
             (SELECT * FROM journal AS i WHERE {range} LIMIT {}) AS j",
            i64::from(u32::MAX)
        ),
        // CROSS JOIN fixes the order of the loops.
        _ => format!(
            "{ranges} SELECT {} FROM r CROSS JOIN journal AS i WHERE {range}",
            COLUMNS.replace("j.", "i.")
        ),
    };
    let rows = conn
        .query_all_raw(statement(conn, sql, values.take()))
        .await?;
    let mut entries = rows
        .iter()
        .map(Entry::read)
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(Entry::place);
    Ok(entries)
}

/// Entries come by bucket and position.
fn page(from: &Positions, entries: Vec<Entry>, generation: u64) -> FeedPage {
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
    FeedPage {
        events,
        next,
        generation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shares_are_fair_and_use_the_limit(
            unread in prop::array::uniform32(0_i64..500),
            limit in 1_u32..3_000,
            turn: u64,
        ) {
            let mut all = [0; BUCKETS as usize];
            all[16..48].copy_from_slice(&unread);
            let shares = share_out(&all, limit, turn);
            let total: i64 = all.iter().sum();
            prop_assert_eq!(shares.iter().sum::<i64>(), total.min(i64::from(limit)));
            for (one, has) in shares.iter().zip(&all) {
                prop_assert!(one <= has);
                // Whoever is cut short has at most one less than anybody else.
                if one < has {
                    prop_assert!(shares.iter().all(|other| *other <= one + 1));
                }
            }
        }
    }
}
