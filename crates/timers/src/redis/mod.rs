//! Timers in Redis, shared by all replicas of a service.

mod link;
mod scripts;

use std::time::Duration;

use ::redis::{Cmd, Pipeline, Script};
use async_trait::async_trait;
use lotse_clock::Timestamp;

use crate::entry::{LANES, by_lane};
use crate::store::check_lanes;
use crate::{Claim, Entry, Rearm, StoreError, TimerStore};
use link::Link;

/// Entries in one script call; it blocks Redis for about a millisecond.
const CALL: usize = 500;

/// Calls sent without waiting for the answers of those before.
const PIPELINE: usize = 32;

/// A timer store in Redis 6 or later, alone or as a cluster's node. Replicas that open it with the
/// same prefix share it.
pub struct RedisTimers {
    link: Link,
    prefix: String,
}

impl RedisTimers {
    /// Timers in the Redis at `url` (`redis://[user:password@]host:port[/db]`), under keys that
    /// start with `prefix`. Connects on first use, and again whenever that is needed. Must be
    /// called on a tokio runtime.
    pub fn open(url: &str, prefix: &str) -> Result<RedisTimers, StoreError> {
        if prefix.is_empty() || prefix.contains(['{', '}']) {
            let text = format!("the key prefix {prefix:?} must not be empty or contain braces");
            return Err(StoreError::Config(text));
        }
        Ok(RedisTimers {
            link: Link::open(url)?,
            prefix: prefix.to_owned(),
        })
    }

    /// The lane in braces is the hash tag: a lane's key stays on one node of a cluster. Another
    /// layout of the data gets another version, so that two releases do not meet in one key.
    fn key(&self, queue: &str, lane: u8) -> String {
        format!("{}:timers:v1:{queue}:{{{lane}}}", self.prefix)
    }

    fn channel(&self, queue: &str) -> String {
        format!("{}:timers:v1:{queue}:moved", self.prefix)
    }

    fn call(&self, script: &Script, queue: &str, lane: u8) -> Cmd {
        let mut call = ::redis::cmd("EVALSHA");
        call.arg(script.get_hash())
            .arg(1)
            .arg(self.key(queue, lane));
        call
    }

    fn on_lane(&self, command: &str, queue: &str, lane: u8) -> Cmd {
        let mut call = ::redis::cmd(command);
        call.arg(self.key(queue, lane));
        call
    }

    /// One call for each lane.
    fn on_all(&self, call: impl Fn(u8) -> Cmd) -> Pipeline {
        let mut pipeline = ::redis::pipe();
        for lane in 0..LANES {
            pipeline.add_command(call(lane));
        }
        pipeline
    }

    /// Sends one call for each [`CALL`] entries of a lane. On an error says so for every entry
    /// that may not have arrived.
    async fn send_in_bulk(
        &self,
        entries: &[Entry],
        call: impl Fn(u8, &[Entry]) -> Cmd,
    ) -> Result<(), StoreError> {
        check_lanes(entries)?;
        let lanes = by_lane(entries.iter().cloned());
        let calls: Vec<Cmd> = lanes
            .iter()
            .flat_map(|(lane, entries)| entries.chunks(CALL).map(|chunk| call(*lane, chunk)))
            .collect();
        for calls in calls.chunks(PIPELINE) {
            let mut pipeline = ::redis::pipe();
            for call in calls {
                pipeline.add_command(call.clone()).ignore();
            }
            self.link.send::<()>(&pipeline).await?;
        }
        Ok(())
    }

    async fn arm_as(&self, mode: &str, queue: &str, entries: &[Entry]) -> Result<(), StoreError> {
        let channel = self.channel(queue);
        let outcome = self.send_in_bulk(entries, |lane, entries| {
            let mut call = self.call(&scripts::ARM, queue, lane);
            call.arg(mode).arg(&channel);
            for entry in entries {
                call.arg(member(&entry.row, entry.generation - 1));
                call.arg(member(&entry.row, entry.generation))
                    .arg(entry.due.as_millis());
            }
            call
        });
        let outcome = outcome.await;
        if outcome.is_err() {
            let feed = self.link.feed(&channel);
            by_lane(entries.iter().cloned())
                .into_keys()
                .filter(|lane| *lane < LANES)
                .for_each(|lane| feed.lane_failed(lane));
        }
        outcome
    }
}

fn member(row: &str, generation: i64) -> String {
    format!("{row}:{generation}")
}

/// The mark of a re-arming under way.
fn mark(token: u64) -> String {
    format!("!rearming {token:016x}")
}

/// A score as Redis writes it; `None` for a mark's.
fn time(score: &str) -> Option<Timestamp> {
    let score: f64 = score.parse().ok()?;
    // Milliseconds stay exact in a double for 285,000 years.
    score
        .is_finite()
        .then_some(Timestamp::from_millis(score as i64))
}

fn entry(member: &str, score: &str, lane: u8) -> Option<Entry> {
    let (row, generation) = member.rsplit_once(':')?;
    let generation = generation.parse().ok()?;
    Some(Entry {
        row: row.to_owned(),
        generation,
        due: time(score)?,
        lane,
    })
}

