//! The history of one key.

use sea_orm::{ConnectionTrait, DbErr};

use crate::event::{COLUMNS, Entry, Recorded};
use crate::journal::Journal;
use crate::sql::statement;

impl Journal {
    /// Up to `limit` events of `key` (a ticket) behind `after`, a position, in the order of their
    /// recording; 0 is before the first. Events of kinds that this program does not know are left
    /// out, so fewer do not mean the end: that is an empty answer with no position. Returns with
    /// them the position to read on from, if there may be more.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn read_key(
        &self,
        key: &str,
        after: i64,
        limit: u32,
    ) -> Result<(Vec<Recorded>, Option<i64>), DbErr> {
        self.read_key_in(self.db().reader(), key, after, limit)
            .await
    }

    /// As [`Journal::read_key`], on a connection that is there already: a transaction's.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn read_key_in(
        &self,
        conn: &impl ConnectionTrait,
        key: &str,
        after: i64,
        limit: u32,
    ) -> Result<(Vec<Recorded>, Option<i64>), DbErr> {
        // A key is all in one bucket, so the position alone orders its events.
        let sql = format!(
            "SELECT {COLUMNS} FROM journal AS j WHERE j.key = $1 AND j.position > $2 \
             ORDER BY j.position LIMIT $3"
        );
        let values = [key.into(), after.into(), i64::from(limit).into()];
        let rows = conn.query_all_raw(statement(conn, sql, values)).await?;
        let entries = rows
            .iter()
            .map(Entry::read)
            .collect::<Result<Vec<_>, _>>()?;
        let full = entries.len() >= limit as usize;
        let last = entries.last().map(|entry| entry.place().1);
        let events = entries.into_iter().filter_map(|entry| match entry {
            Entry::Known(event) => Some(*event),
            Entry::Ignorable { .. } | Entry::Unknown { .. } => None,
        });
        Ok((events.collect(), last.filter(|_| full)))
    }
}
