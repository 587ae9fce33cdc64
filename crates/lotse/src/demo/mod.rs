//! `lotse up --demo`: a day of a small company's support work, then on at sixty times the speed.
//!
//! A demo is the real suite on a manual clock; what happens in it goes through the public API.
//! [`people`] work at a [`company`] that makes promises; [`texts`] is what is written. [`case`] and
//! [`arrivals`] draw the tickets from a seed, [`opening`] sets down the first live minutes.
//! [`story`] decides what happens next, with [`desk`] for the agents' work, and touches nothing;
//! [`cast`] carries it out, [`feed`] sees whom routing chose, and [`play`] keeps time.

mod arrivals;
mod case;
mod cast;
mod company;
mod desk;
mod dice;
mod feed;
mod opening;
mod people;
mod play;
mod story;
mod texts;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use lotse_client::Channel;
use lotse_clock::{BusinessClock, SystemClock, Timestamp};
use lotse_db::{Db, meta};
use lotse_supervise::{Job, Stepper, Supervisor};

use crate::suite::Parts;

/// What every draw comes from.
const SEED: u64 = 0x1075_E000_0000_0001;
/// How much is filled in.
const DAY: Duration = Duration::from_secs(86_400);
/// Where the database keeps the instant at which the live part began.
const LIVE_FROM: &str = "demo.live_from";
/// The time is noted every two real seconds, so a demo that was killed had gone on for up to two
/// minutes after the note. One that is opened again starts after that.
const LEAP: Duration = Duration::from_secs(180);

/// A demo and its clock.
pub struct Demo {
    clock: BusinessClock,
    live: Timestamp,
}

impl Demo {
    /// Marks a migrated database as a demo's; goes on where the clock of an earlier one stood.
    ///
    /// # Errors
    /// When the database is used for real, or holds a replay.
    pub async fn open(db: &Db) -> Result<Self> {
        let stood = meta::manual_clock(db.reader()).await?;
        let live = meta::get(db.reader(), LIVE_FROM).await?;
        let (now, live) = match (stood, live) {
            (None, _) => {
                let parts = Parts::open(db.clone(), BusinessClock::system(), None).await?;
                let new = parts.is_new().await?;
                ensure!(
                    new,
                    "this database lives on real time: a demo needs one of its own"
                );
                let live = SystemClock.now();
                (live - DAY, live)
            }
            (Some(_), None) => bail!("this database holds a replay: a demo needs one of its own"),
            (Some(stood), Some(live)) => {
                let live = live
                    .parse()
                    .context("the database's note of the demo is damaged")?;
                (stood + LEAP, Timestamp::from_millis(live))
            }
        };
        let note = live.as_millis().to_string();
        db.in_tx(|tx| {
            let note = note.clone();
            async move {
                meta::set(&tx, LIVE_FROM, &note).await?;
                meta::set_manual_clock(&tx, now).await
            }
        })
        .await
        .context("cannot mark the database as a demo's")?;
        Ok(Self {
            clock: BusinessClock::manual(now),
            live,
        })
    }

    /// The clock that the services live on.
    pub fn clock(&self) -> BusinessClock {
        self.clock.clone()
    }

    /// Sets the company up and fills the day in, by stepping the services' jobs. The clock then
    /// shows the real time, and stands still.
    ///
    /// # Errors
    /// When a service refuses what the demo begins with.
    pub async fn fill_in(
        &self,
        parts: &Parts,
        channel: &Channel,
        jobs: Vec<Arc<dyn Job>>,
    ) -> Result<Day> {
        let stepper = Stepper::new(self.clock.clone(), jobs)?;
        stepper.settle().await?;
        let mut player = play::Player::open(SEED, channel, &self.clock, self.live).await?;
        player.fill_in(&stepper, &parts.db, self.live).await?;
        Ok(Day { player })
    }

    /// Fills the day in, then hands the jobs to the supervisor and goes on.
    ///
    /// # Errors
    /// As [`Demo::fill_in`].
    pub async fn start(
        self,
        parts: &Parts,
        channel: Channel,
        jobs: Vec<Arc<dyn Job>>,
        supervisor: &Supervisor,
    ) -> Result<()> {
        let Day { player } = self.fill_in(parts, &channel, jobs.clone()).await?;
        for job in jobs {
            supervisor.spawn(job);
        }
        supervisor.spawn_task("demo.clock", play::move_clock(self.clock, parts.db.clone()));
        supervisor.spawn_task("demo.story", player.go_on());
        Ok(())
    }
}

/// A day that was filled in, to be gone on with.
pub struct Day {
    player: play::Player,
}
