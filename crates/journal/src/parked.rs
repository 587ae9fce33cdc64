//! Events that could not be applied, and those that wait behind them.
//!
//! An event that keeps failing must not hold up its bucket for ever, but a later event of the same
//! key must not overtake it either. So it is parked, everything of its key queues behind it, and
//! the rest flows. An operator looks, mends, and asks for a redrive.

use std::collections::HashSet;

use lotse_clock::{SystemClock, Timestamp};
use sea_orm::{ConnectionTrait, DbErr};

use crate::event::{COLUMN_COUNT, COLUMNS, Entry, Recorded, read_bucket};
use crate::journal::Journal;
use crate::sql::{Values, statement};

/// Rows of one INSERT.
const ROWS: usize = 256;

/// A parked event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedEvent {
    /// Whose.
    pub consumer: String,
    /// Its bucket.
    pub bucket: u8,
    /// Its position in the bucket.
    pub position: i64,
    /// Its key; later events of the key queue behind it.
    pub key: String,
    /// Why it failed, or what it waits for.
    pub error: String,
    /// How often it failed: 0 for one that only waits.
    pub attempts: i32,
    /// When it was parked, by the machine's clock.
    pub parked_at: Timestamp,
    /// Whether a redrive is asked for and has not yet been tried.
    pub redrive: bool,
}

/// What to try again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redrive {
    /// Everything that a consumer has parked.
    All,
    /// What is parked of one key.
    Key(String),
}

impl Journal {
    /// What `consumer` has parked, by bucket and position.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn parked(&self, consumer: &str) -> Result<Vec<ParkedEvent>, DbErr> {
        let conn = self.db().reader();
        let sql = "SELECT bucket, position, key, error, attempts, parked_at, redrive \
                   FROM journal_parked WHERE consumer = $1 ORDER BY bucket, position";
        let rows = conn
            .query_all_raw(statement(conn, sql, [consumer.into()]))
            .await?;
        rows.iter()
            .map(|row| {
                Ok(ParkedEvent {
                    consumer: consumer.to_owned(),
                    bucket: read_bucket(row, 0)?,
                    position: row.try_get_by(1)?,
                    key: row.try_get_by(2)?,
                    error: row.try_get_by(3)?,
                    attempts: row.try_get_by(4)?,
                    parked_at: Timestamp::from_millis(row.try_get_by(5)?),
                    redrive: row.try_get_by(6)?,
                })
            })
            .collect()
    }

    /// Asks for parked events of `consumer` to be applied again, and returns how many are meant.
    /// Whoever reads their buckets does so at its next step; what fails again stays parked.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn redrive(&self, consumer: &str, what: Redrive) -> Result<u64, DbErr> {
        let marked = self
            .db()
            .in_tx(|tx| {
                let what = &what;
                async move { mark(&tx, consumer, what).await }
            })
            .await?;
        self.leases_changed();
        Ok(marked)
    }
}

async fn mark(conn: &impl ConnectionTrait, consumer: &str, what: &Redrive) -> Result<u64, DbErr> {
    // The cursors first, as everywhere: their rows are the locks of what is parked.
    let mut values = Values::default();
    let consumer = values.push(consumer);
    let yes = values.push(true);
    let which = match what {
        Redrive::All => String::new(),
        Redrive::Key(key) => format!(" AND key = {}", values.push(key.as_str())),
    };
    let values = values.take();
    let cursors = format!(
        "UPDATE journal_cursors SET redrive = {yes} WHERE consumer = {consumer} AND bucket IN \
         (SELECT bucket FROM journal_parked WHERE consumer = {consumer}{which})"
    );
    conn.execute_raw(statement(conn, cursors, values.clone()))
        .await?;
    let events =
        format!("UPDATE journal_parked SET redrive = {yes} WHERE consumer = {consumer}{which}");
    let outcome = conn.execute_raw(statement(conn, events, values)).await?;
    Ok(outcome.rows_affected())
}

/// An event to be parked and why.
pub(crate) struct Park<'a> {
    pub(crate) event: &'a Recorded,
    pub(crate) error: &'a str,
    pub(crate) attempts: i32,
}

