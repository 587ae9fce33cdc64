//! Timers in Redis, shared by all replicas of a service.

mod feed;
mod link;
mod scripts;

use std::collections::BTreeMap;
use std::time::Duration;

use ::redis::{Cmd, Pipeline, RedisWrite as _, Script};
use async_trait::async_trait;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use lotse_clock::Timestamp;

use crate::entry::LANES;
use crate::store::check_lanes;
use crate::{Claim, Entry, Rearm, StoreError, TimerStore};
use link::Link;

/// Entries in one script call; it blocks Redis for about a millisecond.
const CALL: usize = 500;

/// Calls sent together.
const PIPELINE: usize = 8;

/// Pipelines under way: while Redis works on one the next is written.
const UNDER_WAY: usize = 3;

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

    /// Sends one call for each [`CALL`] entries of a lane. An error says that some of them may not
    /// have arrived.
    async fn send_in_bulk(
        &self,
        entries: &[Entry],
        call: &(dyn Fn(u8, &[&Entry]) -> Cmd + Sync),
    ) -> Result<(), StoreError> {
        check_lanes(entries)?;
        let mut lanes: [Vec<&Entry>; LANES as usize] = Default::default();
        for entry in entries {
            lanes[usize::from(entry.lane)].push(entry);
        }
        let calls: Vec<(u8, &[&Entry])> = (0..LANES)
            .zip(&lanes)
            .flat_map(|(lane, entries)| entries.chunks(CALL).map(move |chunk| (lane, chunk)))
            .collect();
        let pipelines = calls.chunks(PIPELINE).map(|calls| self.send(calls, call));
        let sent = stream::iter(pipelines.collect::<Vec<_>>()).buffered(UNDER_WAY);
        sent.try_collect::<()>().await
    }

    /// Written when it is first polled, so that one is written while Redis works on another.
    async fn send(
        &self,
        calls: &[(u8, &[&Entry])],
        call: &(dyn Fn(u8, &[&Entry]) -> Cmd + Sync),
    ) -> Result<(), StoreError> {
        let mut pipeline = ::redis::pipe();
        for (lane, entries) in calls {
            pipeline.add_command(call(*lane, entries)).ignore();
        }
        self.link.arming.send(&pipeline).await
    }

    async fn arm_as(&self, mode: &str, queue: &str, entries: &[Entry]) -> Result<(), StoreError> {
        let channel = self.channel(queue);
        let feed = self.link.feed(&channel);
        let call = |lane, entries: &[&Entry]| {
            let mut call = self.call(&scripts::ARM, queue, lane);
            call.arg(mode).arg(&channel).arg(lane).arg(entries.len());
            for entry in entries {
                write_member(&mut call, &entry.row, entry.generation - 1);
            }
            for entry in entries {
                call.arg(entry.due.as_millis());
                write_member(&mut call, &entry.row, entry.generation);
            }
            call
        };
        let outcome = self.send_in_bulk(entries, &call).await;
        for entry in entries.iter().filter(|entry| entry.lane < LANES) {
            match &outcome {
                Ok(()) => feed.lower(entry.lane, entry.due.as_millis()),
                Err(_) => feed.lane_failed(entry.lane),
            }
        }
        outcome
    }

    /// Claims from `lanes`.
    async fn claim_from(
        &self,
        lanes: &[u8],
        queue: &str,
        now: Timestamp,
        limit: usize,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        let feed = self.link.feed(&self.channel(queue));
        let mut pipeline = ::redis::pipe();
        for lane in lanes {
            let mut call = self.call(&scripts::CLAIM, queue, *lane);
            call.arg(now.as_millis())
                .arg((now + lease).as_millis())
                // Lua unpacks two values per claimed entry on a stack of some 8,000.
                .arg(limit.min(1_000));
            pipeline.add_command(call);
            feed.about_to_look(*lane);
        }
        let mut claim = Claim::default();
        if !lanes.is_empty() {
            let answer = self.link.claims.send(&pipeline).await;
            let seen: Vec<(bool, String, Vec<String>)> =
                answer.inspect_err(|_: &StoreError| feed.forget())?;
            for (lane, (complete, head, due)) in lanes.iter().zip(seen) {
                let due = due
                    .chunks_exact(2)
                    .filter_map(|pair| entry(&pair[0], &pair[1], *lane));
                claim.entries.extend(due);
                if !complete || feed.is_wanting(*lane) {
                    claim.lost.push(*lane);
                }
                feed.saw(*lane, time(&head));
            }
        }
        claim.next_due = feed.head();
        Ok(claim)
    }
}

/// Writes the member of a row straight into the call: a hundred thousand of them are armed at once.
fn write_member(call: &mut Cmd, row: &str, generation: i64) {
    call.write_arg_fmt(format_args!("{row}:{generation}"));
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
        let call = |lane, entries: &[&Entry]| {
            let mut call = self.on_lane("ZREM", queue, lane);
            for entry in entries {
                write_member(&mut call, &entry.row, entry.generation);
                write_member(&mut call, &entry.row, entry.generation - 1);
            }
            call
        };
        self.send_in_bulk(entries, &call).await
    }

    async fn claim(
        &self,
        queue: &str,
        now: Timestamp,
        limit: usize,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        let all: Vec<u8> = (0..LANES).collect();
        self.claim_from(&all, queue, now, limit, lease).await
    }

    async fn claim_likely(
        &self,
        queue: &str,
        now: Timestamp,
        limit: usize,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        let lanes = self.link.feed(&self.channel(queue)).likely(now);
        self.claim_from(&lanes, queue, now, limit, lease).await
    }

    async fn ack(&self, queue: &str, entries: &[Entry]) -> Result<(), StoreError> {
        check_lanes(entries)?;
        let mut removals: BTreeMap<u8, Cmd> = BTreeMap::new();
        for entry in entries {
            let removal = removals
                .entry(entry.lane)
                .or_insert_with(|| self.on_lane("ZREM", queue, entry.lane));
            write_member(removal, &entry.row, entry.generation);
        }
        if removals.is_empty() {
            return Ok(());
        }
        let mut pipeline = ::redis::pipe();
        for removal in removals.into_values() {
            pipeline.add_command(removal).ignore();
        }
        self.link.claims.send(&pipeline).await
    }

    async fn next_due(&self, queue: &str) -> Result<Option<Timestamp>, StoreError> {
        let pipeline = self.on_all(|lane| {
            let mut call = self.on_lane("ZRANGE", queue, lane);
            call.arg(0).arg(0).arg("WITHSCORES");
            call
        });
        let heads: Vec<Vec<(String, f64)>> = self.link.claims.send(&pipeline).await?;
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
        let counts: Vec<u64> = self.link.claims.send(&pipeline).await?;
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
        self.link.claims.send::<()>(&pipeline).await?;
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
        let (finished,): (bool,) = self.link.claims.send(&pipeline).await?;
        if finished {
            self.link
                .feed(&self.channel(queue))
                .heal(rearm.lane, rearm.failures);
        }
        Ok(finished)
    }

    async fn clear(&self, queue: &str) -> Result<(), StoreError> {
        let pipeline = self.on_all(|lane| self.on_lane("UNLINK", queue, lane));
        self.link.claims.send::<Vec<u64>>(&pipeline).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_read_back_even_when_the_row_has_colons() {
        let read = entry("a:b:-3", "1732221000123", 7).unwrap();
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
