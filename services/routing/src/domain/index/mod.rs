//! Everything that automatic routing needs, in memory: what waits, and who is free for it.
//!
//! Items that need the same of an agent form a [`class`]; of those with the same exceptions
//! (agents who had them before) only the first in the queue has to be looked at, because the
//! others fare no better. A class knows its eligible agents in their order and why the others are
//! left out, and is told of every change of a seat. So an item that comes costs the search for its
//! class; an agent who becomes free costs the classes of their groups; and neither costs what
//! waits. [`lines`] keeps items and classes together, [`pairing`] says who gets what.
//!
//! The index believes what it is told. Whoever drives it puts rows in as they are committed, and
//! when a plan meets another state, puts in the rows as they really are.

mod class;
pub(crate) mod connected;
mod lines;
mod pairing;
mod pools;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId, TicketId};

use super::agent::Seat;
use super::choice::{Choice, Needs};
use super::codes::{Reason, State};
use super::directory::{Directory, Seats};
use super::item::Item;
use super::placement::{Placement, SeatPools, awaits_advice, place};
use super::queue::{Planned, Turn, turn};
use super::workflow::Step;
use class::{Class, Judge};
use lines::{ClassId, Line, LineId};
use pools::Watched;

/// Most items that one plan says of why they wait.
const SAID_AT_ONCE: usize = 64;

/// Which groups an index is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    /// None for all.
    pub(crate) groups: Option<BTreeSet<GroupId>>,
    /// Whether items without a group are its matter too.
    pub(crate) placeless: bool,
}

impl Scope {
    /// Everything.
    pub(crate) const ALL: Self = Self {
        groups: None,
        placeless: true,
    };