pub(crate) async fn insert(
    conn: &impl ConnectionTrait,
    consumer: &str,
    parks: &[Park<'_>],
) -> Result<(), DbErr> {
    let now = SystemClock.now().as_millis();
    for parks in parks.chunks(ROWS) {
        let mut values = Values::default();
        let (consumer, now) = (values.push(consumer), values.push(now));
        let tuples: Vec<String> = parks
            .iter()
            .map(|park| {
                let bucket = values.push(i16::from(park.event.bucket));
                let position = values.push(park.event.position);
                let key = values.push(park.event.key.as_str());
                let error = values.push(park.error);
                let attempts = values.push(park.attempts);
                format!("({consumer}, {bucket}, {position}, {key}, {error}, {attempts}, {now})")
            })
            .collect();
        let sql = format!(
            "INSERT INTO journal_parked \
             (consumer, bucket, position, key, error, attempts, parked_at) VALUES {}",
            tuples.join(", ")
        );
        conn.execute_raw(statement(conn, sql, values.take()))
            .await?;
    }
    Ok(())
}

/// The keys of which something is parked in `buckets`.
pub(crate) async fn keys(
    conn: &impl ConnectionTrait,
    consumer: &str,
    buckets: impl IntoIterator<Item = u8>,
) -> Result<HashSet<String>, DbErr> {
    let mut values = Values::default();
    let consumer = values.push(consumer);
    let buckets = values.buckets(buckets);
    let sql = format!(
        "SELECT DISTINCT key FROM journal_parked \
         WHERE consumer = {consumer} AND bucket IN ({buckets})"
    );
    let rows = conn
        .query_all_raw(statement(conn, sql, values.take()))
        .await?;
    rows.iter().map(|row| row.try_get_by(0)).collect()
}

/// The first event of `bucket` that is to be tried again, with its failures so far: the earliest
/// of its key, because a key's events stay in order. An event of a kind unknown here stays parked.
pub(crate) async fn next_redrive(
    conn: &impl ConnectionTrait,
    consumer: &str,
    bucket: u8,
) -> Result<Option<(Entry, String, i32)>, DbErr> {
    let sql = format!(
        "SELECT {COLUMNS}, p.key, p.attempts FROM journal_parked AS p \
         JOIN journal AS j ON j.bucket = p.bucket AND j.position = p.position \
         WHERE p.consumer = $1 AND p.bucket = $2 AND EXISTS (SELECT 1 FROM journal_parked AS m \
         WHERE m.consumer = $1 AND m.bucket = $2 AND m.key = p.key AND m.redrive = $3) \
         ORDER BY p.position LIMIT 1"
    );
    let values = [consumer.into(), i16::from(bucket).into(), true.into()];
    let row = conn.query_one_raw(statement(conn, sql, values)).await?;
    row.map(|row| {
        let key = row.try_get_by(COLUMN_COUNT)?;
        Ok((Entry::read(&row)?, key, row.try_get_by(COLUMN_COUNT + 1)?))
    })
    .transpose()
}

/// Takes an event off and lets what waits behind it follow. Returns whether it was there.
pub(crate) async fn remove(
    conn: &impl ConnectionTrait,
    consumer: &str,
    event: &Recorded,
) -> Result<bool, DbErr> {
    let (bucket, position) = (event.bucket, event.position);
    let sql = "DELETE FROM journal_parked \
               WHERE consumer = $1 AND bucket = $2 AND position = $3";
    let values = [consumer.into(), i16::from(bucket).into(), position.into()];
    let outcome = conn.execute_raw(statement(conn, sql, values)).await?;
    // Also what queued up after the redrive was asked for, or it would wait behind nothing.
    let sql = "UPDATE journal_parked SET redrive = $1 \
               WHERE consumer = $2 AND bucket = $3 AND key = $4";
    let key = event.key.as_str();
    let values = [
        true.into(),
        consumer.into(),
        i16::from(bucket).into(),
        key.into(),
    ];
    conn.execute_raw(statement(conn, sql, values)).await?;
    Ok(outcome.rows_affected() == 1)
}

/// A redrive of `key` failed at `position`: nothing of it is tried again until asked.
pub(crate) async fn keep(
    conn: &impl ConnectionTrait,
    consumer: &str,
    (bucket, position): (u8, i64),
    key: &str,
    attempts: i32,
    error: &str,
) -> Result<(), DbErr> {
    let sql = "UPDATE journal_parked SET attempts = $1, error = $2 \
               WHERE consumer = $3 AND bucket = $4 AND position = $5";
    let values = [
        attempts.into(),
        error.into(),
        consumer.into(),
        i16::from(bucket).into(),
        position.into(),
    ];
    conn.execute_raw(statement(conn, sql, values)).await?;
    let sql = "UPDATE journal_parked SET redrive = $1 \
               WHERE consumer = $2 AND bucket = $3 AND key = $4";
    let values = [
        false.into(),
        consumer.into(),
        i16::from(bucket).into(),
        key.into(),
    ];
    conn.execute_raw(statement(conn, sql, values)).await?;
    Ok(())
}

/// Takes back the bucket's mark when nothing in it is left to try.
pub(crate) async fn redriven(
    conn: &impl ConnectionTrait,
    consumer: &str,
    bucket: u8,
) -> Result<(), DbErr> {
    let sql = "UPDATE journal_cursors SET redrive = $1 WHERE consumer = $2 AND bucket = $3 \
               AND NOT EXISTS (SELECT 1 FROM journal_parked AS p \
               WHERE p.consumer = $2 AND p.bucket = $3 AND p.redrive = $4)";
    let values = [
        false.into(),
        consumer.into(),
        i16::from(bucket).into(),
        true.into(),
    ];
    conn.execute_raw(statement(conn, sql, values)).await?;
    Ok(())
}
