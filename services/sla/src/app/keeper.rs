//! Keeps the clocks of all tickets: applies what happened, fires what is due.
//!
//! A batch costs three queries (revision, tickets, clocks) and up to three writes (tickets, clocks,
//! facts), whatever its size. Only a ticket to which something arrives late, or whose new plan
//! promises something new, is read in full.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use lotse_clock::{BusinessClock, Timestamp};
use lotse_journal::{Body, Draft, Recorded, Tx, bucket_of, lane_of};
use lotse_proto::journal::v1::HistoryMerged;
use lotse_timers::{Entry, TimerStore};

use super::alerts::Alerts;
use super::alerts::follow::Noticed;
use super::catalogs::Catalogs;
use super::lag::Lags;
use super::work::{Outcome, Work};
use crate::Error;
use crate::domain::{Catalog, Change, Event, Fact, Reason, Replan};
use crate::store::facts::Placed;
use crate::store::{clocks, facts, tickets};
use crate::wire::changed::changed;
use crate::wire::news::{News, Tidings};
use crate::wire::plan::plan_chosen;

/// The queue of the tickets' timers.
pub const QUEUE: &str = "sla";

/// Keeps the clocks. Cheap to clone; clones are the same keeper.
#[derive(Clone)]
pub struct Keeper {
    catalogs: Catalogs,
    clock: BusinessClock,
    timers: Arc<dyn TimerStore>,
    alerts: Alerts,
    /// What to arm and to cancel after the commit, by ticket. An entry of a transaction that was
    /// rolled back is a hint that leads nowhere.
    pending: Arc<Mutex<BTreeMap<String, Pending>>>,
}

/// A timer to be set after the commit.
enum Pending {
    Arm(Entry),
    Cancel(Entry),
}

impl Keeper {
    /// A keeper whose time is `clock`'s and whose timers are armed in `timers`.
    pub fn new(catalogs: Catalogs, clock: BusinessClock, timers: Arc<dyn TimerStore>) -> Self {
        let alerts = Alerts::new(clock.clone(), timers.clone(), catalogs.clone());
        Self {
            alerts,
            catalogs,
            clock,
            timers,
            pending: Arc::default(),
        }
    }

    /// The alerts that its clocks give rise to.
    pub fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    /// Applies journaled events, in order.
    ///
    /// # Errors
    /// The database's, or a stored row that does not fit this program.
    pub async fn apply(&self, tx: &Tx, events: &[Recorded]) -> Result<(), Error> {
        let news: Vec<News> = events.iter().filter_map(News::of).collect();
        if news.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let catalog = self.catalogs.current(tx).await?;
        let mut ids: Vec<&str> = news.iter().map(|news| news.ticket_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut batch = Batch::load(tx, &catalog, &ids).await?;
        for news in news {
            let position = news.position;
            batch.take(tx, news, now).await?;
            batch.positions.resize(batch.changes.len(), position);
        }
        let lags = Lags::of(&batch.changes);
        self.save(tx, batch, events).await?;
        // Of what a fact came too late for; a transaction that is run again counts again.
        lags.note(now);
        Ok(())
    }

    /// Fires those of `due` whose ticket is still of that generation and needs a look by now. The
    /// caller has caught up with the journal in the same transaction, which also holds the cursors
    /// of the tickets' buckets: nobody else changes these tickets. What it told is to be measured
    /// after the commit.
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub async fn fire(&self, tx: &Tx, due: &[Entry]) -> Result<Lags, Error> {
        let now = self.clock.now();
        let catalog = self.catalogs.current(tx).await?;
        let ids: Vec<&str> = due.iter().map(|entry| entry.row.as_str()).collect();
        let mut batch = Batch::load(tx, &catalog, &ids).await?;
        for entry in due {
            batch.fire(entry, now);
        }
        // Timers come after every event.
        batch.positions.resize(batch.changes.len(), i64::MAX);
        let lags = Lags::of(&batch.changes);
        self.save(tx, batch, &[]).await?;
        Ok(lags)
    }

    /// Sets the timers of what was saved, after its commit.
    pub async fn set_timers(&self) {
        self.alerts.set_timers().await;
        let pending = {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *pending)
        };
        let (mut arm, mut cancel) = (Vec::new(), Vec::new());
        for one in pending.into_values() {
            match one {
                Pending::Arm(entry) => arm.push(entry),
                Pending::Cancel(entry) => cancel.push(entry),
            }
        }
        // A failure costs lateness only: the worker arms from SQL what the store lacks.
        if !cancel.is_empty()
            && let Err(error) = self.timers.cancel(QUEUE, &cancel).await
        {
            tracing::debug!(%error, "timers were not cancelled");
        }
        if !arm.is_empty()
            && let Err(error) = self.timers.arm(QUEUE, &arm).await
        {
            tracing::debug!(%error, "timers were not armed");
        }
    }

