//! The owner of the rows that are due.

use async_trait::async_trait;
use lotse_clock::Timestamp;
use lotse_supervise::BoxError;

use crate::Entry;

/// What a [`Worker`](crate::Worker) asks of the owner of a queue's rows, usually a few queries.
#[async_trait]
pub trait DueRows: Send + Sync + 'static {
    /// Does what is due in those of `due` (all of `lane`; of several lanes when they are few, and
    /// then `lane` is one of them) whose row is still of that generation,
    /// in the due state, and due by now (`UPDATE … WHERE id AND generation AND state AND due_at <=
    /// now RETURNING`), in one transaction. The others are passed over silently: entries are
    /// hints, and may come twice or too late. On an error nothing of it may have happened.
    async fn fire(&self, lane: u8, due: &[Entry]) -> Result<(), BoxError>;

    /// Up to `limit` of the rows due before `before` and not yet fired, earliest first, of all
    /// lanes.
    async fn due_before(&self, before: Timestamp, limit: u64) -> Result<Vec<Entry>, BoxError>;

    /// Up to `limit` of all the rows of `lane` that wait to become due, by id, from the first
    /// beyond `after`. Fewer than `limit` end the listing.
    async fn armed(&self, lane: u8, after: &str, limit: u64) -> Result<Vec<Entry>, BoxError>;
}
