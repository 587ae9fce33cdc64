//! Plays the story: a day at once, then on and on.

use std::time::Duration;

use anyhow::{Context as _, Result};
use lotse_client::Channel;
use lotse_clock::{BusinessClock, SystemClock, Timestamp};
use lotse_db::{Db, meta};
use lotse_supervise::Stepper;
use tokio::time::MissedTickBehavior;

use super::arrivals::Arrivals;
use super::cast::Cast;
use super::company::Company;
use super::feed::{Feed, News};
use super::opening;
use super::story::Story;

/// How much faster than real time the demo goes on.
const SPEED: u32 = 60;
/// How often the clock moves, in real time.
const TICK: Duration = Duration::from_millis(50);
/// The longest real time that one move stands for: after a machine's sleep the demo does not jump.
const LONGEST_TICK: Duration = Duration::from_millis(500);
/// How often the story looks around, in real time.
const LOOK: Duration = Duration::from_millis(250);
/// How often the database is told the time, in real time.
const NOTE: Duration = Duration::from_secs(2);
/// How far the clock may run ahead of the consumers while the day is filled in. Whatever is timed
/// here is due later than this after what arms it.
const LEAD: Duration = Duration::from_secs(120);

/// The story and those who act it.
pub(crate) struct Player {
    story: Story,
    cast: Cast,
    feed: Feed,
    clock: BusinessClock,
}

impl Player {
    /// Takes the story up where the services stand; the live part starts at `live`.
    pub(crate) async fn open(
        seed: u64,
        channel: &Channel,
        clock: &BusinessClock,
        live: Timestamp,
    ) -> Result<Self> {
        let now = clock.now();
        let company = Company::put(channel)
            .await
            .context("cannot set the company up")?;
        let cast = Cast::new(channel, company, format!("demo:{}", now.as_millis()));
        let latest = cast.latest().await?;
        let mut story = Story::new(seed, Arrivals::new(seed, latest + 1, now));
        let mut scenes = opening::scenes(seed, live);
        scenes.retain(|case| case.at > now);
        story.add(scenes);
        let feed = Feed::from_now(channel).await?;
        for found in cast.unsolved().await? {
            story.adopt(found, now);
        }
        Ok(Self {
            story,
            cast,
            feed,
            clock: clock.clone(),
        })
    }

    /// Plays until `until` as fast as it goes: no instant passes before everything due earlier.
    pub(crate) async fn fill_in(
        &mut self,
        stepper: &Stepper,
        db: &Db,
        until: Timestamp,
    ) -> Result<()> {
        let mut next_due = stepper.settle().await?;
        let mut settled = self.clock.now();
        while self.clock.now() < until {
            let next = self.story.next_at().unwrap_or(until).max(self.clock.now());
            let to = next.min(settled + LEAD).min(until);
            let must_settle = to == settled + LEAD || to == until;
            if must_settle || next_due.is_some_and(|due| due <= to) {
                stepper.advance_to(to).await?;
                next_due = stepper.settle().await?;
                settled = to;
                self.look_around().await?;
            } else {
                self.clock.set(to)?;
            }
            self.act().await;
        }
        stepper.settle().await?;
        note(db, until).await
    }

    /// Plays on while the clock moves by itself.
    pub(crate) async fn go_on(mut self) {
        let mut beat = tokio::time::interval(LOOK);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            if let Err(error) = self.look_around().await {
                tracing::debug!(%error, "the demo cannot see; it looks again");
                continue;
            }
            self.act().await;
        }
    }

    /// Notes whom routing has given or offered what, and who was told of an alert.
    async fn look_around(&mut self) -> Result<()> {
        for news in self.feed.read().await? {
            let now = self.clock.now();
            let given = match news {
                News::Given(given) => given,
                News::Alarm(alarm) => {
                    self.story.alarmed(&alarm, now);
                    continue;
                }
                News::Offered(bid) => {
                    self.story.offered(bid, now);
                    continue;
                }
                News::Unheard(agent) => {
                    self.story.unheard(&agent, now);
                    continue;
                }
            };
            if self.story.assigned(&given.ticket_id, &given.agent_id, now) {
                continue;
            }
            if let Some(found) = self.cast.look_up(&given.ticket_id).await? {
                self.story.adopt(found, now);
            }
        }
        Ok(())
    }

    /// Does what is due.
    async fn act(&mut self) {
        while let Some(action) = self.story.next(self.clock.now()) {
            match self.cast.perform(&action).await {
                Ok(ticket_id) => self.story.done(&action, &ticket_id, self.clock.now()),
                Err(status) => {
                    let (ticket, code) = (&action.ticket_id, status.code());
                    let reason = status.message();
                    if self.story.refused(&action, self.clock.now()) {
                        tracing::warn!(ticket, ?code, reason, "the demo leaves a ticket alone");
                    } else {
                        tracing::debug!(ticket, ?code, reason, "somebody was quicker");
                    }
                }
            }
        }
    }
}

/// Moves the clock, [`SPEED`] times as fast as real time.
pub(crate) async fn move_clock(clock: BusinessClock, db: Db) {
    let mut beat = tokio::time::interval(TICK);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = SystemClock.monotonic();
    let mut noted = last;
    loop {
        beat.tick().await;
        let now = SystemClock.monotonic();
        let passed = now.duration_since(last).min(LONGEST_TICK);
        last = now;
        if let Err(error) = clock.set(clock.now() + passed * SPEED) {
            tracing::error!(%error, "the demo's clock stands still");
            return;
        }
        if now.duration_since(noted) >= NOTE {
            noted = now;
            if let Err(error) = note(&db, clock.now()).await {
                tracing::debug!(%error, "the time was not noted");
            }
        }
    }
}

/// Tells the database the time, so that a demo that is opened again goes on there.
pub(crate) async fn note(db: &Db, now: Timestamp) -> Result<()> {
    db.in_tx(|tx| async move { meta::set_manual_clock(&tx, now).await })
        .await
        .context("cannot note the demo's clock")
}
