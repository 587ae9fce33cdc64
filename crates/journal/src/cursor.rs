//! Cursors: how far each consumer has read each bucket, who reads it, and in which epoch.

use std::collections::BTreeMap;

use lotse_db::Db;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult};

use crate::bucket::BUCKETS;
use crate::event::{COLUMN_COUNT, COLUMNS, Entry, read_bucket};
use crate::sql::{Values, statement};

/// A cursor row with the end of its bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) consumer: String,
    pub(crate) bucket: u8,
    pub(crate) position: i64,
    pub(crate) owner: Option<String>,
    pub(crate) epoch: i64,
    pub(crate) parked: i32,
    pub(crate) redrive: bool,
    pub(crate) attempts: i32,
    pub(crate) error: Option<String>,
    pub(crate) head: i64,
}

/// A cursor as it was when the events behind it were fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) bucket: u8,
    pub(crate) position: i64,
    pub(crate) epoch: i64,
    pub(crate) parked: i32,
    pub(crate) attempts: i32,
}

/// Makes the cursors of a consumer that has none.
pub(crate) async fn create(conn: &impl ConnectionTrait, consumer: &str) -> Result<(), DbErr> {
    let mut values = Values::default();
    let consumer = values.push(consumer);
    let tuples: Vec<String> = (0..BUCKETS)
        .map(|bucket| format!("({consumer}, {}, 0, 0)", values.push(i16::from(bucket))))
        .collect();
    let sql = format!(
        "INSERT INTO journal_cursors (consumer, bucket, position, epoch) VALUES {} \
         ON CONFLICT (consumer, bucket) DO NOTHING",
        tuples.join(", ")
    );
    conn.execute_raw(statement(conn, sql, values.take()))
        .await?;
    Ok(())
}

/// All cursors of a consumer with the ends of their buckets: one query, 64 index seeks.
pub(crate) async fn all(conn: &impl ConnectionTrait, consumer: &str) -> Result<Vec<Cursor>, DbErr> {
    let sql = format!("{CURSORS} WHERE c.consumer = $1 ORDER BY c.bucket");
    let rows = conn
        .query_all_raw(statement(conn, sql, [consumer.into()]))
        .await?;
    rows.iter().map(Cursor::read).collect()
}

/// The cursors of all consumers there ever were.
pub(crate) async fn of_everybody(conn: &impl ConnectionTrait) -> Result<Vec<Cursor>, DbErr> {
    let sql = format!("{CURSORS} ORDER BY c.consumer, c.bucket");
    let rows = conn.query_all_raw(statement(conn, sql, [])).await?;
    rows.iter().map(Cursor::read).collect()
}

const CURSORS: &str = "SELECT c.consumer, c.bucket, c.position, c.owner, c.epoch, c.parked, \
     c.redrive, c.attempts, c.error, COALESCE((SELECT MAX(j.position) FROM journal AS j \
     WHERE j.bucket = c.bucket), 0) FROM journal_cursors AS c";

impl Cursor {
    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            consumer: row.try_get_by(0)?,
            bucket: read_bucket(row, 1)?,
            position: row.try_get_by(2)?,
            owner: row.try_get_by(3)?,
            epoch: row.try_get_by(4)?,
            parked: row.try_get_by(5)?,
            redrive: row.try_get_by(6)?,
            attempts: row.try_get_by(7)?,
            error: row.try_get_by(8)?,
            head: row.try_get_by(9)?,
        })
    }
}

/// Which buckets to fetch from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) first: u8,
    pub(crate) last: u8,
}

/// The next entries of the buckets in `range` that `owner` reads, each with its cursor; see
/// [`reading`] for the order and the limit.
pub(crate) async fn fetch(
    db: &Db,
    consumer: &str,
    owner: &str,
    range: Range,
    limit: u32,
) -> Result<Vec<(Seen, Entry)>, DbErr> {
    let conn = db.reader();
    let condition = "c.consumer = $1 AND c.owner = $2 AND c.bucket BETWEEN $3 AND $4";
    let sql = reading(conn.get_database_backend(), condition, "$5");
    let values = [
        consumer.into(),
        owner.into(),
        i16::from(range.first).into(),
        i16::from(range.last).into(),
        i64::from(limit).into(),
    ];
    let rows = conn.query_all_raw(statement(conn, sql, values)).await?;
    rows.iter().map(read_fetched).collect()
}

/// The next entries that `consumer` has not yet read of `buckets`, whoever reads them otherwise.
pub(crate) async fn fetch_unread(
    conn: &impl ConnectionTrait,
    consumer: &str,
    buckets: &[u8],
    limit: u32,
) -> Result<Vec<(Seen, Entry)>, DbErr> {
    let mut values = Values::default();
    let consumer = values.push(consumer);
    let buckets = values.buckets(buckets.iter().copied());
    let limit = values.push(i64::from(limit));
    let condition = format!("c.consumer = {consumer} AND c.bucket IN ({buckets})");
    let sql = reading(conn.get_database_backend(), &condition, &limit);
    let rows = conn
        .query_all_raw(statement(conn, sql, values.take()))
        .await?;
    rows.iter().map(read_fetched).collect()
}

