//! Rows that stand for a table: the truth, with the fence of a real one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lotse_clock::{BusinessClock, Timestamp};
use lotse_supervise::BoxError;
use lotse_timers::{DueRows, Entry};

#[derive(Clone)]
struct Row {
    generation: i64,
    /// `None` while paused, and when done.
    due: Option<Timestamp>,
    lane: u8,
}

/// A table in memory.
pub(crate) struct Rows {
    clock: BusinessClock,
    table: Mutex<BTreeMap<String, Row>>,
    /// Row and the time of each effect, in order.
    pub(crate) effects: Mutex<Vec<(String, Timestamp)>>,
    /// Times `fire` was called, with or without effect.
    pub(crate) calls: Mutex<Vec<Vec<String>>>,
    /// Rows whose transaction always fails.
    pub(crate) broken: Mutex<BTreeSet<String>>,
    /// Transactions that fail before they go well again.
    pub(crate) failures_left: Mutex<u32>,
}

impl Rows {
    pub(crate) fn new(clock: BusinessClock) -> Arc<Rows> {
        Arc::new(Rows {
            clock,
            table: Mutex::default(),
            effects: Mutex::default(),
            calls: Mutex::default(),
            broken: Mutex::default(),
            failures_left: Mutex::new(0),
        })
    }

    /// Commits a due time and returns what is to be armed for it.
    pub(crate) fn set(&self, row: &str, due: Timestamp) -> Entry {
        let mut table = self.table.lock().unwrap();
        let generation = table.get(row).map_or(1, |row| row.generation + 1);
        let lane = if row.starts_with("lane0") {
            0
        } else {
            lane_of(row)
        };
        table.insert(
            row.to_owned(),
            Row {
                generation,
                due: Some(due),
                lane,
            },
        );
        Entry {
            row: row.to_owned(),
            generation,
            due,
            lane,
        }
    }

    /// Commits a pause: another generation, no due time.
    pub(crate) fn pause(&self, row: &str) {
        let mut table = self.table.lock().unwrap();
        let row = table.get_mut(row).unwrap();
        row.generation += 1;
        row.due = None;
    }

    pub(crate) fn fired(&self) -> Vec<(String, Timestamp)> {
        self.effects.lock().unwrap().clone()
    }

    fn list(&self, wanted: impl Fn(&str, &Row) -> bool) -> Vec<Entry> {
        let table = self.table.lock().unwrap();
        table
            .iter()
            .filter(|(id, row)| wanted(id, row))
            .filter_map(|(id, row)| {
                let (generation, lane) = (row.generation, row.lane);
                Some(Entry {
                    row: id.clone(),
                    generation,
                    due: row.due?,
                    lane,
                })
            })
            .collect()
    }
}

/// Spreads names over the lanes; those of the same letters share one.
fn lane_of(row: &str) -> u8 {
    (row.bytes().map(usize::from).sum::<usize>() % 16) as u8
}

#[async_trait]
impl DueRows for Rows {
    async fn fire(&self, lane: u8, due: &[Entry]) -> Result<(), BoxError> {
        self.calls
            .lock()
            .unwrap()
            .push(due.iter().map(|entry| entry.row.clone()).collect());
        {
            let mut left = self.failures_left.lock().unwrap();
            if *left > 0 {
                *left -= 1;
                return Err("the database is away".into());
            }
        }
        let broken = self.broken.lock().unwrap().clone();
        if let Some(entry) = due.iter().find(|entry| broken.contains(&entry.row)) {
            return Err(format!("row {} is broken", entry.row).into());
        }
        let now = self.clock.now();
        let mut table = self.table.lock().unwrap();
        for entry in due {
            let few = due.len() <= 32 && !self.clock.is_manual();
            assert!(few || entry.lane == lane, "many stay inside one lane");
            let Some(row) = table.get_mut(&entry.row) else {
                continue;
            };
            if row.generation == entry.generation && row.due.is_some_and(|due| due <= now) {
                row.due = None;
                self.effects.lock().unwrap().push((entry.row.clone(), now));
            }
        }
        Ok(())
    }

    async fn due_before(&self, before: Timestamp, limit: u64) -> Result<Vec<Entry>, BoxError> {
        let mut due = self.list(|_, row| row.due.is_some_and(|due| due < before));
        due.sort_by_key(|entry| entry.due);
        due.truncate(limit as usize);
        Ok(due)
    }

    async fn armed(&self, lane: u8, after: &str, limit: u64) -> Result<Vec<Entry>, BoxError> {
        let mut armed = self.list(|id, row| row.lane == lane && id > after);
        armed.truncate(limit as usize);
        Ok(armed)
    }
}
