//! Reading the journal to check what was made of it: on any connection, so that it can be compared
//! with other tables within one snapshot.

use std::collections::{BTreeMap, HashSet};

use sea_orm::{ConnectionTrait, DbErr};

use crate::bucket::BUCKETS;
use crate::event::{COLUMNS, Entry, Recorded, read_bucket};
use crate::sql::{Values, statement};

/// All events of these keys, each in the order of its recording; a key without events is not in the
/// answer. Events of kinds that this program does not know are left out.
///
/// # Errors
/// What the database reports.
pub async fn histories(
    conn: &impl ConnectionTrait,
    keys: &[&str],
) -> Result<BTreeMap<String, Vec<Recorded>>, DbErr> {
    let mut histories: BTreeMap<String, Vec<Recorded>> = BTreeMap::new();
    if keys.is_empty() {
        return Ok(histories);
    }
    let mut values = Values::default();
    let places: Vec<String> = keys.iter().map(|key| values.push(*key)).collect();
    // A key is all in one bucket, so the position alone orders its events.
    let sql = format!(
        "SELECT {COLUMNS} FROM journal AS j WHERE j.key IN ({}) ORDER BY j.key, j.position",
        places.join(", ")
    );
    let rows = conn
        .query_all_raw(statement(conn, sql, values.take()))
        .await?;
    for row in &rows {
        if let Entry::Known(event) = Entry::read(row)? {
            let history = histories.entry(event.key.clone()).or_default();
            history.push(*event);
        }
    }
    Ok(histories)
}

/// How far `consumer` has read each bucket, by bucket; 0 where it has not begun.
///
/// # Errors
/// What the database reports.
pub async fn consumed(
    conn: &impl ConnectionTrait,
    consumer: &str,
) -> Result<[i64; BUCKETS as usize], DbErr> {
    let sql = "SELECT bucket, position FROM journal_cursors WHERE consumer = $1";
    let rows = conn
        .query_all_raw(statement(conn, sql, [consumer.into()]))
        .await?;
    let mut positions = [0; BUCKETS as usize];
    for row in &rows {
        if let Some(position) = positions.get_mut(usize::from(read_bucket(row, 0)?)) {
            *position = row.try_get_by(1)?;
        }
    }
    Ok(positions)
}

/// The keys of which `consumer` has parked something.
///
/// # Errors
/// What the database reports.
pub async fn parked(conn: &impl ConnectionTrait, consumer: &str) -> Result<HashSet<String>, DbErr> {
    let sql = "SELECT DISTINCT key FROM journal_parked WHERE consumer = $1";
    let rows = conn
        .query_all_raw(statement(conn, sql, [consumer.into()]))
        .await?;
    rows.iter().map(|row| row.try_get_by(0)).collect()
}

/// A part of a bucket that is not as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The bucket.
    pub bucket: u8,
    /// Positions from its oldest to its newest event.
    pub expected: i64,
    /// Events that are there.
    pub found: i64,
}

/// The buckets from which events are missing: positions are dense.
///
/// # Errors
/// What the database reports.
pub async fn gaps(conn: &impl ConnectionTrait) -> Result<Vec<Gap>, DbErr> {
    let sql = "SELECT bucket, MAX(position) - MIN(position) + 1, COUNT(*) FROM journal \
               GROUP BY bucket HAVING MAX(position) - MIN(position) + 1 <> COUNT(*) \
               ORDER BY bucket";
    let rows = conn.query_all_raw(statement(conn, sql, [])).await?;
    rows.iter()
        .map(|row| {
            Ok(Gap {
                bucket: read_bucket(row, 0)?,
                expected: row.try_get_by(1)?,
                found: row.try_get_by(2)?,
            })
        })
        .collect()
}

/// A page of the keys under which events of `kind` (the number of the body's field in `Event`)
/// stand in `bucket`, from behind `after` up to `to`, up to `limit` of them, each with its position.
/// An empty answer is the end.
///
/// # Errors
/// What the database reports.
pub async fn keys_of_kind(
    conn: &impl ConnectionTrait,
    kind: i32,
    bucket: u8,
    (after, to): (i64, i64),
    limit: u32,
) -> Result<Vec<(i64, String)>, DbErr> {
    let sql = "SELECT position, key FROM journal WHERE bucket = $1 AND position > $2 \
               AND position <= $3 AND kind = $4 ORDER BY position LIMIT $5";
    let values = [
        i16::from(bucket).into(),
        after.into(),
        to.into(),
        kind.into(),
        i64::from(limit).into(),
    ];
    let rows = conn.query_all_raw(statement(conn, sql, values)).await?;
    rows.iter()
        .map(|row| Ok((row.try_get_by(0)?, row.try_get_by(1)?)))
        .collect()
}