/// Entries behind the cursors `c` that `condition` selects, by bucket and position. The limit is
/// one per bucket on PostgreSQL and one for all of them on SQLite.
fn reading(backend: DbBackend, condition: &str, limit: &str) -> String {
    let columns = format!("{COLUMNS}, c.position, c.epoch, c.parked, c.attempts");
    match backend {
        // The limit inside keeps the planner at one index range per bucket.
        DbBackend::Postgres => format!(
            "SELECT {columns} FROM journal_cursors AS c CROSS JOIN LATERAL \
             (SELECT * FROM journal AS i WHERE i.bucket = c.bucket AND i.position > c.position \
             ORDER BY i.position LIMIT {limit}) AS j WHERE {condition} \
             ORDER BY j.bucket, j.position"
        ),
        // CROSS JOIN fixes the order of the loops, and with it that of the rows.
        _ => format!(
            "SELECT {columns} FROM journal_cursors AS c CROSS JOIN journal AS j \
             WHERE {condition} AND j.bucket = c.bucket AND j.position > c.position \
             ORDER BY c.bucket, j.position LIMIT {limit}"
        ),
    }
}

fn read_fetched(row: &QueryResult) -> Result<(Seen, Entry), DbErr> {
    let entry = Entry::read(row)?;
    let seen = Seen {
        bucket: entry.place().0,
        position: row.try_get_by(COLUMN_COUNT)?,
        epoch: row.try_get_by(COLUMN_COUNT + 1)?,
        parked: row.try_get_by(COLUMN_COUNT + 2)?,
        attempts: row.try_get_by(COLUMN_COUNT + 3)?,
    };
    Ok((seen, entry))
}

/// Moves cursors from where they were seen, and returns how many still stood there in the same
/// epoch. The first statement of a batch: it locks the rows, in order, and fences out whoever has
/// lost the bucket meanwhile.
pub(crate) async fn advance(
    conn: &impl ConnectionTrait,
    consumer: &str,
    moves: &[(Seen, i64)],
) -> Result<u64, DbErr> {
    let mut values = Values::default();
    let consumer = values.push(consumer);
    let mut targets = Vec::with_capacity(moves.len());
    let mut conditions = Vec::with_capacity(moves.len());
    for (seen, to) in moves {
        let bucket = values.push(i16::from(seen.bucket));
        targets.push(format!("WHEN {bucket} THEN {}", values.push(*to)));
        conditions.push(format!(
            "(bucket = {bucket} AND position = {} AND epoch = {} AND parked = {})",
            values.push(seen.position),
            values.push(seen.epoch),
            values.push(seen.parked),
        ));
    }
    let update = format!(
        "UPDATE journal_cursors SET position = CASE bucket {} END, attempts = 0, error = NULL \
         WHERE consumer = {consumer} AND ({})",
        targets.join(" "),
        conditions.join(" OR ")
    );
    let sql = match conn.get_database_backend() {
        DbBackend::Postgres if moves.len() > 1 => {
            let buckets = values.buckets(moves.iter().map(|(seen, _)| seen.bucket));
            format!(
                "WITH locked AS (SELECT bucket FROM journal_cursors \
                 WHERE consumer = {consumer} AND bucket IN ({buckets}) \
                 ORDER BY bucket FOR UPDATE) \
                 {update} AND bucket IN (SELECT bucket FROM locked)"
            )
        }
        _ => update,
    };
    let outcome = conn
        .execute_raw(statement(conn, sql, values.take()))
        .await?;
    Ok(outcome.rows_affected())
}

/// Locks the cursors of `buckets` in order and tells where they stand. Needed on PostgreSQL only; on
/// SQLite nobody else writes, and nothing is told.
pub(crate) async fn lock(
    conn: &impl ConnectionTrait,
    consumer: &str,
    buckets: &[u8],
) -> Result<BTreeMap<u8, i64>, DbErr> {
    if conn.get_database_backend() != DbBackend::Postgres {
        return Ok(BTreeMap::new());
    }
    let mut values = Values::default();
    let consumer = values.push(consumer);
    let buckets = values.buckets(buckets.iter().copied());
    let sql = format!(
        "SELECT bucket, position FROM journal_cursors WHERE consumer = {consumer} \
         AND bucket IN ({buckets}) ORDER BY bucket FOR UPDATE"
    );
    let rows = conn
        .query_all_raw(statement(conn, sql, values.take()))
        .await?;
    rows.iter()
        .map(|row| Ok((read_bucket(row, 0)?, row.try_get_by(1)?)))
        .collect()
}

/// Adds to the number of parked events of a bucket, under the lock of its cursor. Returns whether
/// the cursor is still in `epoch`.
pub(crate) async fn count_parked(
    conn: &impl ConnectionTrait,
    consumer: &str,
    seen: &Seen,
    change: i32,
) -> Result<bool, DbErr> {
    let sql = "UPDATE journal_cursors SET parked = parked + $1 \
               WHERE consumer = $2 AND bucket = $3 AND epoch = $4";
    let values = [
        change.into(),
        consumer.into(),
        i16::from(seen.bucket).into(),
        seen.epoch.into(),
    ];
    let outcome = conn.execute_raw(statement(conn, sql, values)).await?;
    Ok(outcome.rows_affected() == 1)
}

/// Notes a failure of the event after the cursor; `attempts` in all so far.
pub(crate) async fn note_failure(
    conn: &impl ConnectionTrait,
    consumer: &str,
    seen: &Seen,
    attempts: i32,
    error: &str,
) -> Result<(), DbErr> {
    let sql = "UPDATE journal_cursors SET attempts = $1, error = $2 \
               WHERE consumer = $3 AND bucket = $4 AND epoch = $5 AND position = $6";
    let values = [
        attempts.into(),
        error.into(),
        consumer.into(),
        i16::from(seen.bucket).into(),
        seen.epoch.into(),
        seen.position.into(),
    ];
    conn.execute_raw(statement(conn, sql, values)).await?;
    Ok(())
}
