//! Where the journal was at an instant.

use lotse_clock::Timestamp;
use sea_orm::{ConnectionTrait as _, DbErr};

use crate::bucket::BUCKETS;
use crate::event::{COLUMNS, Entry, Recorded, read_bucket};
use crate::feed::ends;
use crate::journal::Journal;
use crate::positions::Positions;
use crate::sql::{Values, statement};

impl Journal {
    /// Behind the last events that were recorded before an instant, for readers of a span of time.
    ///
    /// Positions are dense and times do not go back within a bucket, so this is a binary search of
    /// all buckets at once: a statement for each doubling of the longest one. What was purged counts
    /// as recorded before.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn positions_at(&self, at: Timestamp) -> Result<Positions, DbErr> {
        let conn = self.db().reader();
        // The answer lies in `known..=end`: what is known to be before, and the last that may be.
        let mut ranges = [(0_i64, 0_i64); BUCKETS as usize];
        for (bucket, end) in ends(conn).await? {
            ranges[usize::from(bucket)].1 = end;
        }
        loop {
            let mut values = Values::default();
            let mut asked = Vec::new();
            for (bucket, (known, end)) in (0..BUCKETS).zip(&ranges) {
                if known < end {
                    let middle = known + (end - known + 1) / 2;
                    let bucket = values.push(i16::from(bucket));
                    asked.push((bucket, values.push(middle)));
                }
            }
            if asked.is_empty() {
                break;
            }
            let these: Vec<String> = asked
                .iter()
                .map(|(bucket, position)| format!("(bucket = {bucket} AND position = {position})"))
                .collect();
            let at = values.push(at.as_millis());
            let sql = format!(
                "SELECT bucket FROM journal WHERE recorded_at >= {at} AND ({})",
                these.join(" OR ")
            );
            let rows = conn
                .query_all_raw(statement(conn, sql, values.take()))
                .await?;
            let mut later = [false; BUCKETS as usize];
            for row in &rows {
                later[usize::from(read_bucket(row, 0)?)] = true;
            }
            for ((known, end), later) in ranges.iter_mut().zip(later) {
                if known < end {
                    let middle = *known + (*end - *known + 1) / 2;
                    if later {
                        *end = middle - 1;
                    } else {
                        *known = middle;
                    }
                }
            }
        }
        let mut positions = self.start().await?;
        for (bucket, (known, _)) in (0..BUCKETS).zip(ranges) {
            positions.set(bucket, known);
        }
        Ok(positions)
    }

    /// The last event of `key` that was recorded before an instant, if this program knows its kind.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn last_before(&self, key: &str, at: Timestamp) -> Result<Option<Recorded>, DbErr> {
        let conn = self.db().reader();
        let sql = format!(
            "SELECT {COLUMNS} FROM journal AS j WHERE j.key = $1 AND j.recorded_at < $2 \
             ORDER BY j.position DESC LIMIT 1"
        );
        let values = [key.into(), at.as_millis().into()];
        let row = conn.query_one_raw(statement(conn, sql, values)).await?;
        let entry = row.as_ref().map(Entry::read).transpose()?;
        Ok(entry.and_then(|entry| match entry {
            Entry::Known(event) => Some(*event),
            Entry::Ignorable { .. } | Entry::Unknown { .. } => None,
        }))
    }
}