#[async_trait]
impl TimerStore for RedisTimers {
    async fn arm(&self, queue: &str, entries: &[Entry]) -> Result<(), StoreError> {
        self.arm_as("", queue, entries).await
    }

    async fn arm_missing(&self, queue: &str, entries: &[Entry]) -> Result<(), StoreError> {
        self.arm_as("NX", queue, entries).await
    }

    async fn cancel(&self, queue: &str, entries: &[Entry]) -> Result<(), StoreError> {
        let call = |lane, entries: &[Entry]| {
            let mut call = self.on_lane("ZREM", queue, lane);
            for Entry {
                row, generation, ..
            } in entries
            {
                call.arg(member(row, *generation))
                    .arg(member(row, generation - 1));
            }
            call
        };
        self.send_in_bulk(entries, call).await
    }

    async fn claim(
        &self,
        queue: &str,
        now: Timestamp,
        limit: usize,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        // Lua unpacks two values per claimed entry on a stack of some 8,000.
        let limit = limit.min(1_000);
        let until = (now + lease).as_millis();
        let pipeline = self.on_all(|lane| {
            let mut call = self.call(&scripts::CLAIM, queue, lane);
            call.arg(now.as_millis()).arg(until).arg(limit);
            call
        });
        let lanes: Vec<(bool, String, Vec<String>)> = self.link.send(&pipeline).await?;
        let feed = self.link.feed(&self.channel(queue));
        let mut claim = Claim::default();
        for (lane, (complete, head, due)) in (0..LANES).zip(lanes) {
            let due = due
                .chunks_exact(2)
                .filter_map(|pair| entry(&pair[0], &pair[1], lane));
            claim.entries.extend(due);
            if !complete || feed.is_wanting(lane) {
                claim.lost.push(lane);
            }
            claim.next_due = time(&head).into_iter().chain(claim.next_due).min();
        }
        Ok(claim)
    }

    async fn ack(&self, queue: &str, entries: &[Entry]) -> Result<(), StoreError> {
        let call = |lane, entries: &[Entry]| {
            let mut call = self.on_lane("ZREM", queue, lane);
            for Entry {
                row, generation, ..
            } in entries
            {
                call.arg(member(row, *generation));
            }
            call
        };
        self.send_in_bulk(entries, call).await
    }

    async fn next_due(&self, queue: &str) -> Result<Option<Timestamp>, StoreError> {
        let pipeline = self.on_all(|lane| {
            let mut call = self.on_lane("ZRANGE", queue, lane);
            call.arg(0).arg(0).arg("WITHSCORES");
            call
        });
        let heads: Vec<Vec<(String, f64)>> = self.link.send(&pipeline).await?;
        let scores = heads.iter().flatten().map(|(_, score)| *score);
        Ok(scores
            .filter(|score| score.is_finite())
            .map(|s| Timestamp::from_millis(s as i64))
            .min())
    }

    async fn count(&self, queue: &str) -> Result<u64, StoreError> {
        let pipeline = self.on_all(|lane| {
            let mut call = self.on_lane("ZCOUNT", queue, lane);
            call.arg("-inf").arg(format!("({}", scripts::BEYOND));
            call
        });
        let counts: Vec<u64> = self.link.send(&pipeline).await?;
        Ok(counts.iter().sum())
    }

    async fn moved(&self, queue: &str) {
        self.link.await_message(&self.channel(queue)).await;
    }

    async fn begin_rearm(&self, queue: &str, lane: u8) -> Result<Rearm, StoreError> {
        let failures = self.link.feed(&self.channel(queue)).failures(lane);
        let token = rand::random();
        let mut call = self.on_lane("ZADD", queue, lane);
        call.arg(scripts::BEYOND).arg(mark(token));
        let mut pipeline = ::redis::pipe();
        pipeline.add_command(call).ignore();
        self.link.send::<()>(&pipeline).await?;
        Ok(Rearm {
            lane,
            token,
            failures,
        })
    }

    async fn finish_rearm(&self, queue: &str, rearm: Rearm) -> Result<bool, StoreError> {
        let mut call = self.call(&scripts::FINISH_REARM, queue, rearm.lane);
        call.arg(mark(rearm.token));
        let mut pipeline = ::redis::pipe();
        pipeline.add_command(call);
        let (finished,): (bool,) = self.link.send(&pipeline).await?;
        if finished {
            self.link
                .feed(&self.channel(queue))
                .heal(rearm.lane, rearm.failures);
        }
        Ok(finished)
    }

    async fn clear(&self, queue: &str) -> Result<(), StoreError> {
        let pipeline = self.on_all(|lane| self.on_lane("UNLINK", queue, lane));
        self.link.send::<Vec<u64>>(&pipeline).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_read_back_even_when_the_row_has_colons() {
        let read = entry(&member("a:b", -3), "1732221000123", 7).unwrap();
        let due = Timestamp::from_millis(1_732_221_000_123);
        assert_eq!(
            read,
            Entry {
                row: "a:b".to_owned(),
                generation: -3,
                due,
                lane: 7
            }
        );
    }

    #[test]
    fn a_mark_is_no_entry() {
        assert_eq!(entry(&mark(1), "1", 0), None);
        assert_eq!(entry("row:1", "inf", 0), None);
    }
}
