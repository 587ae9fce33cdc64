//! One ticket while a batch works on it.

use std::sync::Arc;

use lotse_clock::Timestamp;
use lotse_ids::ClockId;
use sea_orm::ConnectionTrait;

use crate::Error;
use crate::domain::{
    Catalog, Change, Clock, Event, Fact, Facts, Reason, Replan, Ticket, reconcile,
};
use crate::store::clocks;
use crate::store::facts;
use crate::store::tickets::Row;

/// A ticket, as it was loaded and as it is by now.
pub(super) struct Work {
    /// As stored; `None` for a ticket that is new.
    row: Option<Row>,
    lane: u8,
    ticket_id: String,
    facts: Facts,
    ticket: Ticket,
    /// Clocks as stored: what has not changed is not written.
    loaded: Vec<Clock>,
    /// Facts of this batch with their positions.
    fresh: Vec<(i64, Fact)>,
    /// All facts in order of time, those of this batch included, once somebody needed them.
    history: Option<Vec<Fact>>,
}

/// What a batch leaves to be written of one ticket.
pub(super) struct Outcome {
    /// The ticket.
    pub(super) ticket_id: String,
    /// Its row, if it changed.
    pub(super) row: Option<Row>,
    /// Whether its timer must be armed or cancelled.
    pub(super) rescheduled: bool,
    /// Clocks that changed.
    pub(super) clocks: Vec<Clock>,
    /// Facts that came.
    pub(super) fresh: Vec<(i64, Fact)>,
}

impl Work {
    /// A ticket that nothing is known of yet.
    pub(super) fn new(ticket_id: String, lane: u8, facts: Facts, at: Timestamp) -> Self {
        Self {
            row: None,
            lane,
            ticket_id,
            facts,
            ticket: Ticket::blank(at),
            loaded: Vec::new(),
            fresh: Vec::new(),
            history: Some(Vec::new()),
        }
    }

    /// A stored ticket with the newest cycle of each metric.
    pub(super) fn stored(row: Row, latest: Vec<Clock>, catalog: &Catalog) -> Result<Self, Error> {
        let plan = row
            .plan
            .as_ref()
            .map(|plan| catalog.plan(plan).map(Arc::new));
        let ticket = Ticket {
            plan: plan.transpose()?,
            created_at: row.created_at,
            status: row.status,
            status_at: row.status_at,
            watermark: row.watermark,
            first_over: row.first_over,
            wrote_at: row.wrote_at,
            group: row.group.clone(),
            bot: row.bot,
            plan_at: row.plan_at,
            tallies: row.tallies.clone(),
            clocks: latest
                .iter()
                .map(|clock| (clock.metric, clock.clone()))
                .collect(),
            past: Vec::new(),
        };
        Ok(Self {
            lane: row.lane,
            ticket_id: row.ticket_id.clone(),
            facts: row.facts.clone(),
            row: Some(row),
            ticket,
            loaded: latest,
            fresh: Vec::new(),
            history: None,
        })
    }

    /// What decides which policy fits.
    pub(super) fn facts_mut(&mut self) -> &mut Facts {
        &mut self.facts
    }

    /// The same, to be read.
    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Whether the ticket is solved, as far as this batch has come.
    pub(super) fn is_solved(&self) -> bool {
        self.ticket.status.is_solved()
    }

    /// The timer's generation, and when it is due.
    pub(super) fn timer(&self) -> Option<(i64, Option<Timestamp>)> {
        self.row.as_ref().map(|row| (row.generation, row.next_at))
    }

    /// Another plan, if the facts as they are now lead to one, or the edit of a policy or calendar
    /// for open tickets does.
    pub(super) fn replan(
        &self,
        catalog: &Catalog,
        edited: Option<&str>,
        reason: Reason,
    ) -> Result<Option<Replan>, Error> {
        let before = self.ticket.plan.as_ref().map(|plan| &plan.reference);
        let chosen = match edited {
            Some(edited) => catalog.choose_edited(&self.facts, before, edited),
            None => catalog.choose(&self.facts, before),
        };
        if chosen.as_ref() == before {
            return Ok(None);
        }
        let plan = chosen
            .map(|plan| catalog.plan(&plan).map(Arc::new))
            .transpose()?;
        Ok(Some(Replan { plan, reason }))
    }

