//! Appending: the last thing a transaction does.
//!
//! Positions are dense and visible in order because whoever numbers a bucket holds its lock until
//! the end of the transaction, and reads the bucket's end in a statement that began after the lock
//! was had (READ COMMITTED takes a new snapshot per statement). So nobody commits late into a gap
//! that a reader has passed, and there is no head table or sequence to get out of step.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use lotse_clock::BusinessClock;
use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use crate::bucket::{BUCKETS, bucket_of};
use crate::catch_up::Judged;
use crate::event::{encode, kind_of, read_bucket};
use crate::sql::{Values, statement};
use crate::tx::{Emitted, Tx};

/// First half of the keys of the buckets' advisory locks on PostgreSQL, the second is the bucket.
/// Any number that nobody else uses.
const LOCK: i32 = 0x4C6F_746A;

/// Rows of one INSERT. Eleven parameters each; SQLite takes 32,766 and PostgreSQL 65,535.
const ROWS: usize = 256;

/// Clocks of replicas differ a little. An event that follows another one of the same bucket is not
/// stamped earlier than that one, unless the difference is more than this: then somebody's clock
/// was wrong, and following it would spread the error.
pub(crate) const TOLERATED_SKEW: Duration = Duration::from_secs(5);

/// Why nothing was appended.
pub(crate) enum NotAppended {
    /// What the transaction [judged by](crate::catch_up) no longer holds.
    Overtaken,
    /// The database failed.
    Db(DbErr),
}

impl From<DbErr> for NotAppended {
    fn from(error: DbErr) -> Self {
        Self::Db(error)
    }
}

/// Appends what `tx` has emitted and returns the last position of each bucket appended to.
pub(crate) async fn append(tx: &Tx, clock: &BusinessClock) -> Result<Vec<(u8, i64)>, NotAppended> {
    let (emitted, judged) = (tx.take_emitted(), tx.take_judged());
    if emitted.is_empty() && judged.is_empty() {
        return Ok(Vec::new());
    }
    let emitted: Vec<(u8, Emitted)> = emitted
        .into_iter()
        .map(|one| (bucket_of(&one.draft.key), one))
        .collect();
    let mut buckets: BTreeSet<u8> = emitted.iter().map(|(bucket, _)| *bucket).collect();
    buckets.extend(judged.iter().flat_map(Judged::buckets));
    lock(tx, buckets).await?;
    for judged in judged {
        if judged.is_overtaken(tx).await? {
            return Err(NotAppended::Overtaken);
        }
    }

    let mut ends = [0_i64; BUCKETS as usize];
    let mut rest = emitted.into_iter().peekable();
    while rest.peek().is_some() {
        let (sql, values) = insert(rest.by_ref().take(ROWS), clock)?;
        for row in tx.query_all_raw(statement(tx, sql, values.take())).await? {
            let end = &mut ends[usize::from(read_bucket(&row, 0)?)];
            *end = (*end).max(row.try_get_by(1)?);
        }
    }
    let ends = (0..BUCKETS).zip(ends);
    Ok(ends.filter(|(_, position)| *position > 0).collect())
}

/// Takes the locks of `buckets`, which come in ascending order. On SQLite the transaction is the
/// only writer anyway.
async fn lock(
    conn: &impl ConnectionTrait,
    buckets: impl IntoIterator<Item = u8>,
) -> Result<(), DbErr> {
    if conn.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let mut values = Values::default();
    let calls: Vec<String> = buckets
        .into_iter()
        .map(|bucket| {
            let place = values.push(i32::from(bucket));
            format!("pg_advisory_xact_lock({LOCK}, {place})")
        })
        .collect();
    if calls.is_empty() {
        return Ok(());
    }
    // The expressions of a target list are evaluated from left to right.
    let sql = format!("SELECT {}", calls.join(", "));
    conn.query_one_raw(statement(conn, sql, values.take()))
        .await?;
    Ok(())
}

/// One statement that reads the ends of the buckets, numbers, stamps and inserts.
fn insert(
    rows: impl Iterator<Item = (u8, Emitted)>,
    clock: &BusinessClock,
) -> Result<(String, Values), DbErr> {
    let mut values = Values::default();
    let now = values.push(clock.now().as_millis());
    let skew = values.push(i64::try_from(TOLERATED_SKEW.as_millis()).unwrap_or(i64::MAX));
    let mut ordinals = [0_i64; BUCKETS as usize];
    let mut tuples = String::new();
    for (bucket, one) in rows {
        let Emitted {
            draft,
            ignorable,
            principal,
            cause,
            traceparent,
        } = one;
        let ordinal = &mut ordinals[usize::from(bucket)];
        *ordinal += 1;
        let payload = encode(draft.body, ignorable);
        let places = [
            values.push(i16::from(bucket)),
            values.push(*ordinal),
            values.push(draft.key),
            values.push(draft.ticket_id),
            values.push(kind_of(&payload)?),
            values.push(draft.occurred_at.map(|at| at.as_millis())),
            values.push(principal),
            values.push(cause),
            values.push(traceparent),
            values.push(payload),
        ];
        let comma = if tuples.is_empty() { "" } else { ", " };
        // Writing to a string does not fail.
        let _ = write!(tuples, "{comma}({})", places.join(", "));
    }
    let sql = format!(
        "WITH drafts (bucket, ordinal, key, ticket_id, kind, occurred_at, principal, cause, \
         traceparent, payload) AS (VALUES {tuples}), \
         ends AS (SELECT b.bucket, \
         (SELECT j.position FROM journal AS j WHERE j.bucket = b.bucket \
         ORDER BY j.position DESC LIMIT 1) AS position, \
         (SELECT j.recorded_at FROM journal AS j WHERE j.bucket = b.bucket \
         ORDER BY j.position DESC LIMIT 1) AS recorded_at \
         FROM (SELECT DISTINCT bucket FROM drafts) AS b), \
         stamps AS (SELECT bucket, COALESCE(position, 0) AS position, \
         CASE WHEN recorded_at > {now} AND recorded_at <= {now} + {skew} \
         THEN recorded_at ELSE {now} END AS recorded_at FROM ends) \
         INSERT INTO journal (bucket, position, key, ticket_id, kind, occurred_at, recorded_at, \
         principal, cause, traceparent, payload) \
         SELECT d.bucket, s.position + d.ordinal, d.key, d.ticket_id, d.kind, \
         COALESCE(d.occurred_at, s.recorded_at), s.recorded_at, \
         d.principal, d.cause, d.traceparent, d.payload \
         FROM drafts AS d JOIN stamps AS s ON s.bucket = d.bucket \
         RETURNING bucket, position"
    );
    Ok((sql, values))
}