    async fn save(&self, tx: &Tx, batch: Batch<'_>, events: &[Recorded]) -> Result<(), Error> {
        let Batch {
            works,
            plans,
            changes,
            positions,
            catalog,
        } = batch;
        for Planned {
            ticket_id,
            reference,
            at,
            body,
        } in plans
        {
            tx.emit_answer(Draft::ticket(ticket_id, body).at(at), reference);
        }
        for (ticket_id, change) in &changes {
            let id = works
                .get(ticket_id)
                .and_then(|work| work.id_of(&change.clock));
            tx.emit(Draft::ticket(ticket_id.as_str(), changed(change, id)).at(change.at));
        }
        if catalog.reacts() {
            let noticed = changes
                .iter()
                .zip(&positions)
                .filter_map(|(change, position)| {
                    let (ticket_id, change) = change;
                    let work = works.get(ticket_id)?;
                    Some(Noticed {
                        ticket_id,
                        clock_id: work.id_of(&change.clock)?.to_string(),
                        change,
                        position: *position,
                        facts: work.facts(),
                    })
                });
            let noticed: Vec<_> = noticed.collect();
            self.alerts.follow(tx, catalog, &noticed, events).await?;
        }
        let outcomes: Vec<Outcome> = works.into_values().map(Work::finish).collect();
        let mut rows = Vec::new();
        let (mut kept, mut placed) = (Vec::new(), Vec::new());
        let mut pending = Vec::new();
        for outcome in &outcomes {
            let ticket_id = outcome.ticket_id.as_str();
            kept.extend(outcome.clocks.iter().map(|clock| (ticket_id, clock)));
            placed.extend(outcome.fresh.iter().map(|(position, fact)| Placed {
                ticket_id,
                position: *position,
                fact,
            }));
            if let Some(row) = &outcome.row {
                if outcome.rescheduled {
                    pending.push((row.ticket_id.clone(), timer(row)));
                }
                rows.push(row.clone());
            }
        }
        tickets::save(tx, &rows).await?;
        clocks::save(tx, &kept).await?;
        facts::save(tx, &placed).await?;
        self.pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(pending);
        Ok(())
    }
}

fn timer(row: &tickets::Row) -> Pending {
    let entry = Entry {
        row: row.ticket_id.clone(),
        generation: row.generation,
        due: row.next_at.unwrap_or(Timestamp::MAX),
        lane: row.lane,
    };
    match row.next_at {
        Some(_) => Pending::Arm(entry),
        None => Pending::Cancel(entry),
    }
}

/// The tickets of one batch, and what happened to their clocks so far.
struct Batch<'a> {
    catalog: &'a Catalog,
    works: BTreeMap<String, Work>,
    plans: Vec<Planned>,
    changes: Vec<(String, Change)>,
    /// Of each change, the position of the event that brought it about.
    positions: Vec<i64>,
}

/// Another plan of a ticket, to be told as the answer to what changed it.
struct Planned {
    ticket_id: String,
    reference: String,
    at: Timestamp,
    body: Body,
}

