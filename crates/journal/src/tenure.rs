//! Which replica does what there should be one to do.
//!
//! Work in memory that any replica could do, such as keeping an index, is best done by one. It is
//! cut into slots, as many as there are buckets, and shared like the buckets of a consumer: each
//! replica keeps a lease, and a slot belongs to one whose lease runs, by rendezvous hashing. There is
//! no epoch to fence with: for the moment until all have heard of a newcomer or of an end, and where
//! clocks differ, two may believe to have a slot. So whatever they commit must be fenced by what it
//! changes.

use std::collections::BTreeSet;
use std::time::Instant;

use lotse_clock::SystemClock;
use sea_orm::DbErr;

use crate::bucket::{BUCKETS, owner_of};
use crate::journal::Journal;
use crate::lease;

/// A replica's part in some work.
#[derive(Debug)]
pub struct Tenure {
    role: &'static str,
    slots: BTreeSet<u8>,
    renew_at: Option<Instant>,
    look_at: Option<Instant>,
    leases_seen: u64,
}

impl Tenure {
    /// No part yet. `role` names the work, and no consumer.
    pub fn new(role: &'static str) -> Self {
        Self {
            role,
            slots: BTreeSet::new(),
            renew_at: None,
            look_at: None,
            leases_seen: 0,
        }
    }

    /// The slots that are this replica's now, below [`BUCKETS`]; keeps the lease. Asks the database
    /// once per poll interval, and when replicas came or went. Where one process has the journal to
    /// itself, it has all.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn slots(&mut self, journal: &Journal) -> Result<&BTreeSet<u8>, DbErr> {
        if journal.is_exclusive() {
            if self.slots.is_empty() {
                self.slots = (0..BUCKETS).collect();
            }
            return Ok(&self.slots);
        }
        let (db, config) = (journal.db(), journal.config());
        let me = config.replica.as_str();
        let (now, wall) = (SystemClock.monotonic(), SystemClock.now());
        if self.renew_at.is_none_or(|at| now >= at) {
            lease::renew(db, self.role, me, wall, config.lease).await?;
            if self.renew_at.is_none() {
                // They have to make room.
                journal.leases_changed();
            }
            self.renew_at = Some(now + config.lease / 3);
        }
        let leases = journal.heads().lease_generation();
        if leases != self.leases_seen || self.look_at.is_none_or(|at| now >= at) {
            let live = lease::live(db.reader(), self.role, wall).await?;
            let mine = (0..BUCKETS).filter(|slot| owner_of(*slot, &live) == Some(me));
            self.slots = mine.collect();
            self.leases_seen = leases;
            self.look_at = Some(now + config.poll);
        }
        Ok(&self.slots)
    }

    /// Gives everything back at once: the replica stops.
    ///
    /// # Errors
    /// What the database reports; then others take over when the lease runs out.
    pub async fn retire(&mut self, journal: &Journal) -> Result<(), DbErr> {
        *self = Self::new(self.role);
        if journal.is_exclusive() {
            return Ok(());
        }
        lease::retire(journal.db(), self.role, &journal.config().replica).await?;
        journal.leases_changed();
        Ok(())
    }
}
