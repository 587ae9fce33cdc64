//! What the index holds of a row.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;

/// Shards of a queue, the same as the journal's lanes: what fires together locks together.
pub const LANES: u8 = 16;

/// "Look at `row`, if it is still of `generation`, at `due`."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Id of the row, unique within its queue.
    pub row: String,
    /// Raised by every change of the row's due time, and by a pause, in the transaction of the
    /// change. A generation has one due time.
    pub generation: i64,
    /// When to look. Of an entry claimed anew because its claim was never acknowledged this is
    /// when that claim ran out; the row knows the true time.
    pub due: Timestamp,
    /// Shard, below [`LANES`]; always the same for a row.
    pub lane: u8,
}

/// Entries by lane, in the given order within each.
pub(crate) fn by_lane(entries: impl IntoIterator<Item = Entry>) -> BTreeMap<u8, Vec<Entry>> {
    let mut lanes: BTreeMap<u8, Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        lanes.entry(entry.lane).or_default().push(entry);
    }
    lanes
}
