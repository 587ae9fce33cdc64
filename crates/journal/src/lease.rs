//! Which replica reads which bucket.
//!
//! A replica keeps a lease per consumer, by the machine's clock. The buckets go to those whose
//! lease runs, by rendezvous hashing. Taking a bucket raises its epoch, and every batch names the
//! epoch it was fetched in, so clocks that differ cost time but never a doubled effect.

use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_db::Db;
use sea_orm::{ConnectionTrait, DbErr};

use crate::bucket::owner_of;
use crate::cursor::Cursor;
use crate::sql::{Values, statement};

/// Leases that ran out this many terms ago are deleted.
const FORGOTTEN_AFTER: u32 = 20;

/// What a replica has to do about its buckets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Bucket and epoch of those to take.
    pub(crate) take: Vec<(u8, i64)>,
    /// Those to give back.
    pub(crate) release: Vec<u8>,
}

impl Change {
    pub(crate) fn is_empty(&self) -> bool {
        self.take.is_empty() && self.release.is_empty()
    }

    /// For a replica that has everything to itself.
    pub(crate) fn everything(me: &str, cursors: &[Cursor]) -> Self {
        let others = cursors
            .iter()
            .filter(|cursor| cursor.owner.as_deref() != Some(me));
        Self {
            take: others.map(|cursor| (cursor.bucket, cursor.epoch)).collect(),
            release: Vec::new(),
        }
    }

    /// For one of several: takes what is its own as soon as nobody alive has it, and gives back
    /// what now belongs to another.
    pub(crate) fn share(me: &str, live: &[String], cursors: &[Cursor]) -> Self {
        let mut change = Self::default();
        for cursor in cursors {
            let wanted = owner_of(cursor.bucket, live) == Some(me);
            match cursor.owner.as_deref() {
                Some(owner) if owner == me => {
                    if !wanted {
                        change.release.push(cursor.bucket);
                    }
                }
                Some(owner) if live.iter().any(|replica| replica == owner) => {}
                _ => {
                    if wanted {
                        change.take.push((cursor.bucket, cursor.epoch));
                    }
                }
            }
        }
        change
    }
}

/// Extends the replica's lease, and forgets those that ran out long ago.
pub(crate) async fn renew(
    db: &Db,
    consumer: &str,
    me: &str,
    now: Timestamp,
    term: Duration,
) -> Result<(), DbErr> {
    db.in_tx(|tx| async move {
        let sql = "INSERT INTO journal_leases (consumer, replica, expires_at) VALUES ($1, $2, $3) \
                   ON CONFLICT (consumer, replica) DO UPDATE SET expires_at = excluded.expires_at";
        let until = (now + term).as_millis();
        let values = [consumer.into(), me.into(), until.into()];
        tx.execute_raw(statement(&tx, sql, values)).await?;
        let sql = "DELETE FROM journal_leases WHERE consumer = $1 AND expires_at < $2";
        let forgotten = (now - term * FORGOTTEN_AFTER).as_millis();
        tx.execute_raw(statement(&tx, sql, [consumer.into(), forgotten.into()]))
            .await?;
        Ok(())
    })
    .await
}

/// The replicas whose lease runs.
pub(crate) async fn live(
    conn: &impl ConnectionTrait,
    consumer: &str,
    now: Timestamp,
) -> Result<Vec<String>, DbErr> {
    let sql = "SELECT replica FROM journal_leases WHERE consumer = $1 AND expires_at > $2";
    let values = [consumer.into(), now.as_millis().into()];
    let rows = conn.query_all_raw(statement(conn, sql, values)).await?;
    rows.iter().map(|row| row.try_get_by(0)).collect()
}

/// Carries a change out, as far as nobody was faster.
pub(crate) async fn carry_out(
    db: &Db,
    consumer: &str,
    me: &str,
    change: &Change,
) -> Result<(), DbErr> {
    db.in_tx(|tx| async move {
        if !change.take.is_empty() {
            let mut values = Values::default();
            let (consumer, me) = (values.push(consumer), values.push(me));
            let conditions: Vec<String> = change
                .take
                .iter()
                .map(|(bucket, epoch)| {
                    let bucket = values.push(i16::from(*bucket));
                    format!("(bucket = {bucket} AND epoch = {})", values.push(*epoch))
                })
                .collect();
            let sql = format!(
                "UPDATE journal_cursors SET owner = {me}, epoch = epoch + 1 \
                 WHERE consumer = {consumer} AND ({})",
                conditions.join(" OR ")
            );
            tx.execute_raw(statement(&tx, sql, values.take())).await?;
        }
        if !change.release.is_empty() {
            let mut values = Values::default();
            let (consumer, me) = (values.push(consumer), values.push(me));
            let buckets = values.buckets(change.release.iter().copied());
            let sql = format!(
                "UPDATE journal_cursors SET owner = NULL, epoch = epoch + 1 \
                 WHERE consumer = {consumer} AND owner = {me} AND bucket IN ({buckets})"
            );
            tx.execute_raw(statement(&tx, sql, values.take())).await?;
        }
        Ok(())
    })
    .await
}

/// Gives everything back at once: the replica stops.
pub(crate) async fn retire(db: &Db, consumer: &str, me: &str) -> Result<(), DbErr> {
    db.in_tx(|tx| async move {
        let sql = "UPDATE journal_cursors SET owner = NULL, epoch = epoch + 1 \
                   WHERE consumer = $1 AND owner = $2";
        tx.execute_raw(statement(&tx, sql, [consumer.into(), me.into()]))
            .await?;
        let sql = "DELETE FROM journal_leases WHERE consumer = $1 AND replica = $2";
        tx.execute_raw(statement(&tx, sql, [consumer.into(), me.into()]))
            .await?;
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursors(owner: impl Fn(u8) -> Option<&'static str>) -> Vec<Cursor> {
        (0..64)
            .map(|bucket| Cursor {
                consumer: "c".to_owned(),
                bucket,
                position: 0,
                owner: owner(bucket).map(str::to_owned),
                epoch: 3,
                parked: 0,
                redrive: false,
                attempts: 0,
                error: None,
                head: 0,
            })
            .collect()
    }

    fn replicas(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_only_replica_takes_what_the_dead_have_left() {
        let change = Change::share("a", &replicas(&["a"]), &cursors(|_| Some("dead")));
        assert_eq!(change.take.len(), 64);
        assert!(change.take.contains(&(7, 3)));
        assert!(change.release.is_empty());
    }

    #[test]
    fn a_newcomer_waits_until_the_other_gives_back() {
        let both = replicas(&["a", "b"]);
        let all_a = cursors(|_| Some("a"));
        assert!(Change::share("b", &both, &all_a).is_empty());
        let given = Change::share("a", &both, &all_a).release;
        assert!(!given.is_empty() && given.len() < 64);
        let free = cursors(|bucket| (!given.contains(&bucket)).then_some("a"));
        let taken = Change::share("b", &both, &free).take;
        assert_eq!(
            taken.iter().map(|(bucket, _)| *bucket).collect::<Vec<_>>(),
            given
        );
        assert!(Change::share("a", &both, &free).is_empty());
    }

    #[test]
    fn a_replica_whose_lease_ran_out_gives_back() {
        let change = Change::share("a", &replicas(&["b"]), &cursors(|_| Some("a")));
        assert_eq!(change.release.len(), 64);
    }
}