    fn covers(&self, group: Option<&GroupId>) -> bool {
        match (group, &self.groups) {
            (None, _) => self.placeless,
            (Some(group), Some(groups)) => groups.contains(group),
            (Some(_), None) => true,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Index {
    directory: Arc<Directory>,
    scope: Scope,
    /// When everybody's shifts and all covers were looked at, and when they change.
    judged_at: Timestamp,
    judge_again_at: Option<Timestamp>,
    /// Groups that a group answers for now.
    covered: HashMap<GroupId, Vec<GroupId>>,
    seats: Seats,
    waiting: HashMap<TicketId, Waiting>,
    classes: BTreeMap<ClassId, Class>,
    class_ids: HashMap<Needs, ClassId>,
    by_group: HashMap<GroupId, Vec<ClassId>>,
    lines: BTreeMap<LineId, Line>,
    /// Lines that prefer somebody, who may be outside their group.
    preferring: HashMap<AgentId, BTreeSet<LineId>>,
    /// Lines whose first may have become possible.
    stirred: BTreeSet<LineId>,
    /// Items that still have to be told why they wait.
    untold: BTreeSet<Turn>,
    /// Groups whose people decide where items stand.
    pools: Watched,
    /// When time alone changes where an item stands.
    due: BTreeSet<(Timestamp, TicketId)>,
    next_id: u64,
}

/// An item that waits.
#[derive(Debug)]
struct Waiting {
    item: Item,
    /// None while no workflow says where it goes.
    place: Option<Place>,
}

#[derive(Debug)]
struct Place {
    group: GroupId,
    step: Option<Step>,
    line: LineId,
    changes_at: Option<Timestamp>,
}

impl Index {
    /// An index of nothing yet, about everything.
    pub(crate) fn new(directory: Arc<Directory>, now: Timestamp) -> Self {
        Self::within(directory, Scope::ALL, now)
    }

    /// An index of nothing yet, about some groups. Seats are of everybody: an item may go back to
    /// somebody outside its group.
    pub(crate) fn within(directory: Arc<Directory>, scope: Scope, now: Timestamp) -> Self {
        Self {
            judged_at: now,
            judge_again_at: directory.next_change(now),
            covered: covered(&directory, now),
            directory,
            scope,
            seats: Seats::new(),
            waiting: HashMap::new(),
            classes: BTreeMap::new(),
            class_ids: HashMap::new(),
            by_group: HashMap::new(),
            lines: BTreeMap::new(),
            preferring: HashMap::new(),
            stirred: BTreeSet::new(),
            untold: BTreeSet::new(),
            pools: Watched::default(),
            due: BTreeSet::new(),
            next_id: 0,
        }
    }

    /// The configuration it goes by.
    pub(crate) fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// The groups it is about.
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whether it has an item in another state than this, which is that of now.
    pub(crate) fn differs(&self, item: &Item, now: Timestamp) -> bool {
        let placement = self.place(item, now);
        let group = placement.as_ref().map(|placement| &placement.group);
        let kept = item.state() == State::Waiting && self.scope.covers(group);
        self.item(&item.ticket) != Some(item).filter(|_| kept)
    }

    /// How many items wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What it knows of an item that waits.
    pub(crate) fn item(&self, ticket: &TicketId) -> Option<&Item> {
        self.waiting.get(ticket).map(|known| &known.item)
    }

    /// What it knows of an agent.
    pub(crate) fn seat(&self, agent: &AgentId) -> Option<&Seat> {
        self.seats.get(agent)
    }

    /// An item as it is now, new or known: kept while it waits, forgotten otherwise.
    pub(crate) fn put_item(&mut self, item: Item, now: Timestamp) {
        self.forget_item(&item.ticket);
        if item.state() != State::Waiting {
            return;
        }
        let placement = self.place(&item, now);
        let group = placement.as_ref().map(|placement| &placement.group);
        if !self.scope.covers(group) {
            return;
        }
        let untold = !awaits_advice(&item, &self.directory)
            && (item.decision.is_none()
                || group != item.group.as_ref()
                || is_relaxed(&item, placement.as_ref()));
        let turn = turn(&item);
        let place = placement.map(|placement| {
            let line = self.line(placement.needs);
            if let Some(line) = self.lines.get_mut(&line) {
                line.queue.insert(turn.clone());
            }
            self.stirred.insert(line);
            let changes_at = placement.changes_at.filter(|at| *at > now);
            self.due
                .extend(changes_at.map(|at| (at, item.ticket.clone())));
            Place {
                group: placement.group,
                step: placement.step,
                line,
                changes_at,
            }
        });
        if untold {
            self.untold.insert(turn);
        }
        self.pools.follow(&item, &self.directory);
        self.waiting
            .insert(item.ticket.clone(), Waiting { item, place });
    }

    /// An item is no longer its matter.
    pub(crate) fn forget_item(&mut self, ticket: &TicketId) {
        let Some(known) = self.waiting.remove(ticket) else {
            return;
        };
        let turn = turn(&known.item);
        self.untold.remove(&turn);
        self.pools.leave(ticket);
        let Some(place) = known.place else {
            return;
        };
        if let Some(at) = place.changes_at {
            self.due.remove(&(at, ticket.clone()));
        }
        let Some(line) = self.lines.get_mut(&place.line) else {
            return;
        };
        line.queue.remove(&turn);
        if line.queue.is_empty() {
            self.close(place.line);
        }
    }

    /// An agent's seat as it is now.
    pub(crate) fn put_seat(&mut self, agent: &AgentId, seat: Seat) {
        let before = self.seats.insert(agent.clone(), seat);
        let (Some(agent), Some(seat)) = (self.directory.agents.get(agent), self.seats.get(agent))
        else {
            return;
        };
        let judge = Judge {
            directory: &self.directory,
            at: self.judged_at,
        };
        let own = &agent.profile.groups;
        let covered = own.iter().filter_map(|group| self.covered.get(group));
        // Each group once, however many covers lead to it.
        let groups: BTreeSet<&GroupId> = own.iter().chain(covered.flatten()).collect();
        self.pools.changed(groups.iter().copied());
        let classes = groups.iter().filter_map(|group| self.by_group.get(*group));
        for id in classes.flatten() {
            let Some(class) = self.classes.get_mut(id) else {
                continue;
            };
            let could = before
                .as_ref()
                .is_some_and(|before| class.remove(agent, before, judge));
            if class.add(agent, seat, judge) && !could {
                self.stirred.extend(class.lines.values());
            }
        }
        self.stirred
            .extend(self.preferring.get(&agent.id).into_iter().flatten());
    }

    fn judge(&self) -> Judge<'_> {
        Judge {
            directory: &self.directory,
            at: self.judged_at,
        }
    }

    /// Looks at everybody again, where shifts or covers have begun or ended.
    fn judge_anew(&mut self, now: Timestamp) {
        self.judged_at = now;
        self.judge_again_at = self.directory.next_change(now);
        self.covered = covered(&self.directory, now);
        let judge = Judge {
            directory: &self.directory,
            at: now,
        };
        for class in self.classes.values_mut() {
            class.judge_anew(judge, &self.seats);
        }
        self.stirred.extend(self.lines.keys());
        self.pools.all_changed();
    }

    /// Another configuration: everybody's place is found anew. Costs all that waits.
    pub(crate) fn directory_changed(&mut self, directory: Arc<Directory>, now: Timestamp) {
        let anew = Self::within(directory, self.scope.clone(), now);
        let before = std::mem::replace(self, anew);
        self.seats = before.seats;
        for known in before.waiting.into_values() {
            self.put_item(known.item, now);
        }
    }

    /// When to plan again even if nothing is put in.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let due = self.due.first().map(|(at, _)| *at);
        due.into_iter().chain(self.judge_again_at).min()
    }

    /// What is to be done now: some items that are given to agents, and some that have not been
    /// told why they wait. The index goes on as if it were done; where it is not, put in the item
    /// and the seat as they are. Nothing is left to do when it returns nothing.
    pub(crate) fn plan(&mut self, now: Timestamp) -> Vec<Planned> {
        if self.judge_again_at.is_some_and(|at| at <= now) {
            self.judge_anew(now);
        }
        while let Some((at, ticket)) = self.due.first().cloned()
            && at <= now
        {
            match self.item(&ticket).cloned() {
                Some(item) => self.put_item(item, now),
                None => drop(self.due.pop_first()),
            }
        }
        for ticket in self.pools.turned(&self.directory, &self.seats, now) {
            if let Some(item) = self.item(&ticket).cloned() {
                self.put_item(item, now);
            }
        }
        let mut planned = self.pair(now);
        planned.extend(self.tell());
        planned
    }

    fn place(&self, item: &Item, now: Timestamp) -> Option<Placement> {
        let pools = SeatPools {
            directory: &self.directory,
            seats: &self.seats,
        };
        place(item, &self.directory, &pools, now)
    }

    /// Items nobody can take now and nobody has told why.
    fn tell(&mut self) -> Vec<Planned> {
        let hopeless = |turn: &&Turn| {
            let known = self.waiting.get(&turn.3);
            let place = known.and_then(|known| known.place.as_ref());
            place.is_none_or(|place| {
                !self.stirred.contains(&place.line) || !self.is_possible(place.line)
            })
        };
        let turns: Vec<Turn> = self
            .untold
            .iter()
            .filter(hopeless)
            .take(SAID_AT_ONCE)
            .cloned()
            .collect();
        let told = turns.iter().filter_map(|turn| {
            let known = self.waiting.get(&turn.3)?;
            let choice = known
                .place
                .as_ref()
                .and_then(|place| self.choice(place.line));
            Some(planned(known, None, choice))
        });
        let told = told.collect();
        for turn in &turns {
            self.untold.remove(turn);
        }
        told
    }
}

/// The groups that each group answers for at an instant.
fn covered(directory: &Directory, at: Timestamp) -> HashMap<GroupId, Vec<GroupId>> {
    let mut covered: HashMap<GroupId, Vec<GroupId>> = HashMap::new();
    for group in directory.groups.keys() {
        if let Some(cover) = directory.cover_of(group, at) {
            covered
                .entry(cover.by.clone())
                .or_default()
                .push(group.clone());
        }
    }
    covered
}

/// Whether what held an item back does so no more.
fn is_relaxed(item: &Item, placement: Option<&Placement>) -> bool {
    item.reason == Some(Reason::WaitingForPreferred)
        && placement.is_none_or(|placement| placement.needs.preferred_skills.is_empty())
}

/// The hand-over of what was found for an item.
fn planned(known: &Waiting, agent: Option<(AgentId, i64)>, choice: Option<Choice>) -> Planned {
    let (item, place) = (&known.item, known.place.as_ref());
    Planned {
        ticket: item.ticket.clone(),
        version: item.version,
        group: place.map(|place| place.group.clone()),
        step: place.and_then(|place| place.step.clone()),
        agent,
        reason: choice
            .as_ref()
            .map_or(Reason::NoWorkflow, |choice| choice.reason),
        look: choice.map(|choice| choice.look),
        cause: item.trail.cause.clone(),
    }
}

#[cfg(test)]
mod tests;
