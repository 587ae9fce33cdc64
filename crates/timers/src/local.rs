//! Timers in this process, for the embedded default.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lotse_clock::Timestamp;
use tokio::sync::Notify;

use crate::entry::LANES;
use crate::store::check_lanes;
use crate::{Claim, Entry, Rearm, StoreError, TimerStore};

/// A timer store in memory. Empty after a restart, which the worker notices and arms again from
/// SQL. Clones share it.
#[derive(Clone, Default)]
pub struct LocalTimers {
    queues: Arc<Mutex<HashMap<String, Queue>>>,
}

#[derive(Default)]
struct Queue {
    lanes: [Lane; LANES as usize],
    moved: Arc<Notify>,
}

#[derive(Default)]
struct Lane {
    /// Generation and time of each row: its due time, or the end of its claim.
    rows: HashMap<Arc<str>, (i64, Timestamp)>,
    order: BTreeSet<(Timestamp, Arc<str>)>,
    complete: bool,
    rearming: Option<u64>,
}

impl Queue {
    fn head(&self) -> Option<Timestamp> {
        self.lanes.iter().filter_map(Lane::head).min()
    }
}

impl Lane {
    fn head(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    fn generation(&self, row: &str) -> Option<i64> {
        self.rows.get(row).map(|(generation, _)| *generation)
    }

    fn put(&mut self, row: Arc<str>, generation: i64, at: Timestamp) {
        self.remove(&row);
        self.order.insert((at, row.clone()));
        self.rows.insert(row, (generation, at));
    }

    fn remove(&mut self, row: &str) {
        if let Some((row, (_, at))) = self.rows.remove_entry(row) {
            self.order.remove(&(at, row));
        }
    }
}

impl LocalTimers {
    /// An empty store.
    #[must_use]
    pub fn new() -> LocalTimers {
        LocalTimers::default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, queue: &str, work: impl FnOnce(&mut Queue) -> T) -> T {
        let mut queues = self.lock();
        if let Some(present) = queues.get_mut(queue) {
            return work(present);
        }
        work(queues.entry(queue.to_owned()).or_default())
    }

    /// Puts those of `entries` that `wanted(present generation, entry)`.
    fn put(
        &self,
        queue: &str,
        entries: &[Entry],
        wanted: impl Fn(Option<i64>, &Entry) -> bool,
    ) -> Result<(), StoreError> {
        check_lanes(entries)?;
        self.with(queue, |queue| {
            let before = queue.head();
            for entry in entries {
                let lane = &mut queue.lanes[usize::from(entry.lane)];
                if wanted(lane.generation(&entry.row), entry) {
                    lane.put(Arc::from(entry.row.as_str()), entry.generation, entry.due);
                }
            }
            let after = queue.head();
            if after.is_some_and(|after| before.is_none_or(|before| after < before)) {
                queue.moved.notify_one();
            }
        });
        Ok(())
    }

    fn remove(
        &self,
        queue: &str,
        entries: &[Entry],
        wanted: impl Fn(i64, &Entry) -> bool,
    ) -> Result<(), StoreError> {
        check_lanes(entries)?;
        self.with(queue, |queue| {
            for entry in entries {
                let lane = &mut queue.lanes[usize::from(entry.lane)];
                if lane
                    .generation(&entry.row)
                    .is_some_and(|present| wanted(present, entry))
                {
                    lane.remove(&entry.row);
                }
            }
        });
        Ok(())
    }
}

#[async_trait]
impl TimerStore for LocalTimers {
    async fn arm(&self, queue: &str, entries: &[Entry]) -> Result<(), StoreError> {
        self.put(queue, entries, |present, entry| {
            present.is_none_or(|present| present <= entry.generation)
        })
    }

    async fn arm_missing(&self, queue: &str, entries: &[Entry]) -> Result<(), StoreError> {
        self.put(queue, entries, |present, entry| {
            present.is_none_or(|present| present < entry.generation)
        })
    }

    async fn cancel(&self, queue: &str, entries: &[Entry]) -> Result<(), StoreError> {
        self.remove(queue, entries, |present, entry| present <= entry.generation)
    }

    async fn claim(
        &self,
        queue: &str,
        now: Timestamp,
        limit: usize,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        Ok(self.with(queue, |queue| {
            let mut claim = Claim::default();
            for (index, lane) in (0..LANES).zip(&mut queue.lanes) {
                let due = lane
                    .order
                    .iter()
                    .take_while(|(at, _)| *at <= now)
                    .take(limit);
                let due: Vec<(Timestamp, Arc<str>)> = due.cloned().collect();
                for (due, row) in due {
                    let Some((generation, _)) = lane.rows.get(&row).copied() else {
                        continue;
                    };
                    lane.put(row.clone(), generation, now + lease);
                    let row = row.as_ref().to_owned();
                    claim.entries.push(Entry {
                        row,
                        generation,
                        due,
                        lane: index,
                    });
                }
                if !lane.complete {
                    claim.lost.push(index);
                }
            }
            claim.next_due = queue.head();
            claim
        }))
    }

    async fn ack(&self, queue: &str, entries: &[Entry]) -> Result<(), StoreError> {
        self.remove(queue, entries, |present, entry| present == entry.generation)
    }

    async fn next_due(&self, queue: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.with(queue, |queue| queue.head()))
    }

    async fn count(&self, queue: &str) -> Result<u64, StoreError> {
        Ok(self.with(queue, |queue| {
            queue.lanes.iter().map(|lane| lane.rows.len() as u64).sum()
        }))
    }

    async fn moved(&self, queue: &str) {
        let moved = self.with(queue, |queue| queue.moved.clone());
        moved.notified().await;
    }

    async fn begin_rearm(&self, queue: &str, lane: u8) -> Result<Rearm, StoreError> {
        let token = rand::random();
        self.with(queue, |queue| {
            queue.lanes[usize::from(lane)].rearming = Some(token)
        });
        Ok(Rearm {
            lane,
            token,
            failures: 0,
        })
    }

    async fn finish_rearm(&self, queue: &str, rearm: Rearm) -> Result<bool, StoreError> {
        Ok(self.with(queue, |queue| {
            let lane = &mut queue.lanes[usize::from(rearm.lane)];
            if lane
                .rearming
                .take_if(|token| *token == rearm.token)
                .is_none()
            {
                return false;
            }
            lane.complete = true;
            true
        }))
    }

    async fn clear(&self, queue: &str) -> Result<(), StoreError> {
        self.with(queue, |queue| queue.lanes = Default::default());
        Ok(())
    }
}