impl<'a> Batch<'a> {
    async fn load(tx: &Tx, catalog: &'a Catalog, ids: &[&str]) -> Result<Self, Error> {
        let rows = tickets::load(tx, ids).await?;
        let known: Vec<&str> = rows.iter().map(|row| row.ticket_id.as_str()).collect();
        let mut latest: BTreeMap<String, Vec<_>> = BTreeMap::new();
        if !known.is_empty() {
            for stored in clocks::load_latest(tx, &known, catalog).await? {
                latest
                    .entry(stored.ticket_id)
                    .or_default()
                    .push(stored.clock);
            }
        }
        let work = |row: tickets::Row| {
            let clocks = latest.remove(&row.ticket_id).unwrap_or_default();
            Ok::<_, Error>((row.ticket_id.clone(), Work::stored(row, clocks, catalog)?))
        };
        Ok(Self {
            catalog,
            works: rows.into_iter().map(work).collect::<Result<_, _>>()?,
            plans: Vec::new(),
            changes: Vec::new(),
            positions: Vec::new(),
        })
    }

    async fn take(&mut self, tx: &Tx, news: News<'_>, now: Timestamp) -> Result<(), Error> {
        let News {
            ticket_id,
            position,
            at,
            recorded_at,
            reference,
            human,
            tidings,
        } = news;
        let catalog = self.catalog;
        if let Tidings::Created { facts, .. } = &tidings {
            let lane = lane_of(bucket_of(ticket_id));
            let work = Work::new(ticket_id.to_owned(), lane, facts.clone(), at);
            self.works.insert(ticket_id.to_owned(), work);
        }
        let Some(work) = self.works.get_mut(ticket_id) else {
            // Its creation is in the same bucket before, so it can only have been parked.
            tracing::warn!(
                ticket_id,
                position,
                "an event of a ticket that is not known"
            );
            return Ok(());
        };
        if work.is_solved() && matches!(tidings, Tidings::Released(_) | Tidings::Edited(_)) {
            // Nobody is awaited there, and it is not open any more.
            return Ok(());
        }
        if let Some(into) = tidings.merged_into() {
            // All that is timed of the source is stored with this batch; whoever reads of it in the
            // target's bucket finds it.
            let merged = HistoryMerged {
                source_ticket_id: ticket_id.to_owned(),
            };
            tx.emit(Draft::ticket(into, Body::HistoryMerged(merged)).at(at));
        }
        let edited = tidings.edited();
        let (event, asked) = tidings.told(work.facts_mut());
        let created = matches!(event, Event::Created { .. });
        let replan = match asked.map(|reason| work.replan(catalog, edited, reason)) {
            Some(replan) => replan?,
            None => None,
        };
        let planned = replan.as_ref().map(|replan| Planned {
            ticket_id: ticket_id.to_owned(),
            reference,
            at,
            body: plan_chosen(replan, work.facts_mut().priority),
        });
        self.plans.extend(planned);
        // A creation brings a plan, be it none.
        let none = Replan {
            plan: None,
            reason: Reason::None,
        };
        let replan = replan.or(created.then_some(none));
        if matches!(event, Event::Edited | Event::Touched) && !human && replan.is_none() {
            return Ok(());
        }
        let fact = Fact {
            at,
            event,
            human,
            replan,
            absorbed: Vec::new(),
        };
        let place = (position, recorded_at);
        let changes = work.take(tx, catalog, place, fact, now).await?;
        self.changes.extend(
            changes
                .into_iter()
                .map(|change| (ticket_id.to_owned(), change)),
        );
        Ok(())
    }

    fn fire(&mut self, entry: &Entry, now: Timestamp) {
        let Some(work) = self.works.get_mut(&entry.row) else {
            return;
        };
        let Some((generation, Some(next_at))) = work.timer() else {
            return;
        };
        if generation == entry.generation && next_at <= now {
            let ticket_id = &entry.row;
            let changes = work.pass(now).into_iter();
            self.changes
                .extend(changes.map(|change| (ticket_id.clone(), change)));
        }
    }
}
