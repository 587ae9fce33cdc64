//! What a replica knows of its buckets between two steps.

use std::collections::BTreeMap;
use std::time::Instant;

use sea_orm::DbBackend;

use super::turn::Turn;
use crate::bucket::{BUCKETS, LANES, buckets_of};
use crate::cursor::{Cursor, Range, Seen};

#[derive(Default)]
pub(super) struct State {
    pub(super) buckets: BTreeMap<u8, Bucket>,
    /// When to look at the database whatever is known; `None` for now.
    pub(super) refresh_at: Option<Instant>,
    pub(super) renew_at: Option<Instant>,
    /// Where to begin: the buckets take turns, so that none starves.
    pub(super) begin: u8,
}

/// A bucket that this replica reads.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    pub(super) position: i64,
    pub(super) epoch: i64,
    pub(super) parked: i32,
    pub(super) redrive: bool,
    /// Its end as the database last told.
    pub(super) head: i64,
    /// Its end as this process knows it, when the database told otherwise: a hint that is wrong.
    pub(super) wrong_hint: i64,
    /// Up to here events are applied one by one, because one of them fails.
    pub(super) one_by_one: i64,
    /// Not before then: the next event has just failed.
    pub(super) retry_at: Option<Instant>,
    /// The next event is of a kind unknown here.
    pub(super) stopped: bool,
}

impl State {
    /// These buckets have been given back.
    pub(super) fn forget(&mut self, buckets: &[u8]) {
        self.buckets.retain(|bucket, _| !buckets.contains(bucket));
    }

    /// Ranges of buckets with something to do: lanes on PostgreSQL, everything on SQLite, where
    /// there is one writer anyway.
    pub(super) fn ranges(
        &mut self,
        backend: DbBackend,
        ends: &[i64; BUCKETS as usize],
        now: Instant,
        lanes_at_once: usize,
    ) -> Vec<Range> {
        let ready = |bucket: &u8| {
            let known = self.buckets.get(bucket);
            known.is_some_and(|known| known.is_ready(ends[usize::from(*bucket)], now))
        };
        if backend == DbBackend::Sqlite {
            let behind = (self.begin..BUCKETS).find(ready);
            let first = behind.or_else(|| (0..self.begin).find(ready));
            self.begin = 0;
            let last = BUCKETS - 1;
            let range = first.map(|first| Range { first, last });
            return range.into_iter().collect();
        }
        let lanes = (0..LANES)
            .map(buckets_of)
            .filter(|lane| lane.clone().any(|b| ready(&b)));
        let (before, after): (Vec<_>, Vec<_>) = lanes.partition(|lane| *lane.end() < self.begin);
        let turns: Vec<Range> = after
            .into_iter()
            .chain(before)
            .take(lanes_at_once.max(1))
            .map(|lane| Range {
                first: *lane.start(),
                last: *lane.end(),
            })
            .collect();
        self.begin = turns.last().map_or(0, |lane| (lane.last + 1) % BUCKETS);
        turns
    }

    /// Notes what became of turns.
    pub(super) fn settle(&mut self, turns: Vec<Turn>) {
        for turn in turns {
            for (bucket, position) in turn.moved {
                if let Some(known) = self.buckets.get_mut(&bucket) {
                    known.position = position;
                    known.retry_at = None;
                }
            }
            for (bucket, until) in turn.one_by_one {
                if let Some(known) = self.buckets.get_mut(&bucket) {
                    known.one_by_one = known.one_by_one.max(until);
                }
            }
            for (bucket, at) in turn.retry {
                if let Some(known) = self.buckets.get_mut(&bucket) {
                    known.retry_at = at;
                }
            }
            for bucket in turn.stopped {
                if let Some(known) = self.buckets.get_mut(&bucket) {
                    known.stopped = true;
                }
            }
            if turn.stale {
                self.refresh_at = None;
            }
            if let Some(bucket) = turn.cut_at {
                self.begin = (bucket + 1) % BUCKETS;
            }
        }
    }
}

impl Bucket {
    /// What the database says, with what is known beside it of the same bucket in the same epoch.
    pub(super) fn adopt(before: Option<&Self>, cursor: &Cursor, hint: i64) -> Self {
        let before = before.filter(|before| before.epoch == cursor.epoch);
        let stays = before.filter(|before| before.position == cursor.position);
        Self {
            position: cursor.position,
            epoch: cursor.epoch,
            parked: cursor.parked,
            redrive: cursor.redrive,
            head: cursor.head,
            wrong_hint: if hint > cursor.head { hint } else { 0 },
            one_by_one: match before {
                Some(before) => before.one_by_one,
                // The next event has failed with another replica: no need to search for it.
                None if cursor.attempts > 0 => cursor.position + 1,
                None => 0,
            },
            retry_at: stays.and_then(|before| before.retry_at),
            stopped: stays.is_some_and(|before| before.stopped),
        }
    }

    /// A known end beyond this is work to do at once.
    pub(super) fn read(&self) -> i64 {
        if self.stopped || self.retry_at.is_some() {
            i64::MAX
        } else {
            self.position.max(self.wrong_hint)
        }
    }

    pub(super) fn seen(&self, bucket: u8) -> Seen {
        Seen {
            bucket,
            position: self.position,
            epoch: self.epoch,
            parked: self.parked,
            attempts: 0,
        }
    }

    pub(super) fn is_waiting(&self, now: Instant) -> bool {
        self.stopped || self.retry_at.is_some_and(|at| now < at)
    }

    pub(super) fn is_ready(&self, hint: i64, now: Instant) -> bool {
        let behind = hint > self.position.max(self.wrong_hint) || self.head > self.position;
        behind && !self.is_waiting(now)
    }
}