    /// Takes what happened at `position` of the journal; returns what it did to the clocks. What
    /// arrives late is judged by when it was recorded, not by when it is worked on, so that the
    /// journal alone tells the outcome.
    pub(super) async fn take(
        &mut self,
        conn: &impl ConnectionTrait,
        catalog: &Catalog,
        (position, recorded_at): (i64, Timestamp),
        mut fact: Fact,
        now: Timestamp,
    ) -> Result<Vec<Change>, Error> {
        fact.at = self.ticket.place(&fact.event, fact.at);
        let created = matches!(fact.event, Event::Created { .. });
        let plan = fact
            .replan
            .as_ref()
            .and_then(|replan| replan.plan.as_deref());
        let mut changes = self.ticket.pass_until_recorded(fact.at, recorded_at, now);
        let late = !created && self.ticket.is_late(fact.at);
        let adds = !created && fact.replan.is_some() && self.ticket.adds_metrics(plan);
        let absorbs = match &fact.event {
            Event::Absorbed { source } => Some(source.clone()),
            _ => None,
        };
        if let Some(source) = &absorbs {
            fact.absorbed = facts::load(conn, source, catalog).await?;
        }
        if late || adds || absorbs.is_some() {
            self.load_history(conn, catalog).await?;
        }
        let before = self.history.as_deref().unwrap_or_default();
        let done = if late {
            let after = before.partition_point(|earlier| earlier.at <= fact.at);
            let mut facts = before.to_vec();
            facts.insert(after, fact.clone());
            let stored = self.all_clocks(conn, catalog).await?;
            let (ticket, changes) = reconcile(&self.ticket, stored, &facts, recorded_at);
            self.ticket = ticket;
            changes
        } else {
            self.ticket.step(&fact, before, now)
        };
        changes.extend(done);
        if let Some(history) = &mut self.history {
            let after = history.partition_point(|earlier| earlier.at <= fact.at);
            history.insert(after, fact.clone());
        }
        self.fresh.push((position, fact));
        self.name_clocks(now);
        Ok(changes)
    }

    /// Lets time run out until `now`.
    pub(super) fn pass(&mut self, now: Timestamp) -> Vec<Change> {
        self.ticket.pass(now, now)
    }

    /// The id of a clock that a change is about.
    pub(super) fn id_of(&self, clock: &Clock) -> Option<&ClockId> {
        let mut all = self.ticket.clocks.values().chain(&self.ticket.past);
        let same = |other: &&Clock| other.metric == clock.metric && other.cycle == clock.cycle;
        all.find(same).and_then(|found| found.id.as_ref())
    }

    /// What must be written.
    pub(super) fn finish(self) -> Outcome {
        let Self {
            row,
            lane,
            ticket_id,
            facts,
            ticket,
            loaded,
            fresh,
            history: _,
        } = self;
        let next_at = ticket.next_at();
        let (generation, was) = row
            .as_ref()
            .map_or((0, None), |row| (row.generation, row.next_at));
        let rescheduled = was != next_at;
        let now = Row {
            ticket_id: ticket_id.clone(),
            lane,
            created_at: ticket.created_at,
            status: ticket.status,
            status_at: ticket.status_at,
            watermark: ticket.watermark,
            first_over: ticket.first_over,
            wrote_at: ticket.wrote_at,
            group: ticket.group,
            bot: ticket.bot,
            plan_at: ticket.plan_at,
            facts,
            plan: ticket.plan.as_ref().map(|plan| plan.reference.clone()),
            tallies: ticket.tallies,
            next_at,
            generation: generation + i64::from(rescheduled),
        };
        let clocks = ticket.clocks.into_values().chain(ticket.past);
        Outcome {
            ticket_id,
            row: (row.as_ref() != Some(&now)).then_some(now),
            rescheduled,
            clocks: clocks.filter(|clock| !loaded.contains(clock)).collect(),
            fresh,
        }
    }

    async fn load_history(
        &mut self,
        conn: &impl ConnectionTrait,
        catalog: &Catalog,
    ) -> Result<(), Error> {
        if self.history.is_none() {
            let mut history = facts::load(conn, &self.ticket_id, catalog).await?;
            history.extend(self.fresh.iter().map(|(_, fact)| fact.clone()));
            // Stable: what is recorded later comes later within one time.
            history.sort_by_key(|fact| fact.at);
            self.history = Some(history);
        }
        Ok(())
    }

    /// Every cycle, as this batch has left it so far.
    async fn all_clocks(
        &self,
        conn: &impl ConnectionTrait,
        catalog: &Catalog,
    ) -> Result<Vec<Clock>, Error> {
        let here: Vec<_> = self
            .ticket
            .clocks
            .values()
            .chain(&self.ticket.past)
            .collect();
        let mut all = Vec::new();
        if self.row.is_some() {
            all = clocks::load_all(conn, &self.ticket_id, catalog).await?;
            all.retain(|stored| !here.iter().any(|clock| clock.id == stored.id));
        }
        all.extend(here.into_iter().cloned());
        Ok(all)
    }

    /// Gives new clocks their ids.
    fn name_clocks(&mut self, now: Timestamp) {
        let clocks = self.ticket.clocks.values_mut().chain(&mut self.ticket.past);
        for clock in clocks {
            clock.id.get_or_insert_with(|| ClockId::generate(now));
        }
    }
}
